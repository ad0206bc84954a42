"""From a scan without code to an open fix pull request, with real commits: the host is asked in no transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

import triage.services
from events.draining import drain
from findings.models import Finding
from orgs.services import actor_of
from remediation import pull_requests
from remediation.models import Autofix, FixPullRequest
from rules.models import Rule
from tenancy.scope import acting_for
from tests import factories
from tests.integration.events.conftest import at_once
from tests.vendors.memory_host import Call, MemoryHost, RepositoryThere, a_repository, memory_host

__all__ = ["memory_host"]

COMMIT = "c" * 40
PATH = "app/orders.py"
CODE = """\
import sqlite3

from flask import request


def find(connection: sqlite3.Connection) -> object:
    name = request.args["name"]
    return connection.execute("SELECT id FROM orders WHERE name = '" + name + "'")
"""
RULE = """\
rules:
  - id: built-query
    languages: [python]
    message: The query is built from the request.
    severity: ERROR
    pattern: $C.execute("..." + ...)
"""


@pytest.fixture
def there(committed: None, memory_host: MemoryHost) -> RepositoryThere:
    there = memory_host.add_repository()
    there.trees[COMMIT] = {PATH: CODE, "requirements.txt": "flask\n"}
    there.branches["main"] = COMMIT

    def outside_transactions(call: Call) -> None:
        assert not connection.in_atomic_block, f"{call.method} was asked inside a transaction"

    memory_host.before = outside_transactions
    return there


@pytest.fixture
def person(there: RepositoryThere) -> User:
    return factories.a_person("alice@acme.example")


@pytest.fixture
def finding(person: User, there: RepositoryThere, settings: Settings) -> Iterator[Finding]:
    cache.clear()
    acme = factories.an_organization("acme", admin=person)
    with acting_for(acme.pk), transaction.atomic():
        project = factories.a_project()
        a_repository(there, project=project)
        rule = Rule.objects.create(
            identifier="built-query", message="Built.", severity=3, yaml=RULE, cwe=["CWE-89"], languages=["python"]
        )
        scan = factories.a_scan(project, commit=COMMIT)
        found = factories.a_finding(
            scan=scan, rule=rule, path=PATH, start_line=8, end_line=8, start_column=12, end_column=83
        )
    settings.IS_TEST = False  # so that whoever waits for a host in a transaction is refused, as in production
    with acting_for(acme.pk):
        yield found


def test_from_a_scan_without_code_to_an_open_pull_request(
    finding: Finding, there: RepositoryThere, person: User
) -> None:
    with transaction.atomic():
        triage.services.request_analysis(finding=finding, actor=actor_of(person))

    drain()
    with transaction.atomic():
        autofix = Autofix.objects.get()
        assert (autofix.is_verified, autofix.gates) == (True, autofix.gates)
    pull_requests.request(finding=finding, actor=actor_of(person))
    drain()

    with transaction.atomic():
        asked = FixPullRequest.objects.get()
    assert (asked.state, asked.problem) == ("opened", "")
    assert '"SELECT id FROM orders WHERE name = ?", (name,)' in there.trees[there.branches[asked.branch]][PATH]


def test_two_clicks_at_once_ask_once(finding: Finding, person: User) -> None:
    with transaction.atomic():
        Autofix.objects.create(finding=finding, is_shown=True, is_verified=True, confidence="high", source="model")

    def click() -> int:
        with acting_for(finding.organization_id):
            return pull_requests.request(finding=finding, actor=actor_of(person)).pk

    first, second = at_once(click, click)

    assert first == second
    with transaction.atomic():
        assert FixPullRequest.objects.count() == 1


def test_the_pages_that_show_code_have_it_read(
    finding: Finding, memory_host: MemoryHost, person: User, client_for: Callable[[User], Client]
) -> None:
    page = f"/orgs/acme/findings/{finding.pk}/"

    preview = client_for(person).get(f"{page}preview/").content.decode()
    shown = client_for(person).get(page).content.decode()

    assert "SELECT id FROM orders" in preview
    assert "FROM orders WHERE name" in shown
    assert len(memory_host.calls("read_file")) == 1
