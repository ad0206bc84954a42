"""The top: when everything is loaded, the pipeline is handed down to events."""

from __future__ import annotations

from django.apps import AppConfig


class AssistantPlatformConfig(AppConfig):
    """Configuration, wiring, pages and API."""

    name = "assistant_platform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand the pipeline down, have every address checked for its permission, and hear what happens to accounts."""
        from assistant_platform import pipeline  # noqa: PLC0415  (models must be loaded first)
        from assistant_platform.web import checks, security_log  # noqa: F401, PLC0415  (checks register themselves)

        pipeline.hand_down()
        security_log.listen()
