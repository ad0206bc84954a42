"""Which provider answers for the organization in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

import orgs.selectors
from providers.adapters.base import Credentials
from providers.models import ModelCall
from tenancy.scope import current_organization_id


@dataclass(frozen=True)
class Choice:
    """A provider with the credentials to reach it."""

    adapter: str
    label: str
    credentials: Credentials


BUILT_IN = Choice(adapter="built_in", label="Built-in (no model)", credentials=Credentials(key="", model=""))


def platform_choice() -> Choice | None:
    """Return the provider that the operator set up for everybody, None where there is none."""
    if not settings.OPENAI_API_KEY:
        return None
    label = (
        f"OpenAI-compatible server ({settings.OPENAI_MODEL})"
        if settings.OPENAI_BASE_URL
        else f"OpenAI ({settings.OPENAI_MODEL})"
    )
    return Choice(
        adapter="openai",
        label=label,
        credentials=Credentials(
            key=settings.OPENAI_API_KEY,
            model=settings.OPENAI_MODEL,
            base_url=settings.OPENAI_BASE_URL,
            timeout_seconds=settings.MODEL_TIMEOUT_SECONDS,
        ),
    )


def chosen() -> Choice:
    """Return who answers: the platform's provider once an Admin accepted that code is sent there, else Built-in."""
    current_organization_id()
    platform = platform_choice()
    if platform is None or not orgs.selectors.has_consent():
        return BUILT_IN
    return platform


def calls_by_id(call_ids: Sequence[int]) -> dict[int, ModelCall]:
    """Return requests to providers by their ids, without the long texts."""
    found = ModelCall.objects.filter(pk__in=call_ids).defer("system_text", "user_text", "reply_text")
    return {call.pk: call for call in found}


def calls() -> QuerySet[ModelCall]:
    """Return every request that the organization made to a provider, newest first."""
    return ModelCall.objects.order_by("-pk")
