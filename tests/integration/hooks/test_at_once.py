"""Webhooks and workers at once, on connections of their own, with real commits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import transaction

from assistant_platform.api.hooks import traffic
from events.kinds import Kind
from events.models import Event, Job
from events.tasks import claim, run_claimed
from scm.models import CodeHost, PullRequest, WebhookDelivery
from tenancy.scope import acting_for
from tests import factories
from tests.integration.events.conftest import at_once
from tests.integration.hooks.conftest import a_pull_request, send

BODY = json.dumps(a_pull_request()).encode()


@pytest.fixture
def host(committed: None) -> Iterator[CodeHost]:
    acme = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(acme.pk), transaction.atomic():
        host = factories.a_code_host()
        factories.a_repository(host, full_name="acme/shop")
    with acting_for(acme.pk):
        yield host


def noted() -> tuple[int, bool]:
    with transaction.atomic():
        host = CodeHost.objects.get()
    return host.refused_count, host.hook_seen_at is not None


def test_the_same_delivery_twice_at_once_is_kept_once(host: CodeHost) -> None:
    same = {"X-GitHub-Delivery": "same"}

    responses = at_once(*[lambda: send(host, BODY, headers=same).status_code] * 4)

    assert sorted(map(str, responses)) == ["200", "200", "200", "202"]
    with transaction.atomic():
        assert (WebhookDelivery.objects.count(), Job.objects.count()) == (1, 1)


def test_the_same_news_in_several_deliveries_at_once_is_told_once(host: CodeHost) -> None:
    for _ in range(4):
        send(host, BODY)
    with transaction.atomic():
        ids = list(Job.objects.values_list("pk", flat=True))

    def work(job_id: int) -> None:
        claimed = claim(job_id)
        assert claimed is not None
        run_claimed(*claimed)

    results = at_once(*[lambda pk=pk: work(pk) for pk in ids])

    assert results == [None] * 4
    with transaction.atomic():
        told = Event.objects.filter(kind=Kind.PULL_REQUEST_CHANGED).count()
        assert (PullRequest.objects.count(), told) == (1, 1)


def test_neither_a_webhook_nor_its_count_waits_for_somebody_who_saves_the_host(host: CodeHost) -> None:
    with transaction.atomic():
        CodeHost.objects.select_for_update(no_key=True).get()
        statuses = at_once(lambda: send(host, BODY).status_code, lambda: send(host, BODY, secret="wrong").status_code)
        at_once(traffic.write_down)
    before = noted()
    traffic.write_down()

    assert (statuses, before, noted()) == ([202, 401], (0, False), (1, True))


def test_a_host_that_was_removed_a_moment_ago_takes_nothing(host: CodeHost) -> None:
    send(host, BODY)  # it is remembered now
    with transaction.atomic():
        CodeHost.objects.filter(pk=host.pk).delete()

    response = send(host, BODY)
    send(host, BODY, secret="wrong")
    traffic.write_down()

    assert response.status_code == 401
    assert traffic._counted.traffic == {}
