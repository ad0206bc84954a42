"""What found it."""

from __future__ import annotations

from django.apps import AppConfig


class RulesConfig(AppConfig):
    """What found it."""

    name = "rules"
    default_auto_field = "django.db.models.BigAutoField"
