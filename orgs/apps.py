"""People, projects and how they are set up."""

from __future__ import annotations

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """People, projects and how they are set up."""

    name = "orgs"
    default_auto_field = "django.db.models.BigAutoField"
