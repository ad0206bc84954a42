"""What was found, where, and what became of it."""
