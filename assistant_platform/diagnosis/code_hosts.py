"""The code hosts of all organizations: does each let us in?"""

from __future__ import annotations

from functools import partial

from assistant_platform.diagnosis.check import Check, Unwell
from scm.access import adapter_of_host
from scm.adapters.base import ScmError
from scm.directory import all_hosts
from scm.models import CodeHost
from tenancy.scope import acting_for

MOST_ASKED = 50


def parts() -> list[Check]:
    """Return a check for each code host, the oldest first; beyond MOST_ASKED none is asked."""
    hosts = all_hosts(at_most=MOST_ASKED + 1)
    checks = [Check(f"Code host {host.pk}", partial(lets_us_in, host)) for host in hosts[:MOST_ASKED]]
    if len(hosts) > MOST_ASKED:
        checks.append(Check("More code hosts", lambda: f"only the first {MOST_ASKED} are asked"))
    return checks


def lets_us_in(host: CodeHost) -> str:
    """Say who we are at a host."""
    name = f"{host} of {host.organization.slug}"
    with acting_for(host.organization_id):
        try:
            identity = adapter_of_host(host).whoami()
        except ScmError as error:
            raise Unwell(
                f"{name}: {error}", remedy="an Admin tests and changes it under Settings > Code hosts"
            ) from error
    return f"{name} lets us in as {identity.account}"
