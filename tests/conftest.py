"""People everybody knows: Alice is Admin of Acme, Bob a Member there; Charlie must see nothing of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from lib.http.policy import Policy, in_force
from orgs.permissions import Role
from scm.adapters import close_adapters
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories, servers

if TYPE_CHECKING:
    from tests.vendors.github_server import GitHubServer
    from tests.vendors.gitlab_server import GitLabServer
    from tests.vendors.slack_server import SlackServer


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give this process a database of its own, cloned from the template."""
    name = f"assistant_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    servers.clone_template(name)
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    servers.drop_database(name)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Run a test without a transaction around it, for what happens between transactions; cleans up behind it."""
    with django_db_blocker.unblock():
        yield
        name = connection.settings_dict["NAME"]
        connections.close_all()
    with psycopg.connect(servers.database_named(os.environ[servers.ADMIN_URL], name), autocommit=True) as admin:
        tables = [
            row[0]
            for row in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            if row[0] not in {"django_migrations", "django_content_type", "auth_permission"}
        ]
        admin.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


@pytest.fixture
def alice(db: None) -> User:
    """An Admin of Acme."""
    return factories.a_person("alice@acme.example")


@pytest.fixture
def acme(alice: User) -> Organization:
    """The organization most tests are about."""
    return factories.an_organization("acme", admin=alice)


@pytest.fixture
def bob(acme: Organization) -> User:
    """A Member of Acme."""
    person = factories.a_person("bob@acme.example")
    with acting_for(acme.pk):
        factories.a_member(person, Role.MEMBER)
    return person


@pytest.fixture
def charlie(db: None) -> User:
    """An Admin of another organization, who must see nothing of Acme."""
    person = factories.a_person("charlie@umbrella.example")
    factories.an_organization("umbrella", admin=person)
    return person


@pytest.fixture
def in_acme(acme: Organization) -> Iterator[Organization]:
    """Acme, in scope for the whole test."""
    with acting_for(acme.pk):
        yield acme


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """A GitHub on loopback, which the operator allows; fails the test that broke GitHub's own descriptions."""
    from tests.vendors.github_server import GitHubServer  # noqa: PLC0415  (few tests need what it loads)

    with GitHubServer().running() as server, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        yield server
        close_adapters()
    assert server.violations == []


@pytest.fixture
def gitlab() -> Iterator[GitLabServer]:
    """A GitLab on loopback, which the operator allows; fails the test that broke what GitLab describes."""
    from tests.vendors.gitlab_server import GitLabServer  # noqa: PLC0415  (few tests need what it loads)

    with GitLabServer().running() as server, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        yield server
        close_adapters()
    assert server.violations == []


@pytest.fixture
def slack(settings: Any) -> Iterator[SlackServer]:
    """A Slack on loopback with the operator's app; fails the test that broke what Slack describes."""
    from tests.vendors import slack_server  # noqa: PLC0415  (few tests need what it loads)

    settings.SLACK_CLIENT_ID, settings.SLACK_CLIENT_SECRET = slack_server.CLIENT_ID, slack_server.CLIENT_SECRET
    settings.SLACK_SIGNING_SECRET = slack_server.SIGNING_SECRET
    with slack_server.SlackServer().running() as server, in_force(Policy.of(allowed=["127.0.0.1"], ports=["*"])):
        settings.SLACK_API_URL = server.api_url
        yield server
    assert server.violations == []


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """Return a function that gives a browser in which a person is signed in."""

    def signed_in(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in
