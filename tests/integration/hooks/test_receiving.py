"""What a webhook is answered, and what is kept of it."""

from __future__ import annotations

import json
import logging
import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

import scm.senders
from assistant_platform.api.hooks import traffic
from events.draining import drain
from events.models import Job, Queue
from orgs.selectors import memberships_of
from scm.models import CodeHost, HostKind, WebhookDelivery
from tenancy.scope import acting_for
from tenancy.sealing import seal_secrets
from tests import factories
from tests.integration.hooks.conftest import a_pull_request, send, signed

BODY = json.dumps(a_pull_request()).encode()


def kept() -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.order_by("pk"))


def refused(host: CodeHost) -> tuple[int, str]:
    traffic.write_down()
    host.refresh_from_db()
    return host.refused_count, host.refused_because


def test_a_webhook_is_kept_owed_and_answered_at_once(host: CodeHost) -> None:
    response = send(host, BODY, headers={"X-GitHub-Delivery": "72d3162e"})

    assert (response.status_code, response.json()) == (202, {"detail": "Taken; it is worked on now."})
    (delivery,) = kept()
    assert (delivery.host, delivery.delivery_id, delivery.event) == (host, "72d3162e", "pull_request")
    assert (delivery.body.encode(), delivery.done_at) == (BODY, None)
    job = Job.objects.get()
    assert (job.task, job.arguments, job.queue) == (
        "scm.tasks.take_in", {"delivery_id": delivery.pk}, Queue.PULL_REQUEST,
    )  # fmt: skip
    traffic.write_down()
    host.refresh_from_db()
    assert host.hook_seen_at is not None


def test_a_webhook_costs_two_statements_once_its_sender_is_known(
    host: CodeHost, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    send(host, BODY)

    with django_assert_num_queries(4):  # with the savepoint that stands in for the transaction here, and its end
        send(host, BODY)


def test_a_forged_webhook_costs_none(host: CodeHost, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    send(host, BODY)

    with django_assert_num_queries(0):
        send(host, BODY, secret="another")


def test_a_delivery_that_comes_again_is_answered_and_nothing_is_done_twice(host: CodeHost) -> None:
    send(host, BODY, headers={"X-GitHub-Delivery": "one"})

    again = send(host, BODY, headers={"X-GitHub-Delivery": "one"})

    assert (again.status_code, len(kept()), Job.objects.count()) == (200, 1, 1)
    assert refused(host) == (1, "it had been received before")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "ünlikely"},
        {"X-Hub-Signature-256": None},
        {"X-Hub-Signature-256": None, "X-Hub-Signature": "sha1=" + "0" * 40},
        signed(b"another body"),
        signed(BODY, secret=""),
    ],
    ids=["wrong", "empty", "not ASCII", "missing", "the old one only", "of another body", "with an empty secret"],
)
def test_a_forged_webhook_is_refused_and_counted(host: CodeHost, headers: dict[str, str]) -> None:
    response = send(host, BODY, headers=headers)

    assert (response.status_code, kept()) == (401, [])
    assert refused(host) == (1, "its signature or secret was wrong")
    assert host.hook_seen_at is None


def test_a_stranger_cannot_tell_whether_an_address_exists(host: CodeHost) -> None:
    forged = send(host, BODY, secret="a guess")
    nowhere = send(host, BODY, secret="a guess", key="no-such-key")
    nobodys = send(host, BODY, secret="", key="no-such-key")

    assert forged.content == nowhere.content == nobodys.content
    assert forged.headers == nowhere.headers == nobodys.headers
    assert {forged.status_code, nowhere.status_code, nobodys.status_code} == {401}


def test_a_host_without_a_secret_takes_nothing(in_acme: object) -> None:
    bare = factories.a_code_host(webhook_secret="")

    response = send(bare, BODY, secret="")

    assert (response.status_code, kept()) == (401, [])


def test_a_host_of_another_kind_is_nowhere(host: CodeHost) -> None:
    gitlab = factories.a_code_host(HostKind.GITLAB)

    assert send(gitlab, BODY, kind="github").status_code == 401


def test_the_secret_of_another_organization_proves_nothing(host: CodeHost, charlie: User) -> None:
    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        theirs = factories.a_code_host(webhook_secret="their secret")

    response = send(host, BODY, secret="their secret")
    own = send(theirs, BODY, secret="their secret")

    assert (response.status_code, own.status_code, kept()) == (401, 202, [])


def test_a_new_secret_works_within_seconds_and_the_old_one_no_longer(
    host: CodeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(host, BODY)
    CodeHost.objects.filter(pk=host.pk).update(sealed_secrets=seal_secrets({"webhook_secret": "new"}))
    now = time.monotonic()

    monkeypatch.setattr(time, "monotonic", lambda: now + scm.senders.REMEMBERED_SECONDS)

    assert [send(host, BODY, secret=secret).status_code for secret in ("hook secret", "new")] == [401, 202]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_webhook_sent_as_a_form_is_told_what_to_set(host: CodeHost, content_type: str) -> None:
    response = send(host, BODY, content_type=content_type)

    assert (response.status_code, "application/json" in response.json()["detail"]) == (415, True)
    assert refused(host)[0] == 1


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (b"\xff\xfe", {}, "the body is not UTF-8"),
        (b'{"a": "\0"}', {}, "the body holds a zero byte"),
        (b"{}", {"X-GitHub-Delivery": None}, "the header X-GitHub-Delivery is missing"),
        (b"{}", {"X-GitHub-Event": None}, "the header X-GitHub-Event is missing"),
        (b"{}", {"X-GitHub-Delivery": "d" * 201}, "a header is too long"),
        (b"[" * 100_000, {"X-GitHub-Event": "ping"}, "the body: Invalid JSON"),
    ],
    ids=["no UTF-8", "zero byte", "no id", "no event", "long id", "a deep ping"],
)
def test_a_webhook_that_cannot_be_read_is_refused_and_says_why(
    host: CodeHost, body: bytes, headers: dict[str, str | None], why: str
) -> None:
    response = send(host, body, headers=headers)

    assert (response.status_code, why in response.json()["detail"], kept()) == (400, True, [])
    assert refused(host)[1].startswith("it could not be read: ")


def test_a_body_over_the_limit_is_refused_by_its_stated_length(host: CodeHost, settings: Settings) -> None:
    settings.HOOK_MAX_BYTES = 1024**2

    largest = send(host, b'{"a": "' + b"x" * (1024**2 - 9) + b'"}')
    larger = send(host, b'{"a": "' + b"x" * (1024**2 - 8) + b'"}')
    nowhere = send(host, b"x" * (1024**2 + 1), key="no-such-key")

    assert (largest.status_code, larger.status_code, larger.content) == (202, 413, nowhere.content)
    assert refused(host) == (1, "it was larger than 1 MB")


def test_github_is_greeted_when_it_only_asks(host: CodeHost) -> None:
    response = send(host, {"zen": "Design for failure.", "hook_id": 1}, headers={"X-GitHub-Event": "ping"})

    assert (response.status_code, response.json()["detail"]) == (200, "The webhook works. Design for failure.")
    assert kept() == []


def test_an_event_that_is_nothing_to_us_is_answered_and_not_kept(host: CodeHost) -> None:
    response = send(host, {"action": "started"}, headers={"X-GitHub-Event": "star"})

    assert (response.status_code, kept()) == (200, [])


def test_refusals_are_added_up_and_the_row_is_waited_for_by_nobody(host: CodeHost) -> None:
    for _ in range(3):
        send(host, BODY, secret="wrong")
    traffic.write_down()
    send(host, BODY, secret="wrong")

    assert refused(host)[0] == 4


def test_gitlab_proves_itself_by_its_secret(in_acme: object) -> None:
    gitlab = factories.a_code_host(HostKind.GITLAB)
    about = {"X-Gitlab-Event": "Merge Request Hook", "Idempotency-Key": "f5e4"}

    taken = [send(gitlab, {}, headers={**about, "X-Gitlab-Token": "hook secret"}).status_code for _ in range(2)]
    forged = [send(gitlab, {}, headers={**about, "X-Gitlab-Token": given}).status_code for given in ("", "guess", "ü")]
    pushed = send(gitlab, {}, headers={"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "hook secret"})

    assert (taken, forged, pushed.status_code) == ([202, 200], [401] * 3, 200)
    assert [delivery.delivery_id for delivery in kept()] == ["f5e4"]


def test_neither_a_secret_nor_what_was_sent_stands_in_the_log(host: CodeHost, caplog: pytest.LogCaptureFixture) -> None:
    gitlab = factories.a_code_host(HostKind.GITLAB, webhook_secret="zebra-secret")
    caplog.set_level(logging.DEBUG)

    for token in ("zebra-secret", "zebra-guess"):
        send(gitlab, b'{"zebra": 1}', headers={"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": token})
    send(host, b'{"zebra": 1}')
    send(host, b'{"zebra": 1}', secret="zebra-guess")
    drain()

    assert len(caplog.records) > 0
    assert "zebra" not in caplog.text


def test_only_posts_are_taken_and_no_cookie_is_needed(host: CodeHost) -> None:
    address = f"/hooks/github/{host.hook_key}"
    strict = Client(enforce_csrf_checks=True, headers=signed(BODY))

    assert [Client().generic(method, address).status_code for method in ("GET", "PUT", "DELETE")] == [405, 405, 405]
    taken = strict.post(address, BODY, content_type="application/json")
    assert (taken.status_code, dict(taken.cookies)) == (202, {})
