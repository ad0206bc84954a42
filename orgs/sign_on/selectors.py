"""Reading single sign-on: whose an address or a key is, and what the organization in scope has set up."""

from __future__ import annotations

from dataclasses import dataclass

import idna
from django.db import transaction
from django.db.models import Prefetch, QuerySet

from orgs.models import SignOn, SignOnDomain
from tenancy.directory import across_organizations
from tenancy.scope import acting_for


@dataclass(frozen=True)
class Place:
    """Where a person signs in: the organization's identity provider, and whether other ways are closed."""

    organization_id: int
    organization_name: str
    organization_slug: str
    key: str
    name: str
    is_enforced: bool


def domain_of(address: str) -> str:
    """Return the domain of an e-mail address as it is claimed: lower case, ASCII; empty where there is none."""
    # PostgreSQL takes no NUL, and no domain has one.
    domain = address.replace("\0", "").strip().lower().rpartition("@")[2] if "@" in address else ""
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def place_of_address(address: str) -> Place | None:
    """Return where the people of an address's domain sign in; None unless the domain is proved and led there."""
    with across_organizations():
        row = (
            SignOnDomain.every_organization.filter(
                domain=domain_of(address), proved_at__isnull=False, sign_on__isnull=False
            )
            .values_list(
                "organization_id",
                "organization__name",
                "organization__slug",
                "sign_on__key",
                "sign_on__name",
                "sign_on__is_enforced",
            )
            .first()
        )
    return Place(*row) if row else None


def place_of_key(key: str) -> Place | None:
    """Return whose an identity provider is, by the key in our addresses."""
    with across_organizations():
        row = (
            SignOn.every_organization.filter(key=key)
            .values_list("organization_id", "organization__name", "organization__slug", "key", "name", "is_enforced")
            .first()
        )
    return Place(*row) if row else None


def sign_on_at(place: Place) -> SignOn:
    """Return an identity provider with its proved domains, read as its own organization."""
    with acting_for(place.organization_id), transaction.atomic():
        return SignOn.objects.select_related("organization").get(key=place.key)


def sign_ons() -> QuerySet[SignOn]:
    """Return the organization's identity providers by name, each with its domains."""
    return SignOn.objects.prefetch_related(Prefetch("domains", queryset=domains())).order_by("name", "pk")


def domains() -> QuerySet[SignOnDomain]:
    """Return the domains that the organization claims, by name."""
    return SignOnDomain.objects.select_related("sign_on").order_by("domain")
