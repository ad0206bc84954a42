"""Slack: the workspaces that were connected, what they are told, and what people there answer."""
