"""What must fit together before a worker starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

# A fix may ask twice, each with one repair try; then its gates run the engine.
REQUESTS_OF_A_JOB = 4
SECONDS_BESIDE_REQUESTS = 60


@register
def lease_outlasts_requests(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings by which a Job would be taken over while its model still thinks, and asked, and paid, twice."""
    needed = REQUESTS_OF_A_JOB * settings.MODEL_TIMEOUT_SECONDS + SECONDS_BESIDE_REQUESTS
    if needed <= settings.JOB_LEASE_SECONDS:
        return []
    return [
        Error(
            f"JOB_LEASE_SECONDS is {settings.JOB_LEASE_SECONDS}, less than {REQUESTS_OF_A_JOB} x MODEL_TIMEOUT_SECONDS"
            f" + {SECONDS_BESIDE_REQUESTS} = {needed}.",
            hint=f"Set JOB_LEASE_SECONDS to {needed} or more.",
            id="providers.E001",
        )
    ]
