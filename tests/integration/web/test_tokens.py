"""Settings > API tokens: a value is shown once, and nowhere else."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from structlog.stdlib import ProcessorFormatter

import orgs.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from orgs.models import ApiToken, Membership
from orgs.permissions import Scope
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

ClientFor = Callable[[User], Client]

TOKENS = "/orgs/acme/settings/tokens/"
VALUE = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@pytest.fixture
def window(acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def make(window: Client, **fields: object) -> str:
    """Make a token by the form and return its value."""
    sent = {"name": "nightly", "scopes": ["ci"], **fields}
    found = VALUE.search(window.post(f"{TOKENS}create/", sent).content.decode())
    assert found is not None
    return found[0]


def machine(value: str) -> Client:
    return Client(headers={"authorization": f"Bearer {value}"})


def scans_of(value: str) -> int:
    """Return the status of asking for a scan that is not there: 404 where the token opens the API."""
    return machine(value).get("/api/v1/deployments/acme/scans/1").status_code


def test_a_token_is_made_for_its_scopes_and_shown_in_the_answer(window: Client, in_acme: Organization) -> None:
    response = window.post(f"{TOKENS}create/", {"name": "nightly", "scopes": ["ci", "api:read"]})

    assert response.status_code == 200
    value = VALUE.findall(response.content.decode())
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.expires_at) == ("nightly", ["ci", "api:read"], None)
    assert (len(value), value[0].startswith(token.first_characters)) == (1, True)
    assert Event.objects.get(kind=Kind.TOKEN_CREATED).subject["scopes"] == "ci, api:read"


def test_the_value_is_nowhere_but_in_that_one_answer(window: Client, in_acme: Organization) -> None:
    value = make(window)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT orgs_apitoken::text FROM orgs_apitoken UNION ALL SELECT events_event::text FROM events_event"
        )
        stored = " ".join(row[0] for row in cursor.fetchall())
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert value not in stored
    assert value[10:] not in f"{sessions}{dict(window.session.items())}"
    assert value not in window.get(TOKENS).content.decode()
    assert cache.get(value) is None


def test_the_browser_is_told_to_keep_no_copy(window: Client) -> None:
    response = window.post(f"{TOKENS}create/", {"name": "nightly", "scopes": ["ci"]})

    assert response["Cache-Control"] == "no-store"
    assert not response.has_header("Location")


def test_the_form_sent_again_by_back_or_reload_makes_no_second_token(window: Client, in_acme: Organization) -> None:
    make(window)

    again = window.post(f"{TOKENS}create/", {"name": "Nightly", "scopes": ["ci"]})

    assert (again.status_code, VALUE.findall(again.content.decode())) == (422, [])
    assert b"A token has this name" in again.content
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "", "scopes": ["ci"]}, "This field is required"),
        ({"name": "nightly"}, "Choose what the token may do"),
        ({"name": "nightly", "scopes": ["everything"]}, "Select a valid choice"),
        ({"name": "night\u0007ly", "scopes": ["ci"]}, "Use printable characters"),
        ({"name": "nightly", "scopes": ["ci"], "expires_on": "2020-01-01"}, "Choose a day to come"),
        ({"name": "nightly", "scopes": ["ci"], "expires_on": "tomorrow"}, "Enter a valid date"),
        ({"name": "nightly", "scopes": ["ci"], "expires_on": "9999-12-31"}, "Choose a day to come"),
    ],
)
def test_what_makes_no_token_is_said(sent: dict[str, object], said: str, window: Client, in_acme: Organization) -> None:
    response = window.post(f"{TOKENS}create/", sent)

    assert (response.status_code, said in response.content.decode()) == (422, True)
    assert not ApiToken.objects.exists()


def test_the_list_tells_who_made_it_what_it_may_and_when_it_was_used(window: Client) -> None:
    value = make(window)
    assert scans_of(value) == 404

    page = window.get(TOKENS).content.decode()

    assert "nightly" in page
    assert f"<code>{value[:8]}…</code>" in page
    assert "alice@acme.example" in page
    assert re.search(r"<td><code>ci</code> </td>", page)
    assert page.count("now</time>") == 2  # made, and used


def test_a_token_is_revoked_after_a_question(window: Client, in_acme: Organization) -> None:
    value = make(window)
    address = f"{TOKENS}{ApiToken.objects.get().pk}/revoke/"

    asked = window.get(address)
    assert (asked.status_code, scans_of(value)) == (200, 404)
    window.post(address)

    assert scans_of(value) == 401
    assert Event.objects.filter(kind=Kind.TOKEN_REVOKED).count() == 1
    assert window.post(address).status_code == 302
    assert Event.objects.filter(kind=Kind.TOKEN_REVOKED).count() == 1


def test_the_name_of_a_revoked_token_is_free_again(window: Client, in_acme: Organization) -> None:
    make(window)
    window.post(f"{TOKENS}{ApiToken.objects.get().pk}/revoke/")

    assert scans_of(make(window)) == 404


def test_a_token_works_until_the_end_of_its_last_day_and_is_then_refused_in_words(
    window: Client, acme: Organization
) -> None:
    acme.time_zone = "Pacific/Auckland"
    with acting_for(acme.pk):
        acme.save()
    with time_machine.travel("2026-06-10T12:00:00Z", tick=False):
        value = make(window, expires_on=date(2026, 6, 20))

    with time_machine.travel("2026-06-20T11:59:59Z", tick=False):
        assert scans_of(value) == 404
    with time_machine.travel("2026-06-20T12:00:00Z", tick=False):
        refused = machine(value).get("/api/v1/deployments/acme/scans/1")

    assert refused.status_code == 401
    assert refused.json()["detail"] == "This token expired on 2026-06-20 at 12:00 UTC. Make a new one in the settings."


@pytest.mark.parametrize("goes", [lambda user: user.memberships.all().delete(), lambda user: user.delete()])
def test_a_token_outlives_its_maker_and_still_tells_who_that_was(
    goes: Callable[[User], object], window: Client, in_acme: Organization, bob: User, client_for: ClientFor
) -> None:
    Membership.objects.filter(user=bob).update(role="admin")
    value = make(client_for(bob))

    goes(bob)

    assert scans_of(value) == 404
    assert "bob@acme.example" in window.get(TOKENS).content.decode()


def test_no_log_tells_a_token(window: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    handler = next(
        handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, ProcessorFormatter)
    )
    monkeypatch.setattr(handler, "stream", written)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)

    value = make(window)
    machine(value).get(f"/api/v1/deployments/acme/scans/1?token={value}")
    machine(value + "x").get("/api/v1/deployments/acme/scans/1")
    logging.getLogger("a.library").warning("sent %s", {"Authorization": f"Bearer {value}"})

    assert "a.library" in written.getvalue()
    assert value[10:] not in written.getvalue()


@pytest.mark.parametrize(
    ("scope", "finding", "scan"), [(Scope.API_READ, 200, 200), (Scope.API_WRITE, 200, 200), (Scope.CI, 403, 200)]
)
def test_a_scope_reads_scans_and_findings_as_it_says(
    scope: Scope, finding: int, scan: int, in_acme: Organization, alice: User
) -> None:
    found = factories.a_finding()
    _, value = orgs.services.create_token(name="reader", scopes=[scope], created_by=alice, actor=SYSTEM)

    asked = machine(value)

    assert asked.get(f"/api/v1/deployments/acme/findings/{found.pk}").status_code == finding
    assert asked.get(f"/api/v1/deployments/acme/scans/{found.first_scan_id}").status_code == scan


def test_an_expired_token_stays_in_the_list_and_says_so(window: Client, in_acme: Organization) -> None:
    make(window, expires_on=(timezone.now() + timedelta(days=1)).date())
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))

    assert ">Expired<" in window.get(TOKENS).content.decode()
