"""What an organization and its projects can set: each setting's words and shape, its effective value, its changes."""
