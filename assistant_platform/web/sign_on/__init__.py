"""Signing in through an organization's identity provider: what is ours on top of django-allauth."""
