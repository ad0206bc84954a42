"""The floor everything stands on: organizations, the scope, the backend."""

from __future__ import annotations

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Organizations and whose work this is."""

    name = "tenancy"
    default_auto_field = "django.db.models.BigAutoField"
