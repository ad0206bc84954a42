"""The top of the house: configuration, wiring and everything that faces the network."""

from assistant_platform.celery import app as celery_app

__all__ = ["celery_app"]
