"""How to fix a true positive."""

from __future__ import annotations

from django.apps import AppConfig


class RemediationConfig(AppConfig):
    """How to fix a true positive."""

    name = "remediation"
    default_auto_field = "django.db.models.BigAutoField"
