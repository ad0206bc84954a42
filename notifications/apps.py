"""Telling people."""

from __future__ import annotations

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Telling people."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"
