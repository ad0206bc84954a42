"""Each host in turn, its adapter, and a pull request there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib.http.policy import Policy, in_force
from scm.adapters import adapter_for, close_adapters
from scm.adapters.base import (
    ScmAdapter,
)
from tests.contract.scm.conformance import HostUnderTest
from tests.contract.scm.drafts import CHANGED
from tests.contract.scm.hosts import HOSTS

LOOPBACK = Policy.of(allowed=["127.0.0.1"], ports=["*"])


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest) -> Iterator[HostUnderTest]:
    with in_force(LOOPBACK), HOSTS[request.param].running() as running:
        yield running
        close_adapters()


@pytest.fixture
def adapter(host: HostUnderTest) -> ScmAdapter:
    return adapter_for(host.kind, host.access)


@pytest.fixture
def number(host: HostUnderTest) -> str:
    """A pull request that changes line 30 of app/views.py."""
    host.commit("feature", {"app/views.py": CHANGED})
    return host.open_pull_request("feature")
