"""How to fix a true positive."""
