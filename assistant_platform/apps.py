"""The top: when everything is loaded, the pipeline is handed down to events."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

from lib.http.policy import Policy, configure


class AssistantPlatformConfig(AppConfig):
    """Configuration, wiring, pages and API."""

    name = "assistant_platform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand the pipeline and the operator's policy down; have every address checked; hear what accounts do."""
        from assistant_platform import pipeline  # noqa: PLC0415  (models must be loaded first)
        from assistant_platform.web import checks, security_log  # noqa: F401, PLC0415  (checks register themselves)

        pipeline.hand_down()
        configure(Policy.of(allowed=settings.OUTBOUND_ALLOWED_NETWORKS, ports=settings.OUTBOUND_ALLOWED_PORTS))
        security_log.listen()
