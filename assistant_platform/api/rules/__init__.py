"""The API about rules."""
