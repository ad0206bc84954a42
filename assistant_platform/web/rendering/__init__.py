"""Turning code, differences, Markdown and events into what templates show. Knows nothing of requests."""
