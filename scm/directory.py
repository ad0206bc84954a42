"""Whose a webhook is, before anybody knows which organization it concerns."""

from __future__ import annotations

from scm.models import CodeHost
from tenancy.directory import across_organizations


def host_by_hook_key(key: str) -> CodeHost | None:
    """Return the code host that sends its webhooks to the address with this key, None where there is none."""
    with across_organizations():
        # Without the certificates, which may be long, and which no webhook needs.
        return CodeHost.every_organization.defer("ca_bundle", "checks").filter(hook_key=key).first()


def all_hosts(*, at_most: int) -> list[CodeHost]:
    """Return code hosts of all organizations with whose they are, the oldest first; for the operator's checks."""
    with across_organizations():
        return list(CodeHost.every_organization.select_related("organization").order_by("pk")[:at_most])
