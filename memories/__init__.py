"""What an organization taught us."""
