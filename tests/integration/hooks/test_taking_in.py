"""What comes of a webhook once a worker has read it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import scm.services
import scm.tasks
from events.draining import drain
from events.kinds import ActorKind, Kind
from events.models import Event, Job, JobState
from events.tasks import claim, run_claimed
from orgs.models import Project
from orgs.selectors import memberships_of
from scm.adapters.values import PullRequestFacts
from scm.models import CodeHost, HostKind, Installation, PullRequest, Repository, WebhookDelivery
from scm.selectors import recent_deliveries
from scm.services import following
from tenancy.scope import acting_for
from tests import factories
from tests.integration.hooks.conftest import REPOSITORY, a_comment, a_pull_request, send

LATER = "2026-11-20T11:00:00Z"


@pytest.fixture
def repository(host: CodeHost) -> Repository:
    return factories.a_repository(host, full_name="acme/shop", is_private=True)


def deliver(host: CodeHost, payload: dict[str, Any] | bytes, event: str = "pull_request") -> WebhookDelivery:
    """Send a webhook and let a worker do what it says."""
    assert send(host, payload, headers={"X-GitHub-Event": event}).status_code == 202
    drain()
    return WebhookDelivery.objects.latest("pk")


def recorded(kind: Kind) -> list[dict[str, Any]]:
    return [dict(event.subject) for event in Event.objects.filter(kind=kind).order_by("pk")]


# --- Pull requests ----------------------------------------------------------------------------------------------------


def test_a_pull_request_is_known_from_its_webhook(host: CodeHost, repository: Repository) -> None:
    delivery = deliver(host, a_pull_request())

    pull_request = PullRequest.objects.get(project=repository.project, number="7")
    assert (pull_request.title, pull_request.head_sha, pull_request.author) == ("Add orders", "a" * 40, "mona")
    assert recorded(Kind.PULL_REQUEST_CHANGED) == [{"pull_request_id": pull_request.pk, "state": "open"}]
    assert (delivery.done_at is not None, delivery.problem) == (True, "")


def test_only_a_real_change_is_told_of(host: CodeHost, repository: Repository) -> None:
    deliver(host, a_pull_request())
    deliver(host, a_pull_request("edited", updated_at=LATER))
    deliver(host, a_pull_request("closed", state="closed", merged_at=LATER, updated_at=LATER))

    assert [event["state"] for event in recorded(Kind.PULL_REQUEST_CHANGED)] == ["open", "merged"]


def test_what_comes_late_changes_nothing(host: CodeHost, repository: Repository) -> None:
    deliver(host, a_pull_request("synchronize", head={"ref": "orders", "sha": "c" * 40}, updated_at=LATER))
    deliver(host, a_pull_request("opened"))

    assert PullRequest.objects.get().head_sha == "c" * 40
    assert len(recorded(Kind.PULL_REQUEST_CHANGED)) == 1


@pytest.mark.parametrize(("merged_at", "state"), [(LATER, "merged"), (None, "closed")])
def test_of_two_in_the_same_second_the_end_comes_after_the_beginning(
    host: CodeHost, repository: Repository, merged_at: str | None, state: str
) -> None:
    deliver(host, a_pull_request("closed", state="closed", merged_at=merged_at))
    deliver(host, a_pull_request("opened"))

    assert PullRequest.objects.get().state == state


def test_nothing_undoes_a_merge(host: CodeHost, repository: Repository) -> None:
    deliver(host, a_pull_request("closed", state="closed", merged_at=LATER))
    deliver(host, a_pull_request("edited", updated_at=LATER))

    assert PullRequest.objects.get().state == "merged"


def test_a_pull_request_may_be_opened_again(host: CodeHost, repository: Repository) -> None:
    deliver(host, a_pull_request("closed", state="closed"))
    deliver(host, a_pull_request("reopened", updated_at=LATER))

    assert PullRequest.objects.get().state == "open"


def test_of_a_repository_that_was_not_chosen_nothing_is_kept(host: CodeHost) -> None:
    for event, payload in (
        ("pull_request", a_pull_request()),
        ("issue_comment", a_comment()),
        ("repository", {"action": "renamed", "repository": REPOSITORY}),
    ):
        delivery = deliver(host, payload, event)
        assert (delivery.done_at is not None, delivery.problem, delivery.body) == (True, "", "")

    assert (PullRequest.objects.count(), recorded(Kind.REPLY_RECEIVED), Project.objects.count()) == (0, [], 0)


def test_a_repository_of_another_organization_is_out_of_reach(host: CodeHost, charlie: User) -> None:
    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        theirs = factories.a_repository(factories.a_code_host(), full_name="acme/shop")

    deliver(host, a_pull_request())
    deliver(host, {"action": "deleted", "repository": {**REPOSITORY, "full_name": "gone"}}, "repository")

    with acting_for(theirs.organization_id):
        theirs.refresh_from_db()
        assert (theirs.full_name, theirs.problem, PullRequest.objects.count()) == ("acme/shop", "", 0)


# --- Comments ---------------------------------------------------------------------------------------------------------


def test_a_reply_is_handed_on_without_its_words(host: CodeHost, repository: Repository) -> None:
    delivery = deliver(host, a_comment("thanks\n  /fp it is a constant"), "issue_comment")

    event = Event.objects.get(kind=Kind.REPLY_RECEIVED)
    assert (event.subject, event.actor_kind, event.actor_name) == (
        {"delivery_id": delivery.pk}, ActorKind.SCM_USER, "mona",
    )  # fmt: skip
    assert delivery.body != ""


@pytest.mark.parametrize(
    "comment",
    [
        a_comment("looks good / fine"),
        a_comment(""),
        a_comment(type="Bot"),
        a_comment(login="Assistant[bot]"),
        a_comment(id=99),
        {**a_comment(), "action": "edited"},
    ],
    ids=["no command", "no words", "a bot", "our own", "our own by number", "an edit"],
)
def test_other_comments_are_nothing_to_us(host: CodeHost, repository: Repository, comment: dict[str, Any]) -> None:
    delivery = deliver(host, comment, "issue_comment")

    assert (recorded(Kind.REPLY_RECEIVED), delivery.problem) == ([], "")


def test_whoever_lent_us_a_token_may_command_as_everybody(in_acme: object) -> None:
    host = factories.a_code_host(is_app=False, account="mona", account_id="5")
    factories.a_repository(host)

    deliver(host, a_comment(), "issue_comment")

    assert len(recorded(Kind.REPLY_RECEIVED)) == 1


# --- Repositories and installations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"full_name": "acme/store"}, "was acme/shop"),
        ({"archived": True}, "archived"),
        ({"private": False}, "made public"),
        ({"default_branch": "trunk"}, "default branch trunk"),
    ],
)
def test_a_repository_is_followed(host: CodeHost, repository: Repository, changes: dict[str, Any], told: str) -> None:
    deliver(host, {"action": "edited", "repository": {**REPOSITORY, **changes}}, "repository")
    deliver(host, {"action": "edited", "repository": {**REPOSITORY, **changes}}, "repository")

    repository.refresh_from_db()
    as_told = {
        "full_name": repository.full_name,
        "archived": repository.is_archived,
        "private": repository.is_private,
        "default_branch": repository.default_branch,
    }
    assert as_told == {**{name: REPOSITORY[name] for name in as_told}, **changes}
    assert [event["change"] for event in recorded(Kind.REPOSITORY_CHANGED)] == [told]


def test_a_deleted_repository_says_so_and_its_project_stays(host: CodeHost, repository: Repository) -> None:
    deliver(host, {"action": "deleted", "repository": REPOSITORY}, "repository")

    repository.refresh_from_db()
    assert (repository.problem, repository.project.name) == (following.DELETED, "acme/shop")


def test_what_gitlab_does_not_say_stays_as_it_was(in_acme: object) -> None:
    gitlab = factories.a_code_host(HostKind.GITLAB)
    repository = factories.a_repository(gitlab, is_archived=True, default_branch="main", web_url="https://g.example/s")
    known = PullRequestFacts(
        "7", "Old", "open", False, False, "orders", "a", "main", "b", "mona", "https://g.example/7"
    )
    scm.services.keep_pull_request(project=repository.project, facts=known)
    told = replace(known, title="a\0b" * 300, head_sha="c", base_sha="", author="", web_url="")

    changed, is_changed = scm.services.update_pull_request(project=repository.project, facts=told)
    renamed = {"event_name": "project_rename", "project_id": int(repository.external_id)}
    body = json.dumps({**renamed, "path_with_namespace": "acme/store"}).encode()
    headers = {"X-Gitlab-Token": "hook secret", "X-Gitlab-Event": "System Hook", "Idempotency-Key": "k"}
    send(gitlab, body, headers=headers)
    drain()

    assert (is_changed, changed.base_sha, changed.author, changed.head_sha) == (True, "b", "mona", "c")
    assert (len(changed.title), changed.web_url) == (500, "https://g.example/7")
    repository.refresh_from_db()
    assert (repository.full_name, repository.is_archived, repository.web_url, repository.default_branch) == (
        "acme/store", True, "https://g.example/s", "main",
    )  # fmt: skip


def installed(action: str, **fields: Any) -> dict[str, Any]:
    installation = {"id": 2, "account": {"login": "acme"}, "permissions": {"contents": "read"}, **fields}
    return {"action": action, "installation": installation, "repositories": [{"id": REPOSITORY["id"]}]}


def test_an_installation_is_followed_from_its_beginning_to_its_end(host: CodeHost, repository: Repository) -> None:
    deliver(host, installed("created"), "installation")
    repository.refresh_from_db()
    installation = Installation.objects.get()
    assert (installation.account, repository.installation) == ("acme", installation)

    deliver(host, installed("new_permissions_accepted", permissions={"contents": "write"}), "installation")
    deliver(host, installed("suspend", permissions={"contents": "write"}), "installation")
    deliver(host, installed("deleted"), "installation")
    deliver(host, installed("unsuspend"), "installation")

    installation.refresh_from_db()
    repository.refresh_from_db()
    assert (installation.removed_at is not None, repository.problem) == (True, following.NOT_INSTALLED)
    states = [event["state"] for event in recorded(Kind.INSTALLATION_CHANGED)]
    assert states == ["installed", "installed", "suspended", "removed"]


def test_an_old_suspension_told_late_or_again_changes_nothing(host: CodeHost, repository: Repository) -> None:
    suspended = installed("suspend", updated_at="2026-11-20T10:00:00Z", suspended_at="2026-11-20T10:00:00Z")
    deliver(host, installed("created", updated_at=1763632800), "installation")
    deliver(host, suspended, "installation")
    deliver(host, installed("unsuspend", updated_at=LATER, suspended_at=None), "installation")

    deliver(host, suspended, "installation")

    assert not Installation.objects.get().is_suspended


def test_which_repositories_the_app_may_see_may_be_told_first(host: CodeHost, repository: Repository) -> None:
    seen = {"action": "added", "installation": {"id": 2}, "repositories_added": [{"id": REPOSITORY["id"]}, {"id": 5}]}
    deliver(host, seen, "installation_repositories")
    deliver(host, installed("created"), "installation")

    repository.refresh_from_db()
    installation = Installation.objects.get()
    assert (repository.installation, installation.account) == (installation, "acme")

    hidden = {"action": "removed", "installation": {"id": 2}, "repositories_removed": [{"id": REPOSITORY["id"]}]}
    deliver(host, hidden, "installation_repositories")

    repository.refresh_from_db()
    assert (repository.installation, repository.problem) == (None, following.NOT_CHOSEN)


def test_a_host_that_is_no_app_has_no_installations(in_acme: object) -> None:
    by_token = factories.a_code_host(is_app=False)

    deliver(by_token, installed("created"), "installation")

    assert Installation.objects.count() == 0


# --- What cannot be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"action": "opened"}'], ids=["cut", "deep", "hollow"])
def test_a_delivery_that_cannot_be_read_is_kept_and_says_why(host: CodeHost, body: bytes) -> None:
    delivery = deliver(host, body)

    assert delivery.problem.startswith("It could not be read: ")
    assert (delivery.body.encode(), delivery.done_at is not None) == (body, True)
    assert Job.objects.get().state == JobState.DONE


def test_a_delivery_with_a_problem_may_be_sent_again(host: CodeHost, repository: Repository) -> None:
    same = {"X-GitHub-Delivery": "same"}
    send(host, b"{", headers=same)
    drain()

    answers = [send(host, a_pull_request(), headers=same).status_code for _ in range(2)]
    drain()
    answers.append(send(host, a_pull_request(), headers=same).status_code)

    delivery = WebhookDelivery.objects.get()
    assert (answers, delivery.problem, delivery.done_at is not None) == ([202, 200, 200], "", True)
    assert PullRequest.objects.count() == 1


def test_a_delivery_that_fails_again_and_again_says_so(
    host: CodeHost, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**arguments: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("scm.services.deliveries.update_pull_request", fails)
    send(host, a_pull_request())
    Job.objects.update(attempt=4)

    drain()

    delivery = WebhookDelivery.objects.get()
    assert (Job.objects.get().state, delivery.done_at is not None) == (JobState.FAILED, True)
    assert delivery.problem == "It could not be worked on, after several tries. The operator's log says why."


def test_a_worker_that_dies_before_the_end_loses_nothing_and_doubles_nothing(
    host: CodeHost, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(host, a_pull_request())
    with monkeypatch.context() as dying:
        dying.setattr("scm.services.deliveries._end", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed")))
        drain()
    assert (PullRequest.objects.count(), recorded(Kind.PULL_REQUEST_CHANGED)) == (0, [])

    Job.objects.update(run_after=timezone.now())
    drain()
    scm.tasks.take_in.function(delivery_id=WebhookDelivery.objects.get().pk)

    assert (PullRequest.objects.count(), len(recorded(Kind.PULL_REQUEST_CHANGED))) == (1, 1)


def test_what_another_worker_has_done_meanwhile_is_not_done_again(host: CodeHost, repository: Repository) -> None:
    send(host, a_pull_request())
    delivery = WebhookDelivery.objects.select_related("host").get()
    claimed = claim(Job.objects.get().pk)
    assert claimed is not None

    run_claimed(*claimed)
    scm.services.take_in(delivery=delivery)

    assert len(recorded(Kind.PULL_REQUEST_CHANGED)) == 1


# --- Forgetting -------------------------------------------------------------------------------------------------------


def test_bodies_go_after_three_days_and_deliveries_after_thirty(host: CodeHost, repository: Repository) -> None:
    deliver(host, a_pull_request())
    send(host, a_pull_request())  # not worked on
    now = timezone.now()

    with time_machine.travel(now + timedelta(days=3, minutes=1)):
        scm.tasks.forget_deliveries.function()
    assert [row.body == "" for row in WebhookDelivery.objects.order_by("pk")] == [True, False]

    with time_machine.travel(now + timedelta(days=30, minutes=1)):
        scm.tasks.forget_deliveries.function()
    assert WebhookDelivery.objects.count() == 0


def test_an_admin_reads_what_became_of_the_last_webhooks(host: CodeHost, alice: User) -> None:
    address = f"/orgs/acme/settings/code-hosts/{host.pk}/"
    browser = Client()
    browser.force_login(alice)

    before = browser.get(address).content.decode()
    deliver(host, b'{"action": "<b>"}', "issue_comment")
    after = browser.get(address).content.decode()

    assert "None yet. Each pull request" in before
    assert "<code>issue_comment</code>" in after
    assert "It could not be read: issue: Field required" in after


def test_the_last_deliveries_are_listed_newest_first(host: CodeHost) -> None:
    deliver(host, b"{")
    deliver(host, a_pull_request())
    send(factories.a_code_host(), a_pull_request())

    listed = recent_deliveries(host)

    assert [bool(delivery.problem) for delivery in listed] == [False, True]
    assert all("body" in delivery.get_deferred_fields() for delivery in listed)
