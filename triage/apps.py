"""Is it real, where is it, what comes first."""

from __future__ import annotations

from django.apps import AppConfig


class TriageConfig(AppConfig):
    """Is it real, where is it, what comes first."""

    name = "triage"
    default_auto_field = "django.db.models.BigAutoField"
