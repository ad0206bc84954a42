"""What GitHub alone has."""
