"""The consent to send code, as the pages show it: whom it would go to, and what was accepted by whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages

import orgs.selectors
import orgs.services
import providers.selectors
from assistant_platform.web.base import OrgRequest
from orgs.models import AssistantSettings
from orgs.settings.consent import CONSENT_TEXT_VERSION
from providers.models import Connection, Vendor


@dataclass(frozen=True)
class Consent:
    """What was accepted, of a text that goes to `recipient`: empty where nobody outside of this server is chosen."""

    settings: AssistantSettings
    recipient: str
    retention_days: int
    text_version: int = CONSENT_TEXT_VERSION

    @property
    def is_given(self) -> bool:
        """Whether code may be sent."""
        return self.settings.has_consent

    @property
    def is_outdated(self) -> bool:
        """Whether somebody accepted an earlier text that does not cover what this one says."""
        return self.settings.consented_at is not None and not self.is_given

    @property
    def is_wanted(self) -> bool:
        """Whether a provider is chosen that waits for it."""
        return bool(self.recipient) and not self.is_given


def consent() -> Consent:
    """Return the consent of the organization in scope."""
    return Consent(
        settings=orgs.selectors.assistant_settings(),
        recipient=recipient(),
        retention_days=orgs.selectors.retention_days(),
    )


def give_or_withdraw(request: OrgRequest) -> None:
    """Accept that code is sent to the AI provider, or take that back, as the form's button says."""
    if request.POST.get("consent") == "give":
        orgs.services.give_consent(actor=request.actor)
        messages.success(request, "Accepted. New analyses are answered by the AI provider.")
    else:
        orgs.services.withdraw_consent(actor=request.actor)
        messages.success(request, "Withdrawn. No code is sent any more; Built-in answers.")


def recipient() -> str:
    """Return whom code goes to once that is accepted, as pages name them."""
    connections = list(providers.selectors.connections())
    platform = providers.selectors.platform_choice()
    if not connections:
        return platform.label if platform else ""
    labels = []
    for connection in connections:
        if connection.vendor == Vendor.BUILT_IN:
            break  # nobody after it is ever asked
        if connection.vendor == Vendor.PLATFORM:
            labels += [platform.label] if platform else []
        else:
            labels.append(label_of(connection))
    return ", or ".join(dict.fromkeys(labels))


def label_of(connection: Connection) -> str:
    """Return a connection as pages name it."""
    name = providers.selectors.VENDOR_NAMES[Vendor(connection.vendor)]
    return f"{name} ({connection.model})" if connection.model else connection.get_vendor_display()
