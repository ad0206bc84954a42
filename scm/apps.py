"""Where code comes from."""

from __future__ import annotations

from django.apps import AppConfig


class ScmConfig(AppConfig):
    """Where code comes from."""

    name = "scm"
    default_auto_field = "django.db.models.BigAutoField"
