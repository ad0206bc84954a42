"""The language model an organization chose."""
