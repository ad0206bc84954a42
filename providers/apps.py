"""The language model an organization chose."""

from __future__ import annotations

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """The language model an organization chose."""

    name = "providers"
    default_auto_field = "django.db.models.BigAutoField"
