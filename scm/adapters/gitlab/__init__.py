"""GitLab: its own service, and self-managed ones."""
