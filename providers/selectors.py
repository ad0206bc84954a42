"""Which provider answers for the organization in scope."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

import orgs.selectors
from orgs.models import ApiToken, Membership
from providers.adapters.base import Credentials
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


# What stands before the @ of an address, or serves as a user name, without saying who it is.
_NOBODY = frozenset(
    [
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
        "system",
        "team",
        "test",
        "tests",
        "tester",
        "user",
        "users",
        "web",
        "webmaster",
    ]
)
SHORTEST_USER_NAME = 4  # `bob` or `max` by itself is a word of code; it is hidden where it begins with a capital


def names_of_people() -> tuple[str, ...]:
    """Return every name, e-mail address and user name of the organization's people, longest first.

    The names of tokens are among them: people call a token after whose it is.
    """
    with transaction.atomic():
        users = [member.user for member in Membership.objects.select_related("user")]
        tokens = ApiToken.objects.values_list("name", flat=True)
        names = {name for name in tokens if " " in name.strip()}
    for user in users:
        local = user.email.partition("@")[0]
        names |= {user.get_full_name(), user.email, user.username}
        names |= {part for part in (user.first_name, user.last_name) if part.lower() not in _NOBODY}
        names |= {part for part in (local, user.username) if _is_telling(part)}
        names |= {
            part.capitalize()
            for part in local.replace("_", ".").replace("-", ".").split(".")
            if part not in _NOBODY and part.isalpha()
        }
    return tuple(sorted((name for name in names if name.strip()), key=lambda name: (-len(name), name)))


def _is_telling(user_name: str) -> bool:
    return len(user_name) >= SHORTEST_USER_NAME and user_name.lower() not in _NOBODY
