"""Which provider answers for the organization in scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

import orgs.selectors
from orgs.models import ApiToken, Membership
from providers.adapters.base import Credentials
from providers.models import ModelCall, Step
from tenancy.scope import current_organization_id


@dataclass(frozen=True)
class Choice:
    """A provider with the credentials to reach it; `connection_id` is None for the platform's and for Built-in."""

    adapter: str
    label: str
    credentials: Credentials
    connection_id: int | None = None


BUILT_IN = Choice(adapter="built_in", label="Built-in (no model)", credentials=Credentials(key="", model=""))


def platform_choice() -> Choice | None:
    """Return the provider that the operator set up for everybody, None where there is none."""
    if not settings.OPENAI_API_KEY:
        return None
    vendor = "OpenAI-compatible server" if settings.OPENAI_BASE_URL else "OpenAI"
    return Choice(
        adapter="openai",
        label=f"{vendor} ({settings.OPENAI_MODEL})",
        credentials=Credentials(
            key=settings.OPENAI_API_KEY,
            model=settings.OPENAI_MODEL,
            base_url=settings.OPENAI_BASE_URL,
            timeout_seconds=settings.MODEL_TIMEOUT_SECONDS,
        ),
    )


def choices_for(step: str) -> tuple[Choice, ...]:
    """Return who answers a step, the first first; the others stand in where it cannot.

    Built-in alone until an Admin has accepted that code is sent to a provider.
    """
    current_organization_id()
    platform = platform_choice()
    if platform is None or not orgs.selectors.has_consent():
        return (BUILT_IN,)
    return (platform,)


def chosen() -> Choice:
    """Return who judges findings, as pages name it."""
    return choices_for(Step.VERDICT)[0]


# What stands before the @ of an address, or serves as a user name, without saying who it is.
_NOBODY = {
    *(
        "admin",
        "administrator",
        "api",
        "app",
        "build",
        "ci",
        "contact",
        "data",
        "demo",
        "dev",
        "email",
        "hello",
        "help",
    ),
    *(
        "info",
        "mail",
        "main",
        "me",
        "office",
        "ops",
        "owner",
        "person",
        "root",
        "sales",
        "security",
        "staff",
        "support",
    ),
    *("system", "team", "test", "tester", "tests", "user", "users", "web", "webmaster"),
}
SHORTEST_USER_NAME = 4  # `bob` or `max` by itself is a word of code; it is hidden where it begins with a capital


def names_of_people() -> tuple[str, ...]:
    """Return every name, e-mail address and user name of the organization's people, longest first.

    The names of tokens are among them: people call a token after whose it is.
    """
    with transaction.atomic():
        users = [member.user for member in Membership.objects.select_related("user")]
        tokens = list(ApiToken.objects.values_list("name", flat=True))
    names = {name for name in tokens if " " in name.strip()}
    for user in users:
        before_at = user.email.partition("@")[0]
        parts = re.split(r"[._-]", before_at)
        names |= {user.get_full_name(), user.email}
        names |= {name for name in (before_at, user.username) if len(name) >= SHORTEST_USER_NAME}
        names |= {name.capitalize() for name in (user.first_name, user.last_name, *parts) if name.isalpha()}
    telling = (name for name in names if name.strip() and name.lower() not in _NOBODY)
    return tuple(sorted(telling, key=lambda name: (-len(name), name)))


def calls_by_id(call_ids: Sequence[int]) -> dict[int, ModelCall]:
    """Return requests to providers by their ids, without the long texts."""
    found = ModelCall.objects.filter(pk__in=call_ids).defer("system_text", "user_text", "reply_text")
    return {call.pk: call for call in found}


def calls() -> QuerySet[ModelCall]:
    """Return every request that the organization made to a provider, newest first."""
    return ModelCall.objects.order_by("-pk")
