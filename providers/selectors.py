"""Which provider answers for the organization in scope."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

import orgs.selectors
from lib.crypto import CannotDecrypt
from orgs.models import ApiToken, Membership
from providers.adapters.base import Credentials
from providers.models import Connection, ModelCall, Step, StepModel, Vendor
from providers.sealing import Secrets, open_sealed
from tenancy.scope import current_organization_id


@dataclass(frozen=True)
class Choice:
    """A provider with the credentials to reach it; `connection_id` is None for the platform's and for Built-in."""

    adapter: str
    label: str
    credentials: Credentials
    connection_id: int | None = None


# As pages name them beside a model.
VENDOR_NAMES = {
    Vendor.PLATFORM: "OpenAI",
    Vendor.OPENAI: "OpenAI",
    Vendor.AZURE_OPENAI: "Azure OpenAI",
    Vendor.GEMINI: "Google Gemini",
    Vendor.BEDROCK: "AWS Bedrock",
    Vendor.COMPATIBLE: "OpenAI-compatible server",
    Vendor.BUILT_IN: "Built-in",
}

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

    Only whom an Admin allowed: the step's own model, then the connections in their order; the platform's where there
    are no connections. Built-in alone until an Admin has accepted that code is sent to a provider.
    """
    with transaction.atomic(savepoint=False):
        if not orgs.selectors.assistant_settings().has_consent:
            return (BUILT_IN,)
        saved = list(connections())
        own_model = StepModel.objects.filter(step=step).first() if saved else None
    if not saved:
        platform = platform_choice()
        return (BUILT_IN,) if platform is None else (platform,)
    found: list[Choice] = []
    if own_model is not None:
        connection = next(entry for entry in saved if entry.pk == own_model.connection_id)
        found += _choice_of(connection, model=own_model.model)
    for connection in saved:
        found += _choice_of(connection)
        if connection.vendor == Vendor.BUILT_IN:
            break  # it always answers, so that nobody after it is ever asked
    return tuple(found) or (BUILT_IN,)


def models_in_reach() -> tuple[Choice, ...]:
    """Return every model that the organization may send code to, whatever their order; none without consent."""
    with transaction.atomic():
        if not orgs.selectors.has_consent():
            return ()
        saved = list(connections())
        own_models = list(step_models().values()) if saved else []
    if not saved:
        platform = platform_choice()
        return () if platform is None else (platform,)
    found = [choice for connection in saved for choice in _choice_of(connection)]
    found += [choice for entry in own_models for choice in _choice_of(entry.connection, model=entry.model)]
    return tuple(choice for choice in found if choice.adapter in Vendor.values and choice.adapter != BUILT_IN.adapter)


def connections() -> QuerySet[Connection]:
    """Return the organization's connections in the order in which they are asked."""
    return Connection.objects.order_by("position")


def step_models() -> dict[str, StepModel]:
    """Return the steps that have a model of their own, by their names."""
    return {entry.step: entry for entry in StepModel.objects.select_related("connection")}


def connections_with_problems() -> list[Connection]:
    """Return the connections that cannot answer until somebody changes something."""
    return list(connections().exclude(problem=""))


def credentials_with(connection: Connection, secrets: Secrets, *, model: str = "") -> Credentials:
    """Return how a connection would be reached with these secrets."""
    return Credentials(
        key=secrets.key,
        model=model or connection.model,
        base_url=connection.base_url,
        timeout_seconds=settings.MODEL_TIMEOUT_SECONDS,
        api_version=connection.api_version,
        region=connection.region,
        secret_key=secrets.secret_key,
        role_arn=connection.role_arn,
        external_id=connection.external_id,
        headers=secrets.headers,
        is_guarded=connection.vendor == Vendor.COMPATIBLE,
        may_be_server=settings.AWS_SERVER_IDENTITY_ALLOWED,
    )


def external_id() -> str:
    """Return what AWS asks for before it lends the organization's role: ours to set, so that nobody else can use it."""
    name = f"bedrock-external-id:{current_organization_id()}"
    return "assistant-" + hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]


def _choice_of(connection: Connection, *, model: str = "") -> tuple[Choice, ...]:
    """Return how a connection is asked; nothing where the operator has taken the platform's provider away."""
    if connection.vendor == Vendor.BUILT_IN:
        return (BUILT_IN,)
    if connection.vendor == Vendor.PLATFORM:
        platform = platform_choice()
        return () if platform is None else (replace(platform, connection_id=connection.pk),)
    model = model or connection.model
    label = f"{VENDOR_NAMES[Vendor(connection.vendor)]} ({model})"
    try:
        secrets = open_sealed(connection.sealed_secrets)
    except CannotDecrypt:
        return (Choice("unusable", label, Credentials(key="", model=model), connection_id=connection.pk),)
    credentials = credentials_with(connection, secrets, model=model)
    return (Choice(connection.vendor, label, credentials, connection_id=connection.pk),)


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
    with transaction.atomic(savepoint=False):
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
