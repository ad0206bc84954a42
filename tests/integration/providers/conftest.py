"""An organization that accepted the platform's model, which is a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

import orgs.services
from events.kinds import SYSTEM
from findings.models import Finding
from providers.adapters import close_clients
from providers.adapters.base import Credentials
from tenancy.models import Organization
from tests.integration.providers import situations
from tests.vendors.openai_server import OpenAIServer


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    close_clients()


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """The vendor; a request or reply that breaks its contract fails the test."""
    with OpenAIServer().running() as server:
        yield server
    assert not server.violations


@pytest.fixture
def credentials(openai_server: OpenAIServer) -> Credentials:
    return Credentials(key=situations.KEY, model="gpt-5-mini", base_url=openai_server.url, timeout_seconds=5)


@pytest.fixture
def platform_model(openai_server: OpenAIServer, settings: Settings) -> OpenAIServer:
    """The vendor, set up by the operator for everybody; nobody has been asked to wait."""
    situations.set_up(settings, openai_server)
    cache.clear()
    return openai_server


@pytest.fixture
def openai(platform_model: OpenAIServer, in_acme: Organization) -> OpenAIServer:
    """The vendor, to which Acme lets its code go."""
    orgs.services.give_consent(actor=SYSTEM)
    return platform_model


@pytest.fixture
def finding(in_acme: Organization) -> Finding:
    """A finding in a file that is known."""
    return situations.a_finding_in(situations.ORDERS)
