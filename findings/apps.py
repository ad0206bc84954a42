"""What was found, where, and what became of it."""

from __future__ import annotations

from django.apps import AppConfig


class FindingsConfig(AppConfig):
    """What was found, where, and what became of it."""

    name = "findings"
    default_auto_field = "django.db.models.BigAutoField"
