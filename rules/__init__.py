"""What found it."""
