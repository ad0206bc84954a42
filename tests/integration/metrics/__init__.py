"""How good the Assistant's work is, counted on the real database."""
