"""Where code hosts send their webhooks: checked, kept and answered at once; a worker does the rest."""
