"""What an organization taught us."""

from __future__ import annotations

from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    """What an organization taught us."""

    name = "memories"
    default_auto_field = "django.db.models.BigAutoField"
