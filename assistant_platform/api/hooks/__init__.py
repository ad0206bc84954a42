"""Where code hosts and Slack send what happens there: checked, kept and answered at once; a worker does the rest."""
