"""Events and Jobs: what happened and what is to be done."""

from __future__ import annotations

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events and Jobs: what happened and what is to be done."""

    name = "events"
    default_auto_field = "django.db.models.BigAutoField"
