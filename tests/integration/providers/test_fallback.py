"""Who stands in for whom: the Admin's list in its order, never silently."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from pytest_django.fixtures import Settings

import events.tasks
import orgs.services
import providers.gate.asking
import triage.tasks
from events.kinds import SYSTEM
from events.models import Job, JobState, Queue
from events.services import Subject, owe_many
from findings.models import Finding, NotAnalysed
from orgs.selectors import memberships_of
from providers.adapters.base import Credentials
from providers.gate import turns
from providers.models import CachedAnswer, ModelCall, Outcome
from providers.selectors import BUILT_IN, Choice, platform_choice
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.providers.situations import KEY, ORDERS, a_finding_in, run_job, verdict
from tests.vendors.openai_server import OpenAIServer, Scripted, completion, error
from triage.models import Source, Verdict


@pytest.fixture
def second_server() -> Iterator[OpenAIServer]:
    with OpenAIServer().running() as server:
        yield server
    assert not server.violations


def choice_of(server: OpenAIServer, label: str, number: int) -> Choice:
    model = f"model-of-{label.lower()}"
    credentials = Credentials(key=KEY + label[0], model=model, base_url=server.url, timeout_seconds=5)
    return Choice(adapter="openai", label=label, credentials=credentials, connection_id=number)


@pytest.fixture
def two(
    openai_server: OpenAIServer, second_server: OpenAIServer, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> tuple[OpenAIServer, OpenAIServer]:
    """Two models that the Admin listed."""
    cache.clear()
    listed(monkeypatch, choice_of(openai_server, "First", 1), choice_of(second_server, "Second", 2))
    second_server.rule = lambda _: completion(verdict())
    return openai_server, second_server


def listed(monkeypatch: pytest.MonkeyPatch, *choices: Choice) -> None:
    monkeypatch.setattr(providers.gate.asking, "choices_for", lambda step: choices)


def judge(finding: Finding) -> Job:
    job = run_job(triage.tasks.judge_finding, finding_id=finding.pk)
    finding.refresh_from_db()
    return job


@pytest.mark.parametrize(
    "reply",
    [
        error(401, "Incorrect API key provided"),
        error(404, "no such model"),
        error(429, "no credit", code="insufficient_quota"),
        error(429, "slow down", headers={"Retry-After": "60"}),
        error(503, "busy"),
    ],
    ids=["key", "model", "quota", "rate limit", "outage"],
)
def test_the_next_model_answers_where_the_first_cannot(
    two: tuple[OpenAIServer, OpenAIServer], finding: Finding, reply: Scripted
) -> None:
    first, second = two
    first.answer(reply)

    job = judge(finding)

    calls = list(ModelCall.objects.order_by("pk").values_list("connection_id", "is_fallback", "outcome"))
    kept = Verdict.objects.get()
    assert (job.state, finding.recommendation, second.asked) == (JobState.DONE, "fix", 1)
    assert calls == [(1, False, Outcome.FAILED), (2, True, Outcome.ANSWERED)]
    assert kept.stood_in_because.startswith("First could not: ")


def test_an_answer_that_does_not_fit_is_asked_of_the_next(
    two: tuple[OpenAIServer, OpenAIServer], finding: Finding
) -> None:
    first, second = two
    first.answer_always(completion("no JSON"))

    judge(finding)

    assert (first.asked, second.asked, finding.recommendation) == (2, 1, "fix")


def test_while_the_first_wants_a_pause_only_the_next_is_asked(
    two: tuple[OpenAIServer, OpenAIServer], finding: Finding
) -> None:
    first, second = two
    first.answer(error(429, "slow down", headers={"Retry-After": "60"}))
    judge(finding)

    judge(a_finding_in(ORDERS.replace("orders", "invoices")))

    assert (first.asked, second.asked) == (1, 2)


def test_a_refused_question_is_not_carried_to_another_vendor(
    two: tuple[OpenAIServer, OpenAIServer], finding: Finding
) -> None:
    first, second = two
    first.answer(completion(None, refusal="I cannot help with that."))

    judge(finding)

    assert (second.asked, finding.not_analysed) == (0, NotAnalysed.UNAVAILABLE)


def test_the_first_one_answers_again_when_it_can(two: tuple[OpenAIServer, OpenAIServer], finding: Finding) -> None:
    first, second = two
    first.answer(error(503, "busy"), completion(verdict()))
    judge(finding)

    judge(a_finding_in(ORDERS.replace("orders", "invoices")))

    assert (first.asked, second.asked, Verdict.objects.latest("pk").stood_in_because) == (2, 1, "")


def test_each_choice_has_its_own_kept_answers(two: tuple[OpenAIServer, OpenAIServer], finding: Finding) -> None:
    first, _ = two
    first.answer(error(503, "busy"), completion(verdict("unsure")))
    judge(finding)

    again = a_finding_in(ORDERS, branch="feature", project=finding.project)
    judge(again)

    assert (first.asked, again.recommendation, CachedAnswer.objects.count()) == (2, "unsure", 2)


def test_when_none_can_all_are_named(two: tuple[OpenAIServer, OpenAIServer], finding: Finding) -> None:
    for server in two:
        server.answer_always(error(401, "Incorrect API key provided"))

    judge(finding)

    assert finding.not_analysed == NotAnalysed.UNAVAILABLE
    assert all(name in finding.not_analysed_detail for name in ("First: ", "Second: "))


# --- Built-in at the end of the list ----------------------------------------------------------------------------------


@pytest.fixture
def with_built_in(openai_server: OpenAIServer, in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    cache.clear()
    listed(monkeypatch, choice_of(openai_server, "First", 1), BUILT_IN)
    return openai_server


@pytest.mark.parametrize(
    "reply",
    [error(401, "Incorrect API key provided"), completion(None, refusal="I cannot help with that.")],
    ids=["key", "refusal"],
)
def test_built_in_stands_in_and_says_so(with_built_in: OpenAIServer, finding: Finding, reply: Scripted) -> None:
    with_built_in.answer(reply)

    judge(finding)

    kept = Verdict.objects.get()
    assert kept.source == Source.BUILT_IN
    assert kept.stood_in_because.startswith("First could not: ")


def test_built_in_does_not_step_in_for_a_moment_of_too_much(with_built_in: OpenAIServer, finding: Finding) -> None:
    with_built_in.answer(error(429, "slow down", headers={"Retry-After": "60"}))

    job = judge(finding)

    assert (job.state, job.attempt, Verdict.objects.count()) == (JobState.WAITING, 0, 0)


def test_built_in_answers_on_the_last_try(with_built_in: OpenAIServer, finding: Finding) -> None:
    with_built_in.answer_always(error(500, "oops"))
    job = judge(finding)
    Job.objects.filter(pk=job.pk).update(attempt=job.max_attempts - 1)

    job = judge(finding)

    assert (job.state, Verdict.objects.get().source) == (JobState.DONE, Source.BUILT_IN)


# --- A provider that is away for ever ---------------------------------------------------------------------------------


def test_too_much_for_ever_ends_as_unavailable_and_says_for_how_long(
    openai: OpenAIServer, finding: Finding, settings: Settings
) -> None:
    openai.answer_always(error(429, "slow down", headers={"retry-after-ms": "1"}))
    judge(finding)

    settings.MODEL_PATIENCE_SECONDS = -1  # an hour has gone by
    job = judge(finding)

    assert (job.state, finding.not_analysed) == (JobState.DONE, NotAnalysed.UNAVAILABLE)
    assert "has given no answer for" in finding.not_analysed_detail


def test_an_answer_ends_the_trouble(openai: OpenAIServer, finding: Finding, settings: Settings) -> None:
    openai.answer(error(429, "slow down", headers={"retry-after-ms": "1"}), completion(verdict()))
    settings.MODEL_PATIENCE_SECONDS = 60
    judge(finding)
    judge(finding)

    settings.MODEL_PATIENCE_SECONDS = -1
    platform = platform_choice()
    assert platform is not None
    assert turns.minutes_away(platform) is None


def test_a_job_that_waited_for_its_turn_for_a_day_is_given_up(
    openai: OpenAIServer, finding: Finding, settings: Settings
) -> None:
    openai.answer(error(429, "slow down", headers={"Retry-After": "60"}))
    settings.JOB_LONGEST_WAIT_SECONDS = -1

    job = judge(finding)

    assert (job.state, finding.not_analysed) == (JobState.FAILED, NotAnalysed.UNAVAILABLE)


# --- The platform's key, shared by all --------------------------------------------------------------------------------


def tag_of(queue: Queue) -> Job:
    """Have a file tagged, as work of a queue."""
    project = factories.a_project()
    number = Job.objects.count()
    with transaction.atomic():
        file: dict[str, Subject] = {"project_id": project.pk, "path": f"a{number}.py", "revision": "r"}
        owe_many(triage.tasks.tag_file, [file], owed_queue=queue)
    job = Job.objects.latest("pk")
    claimed = events.tasks.claim(job.pk)
    assert claimed is not None
    events.tasks.run_claimed(*claimed)
    job.refresh_from_db()
    return job


@pytest.fixture
def tagging(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    """A model that tags files, while the clock stands still."""
    openai.rule = lambda _: completion({"tag": "API", "risk": "neutral", "reason": "It has routes."})
    now = time.time()
    monkeypatch.setattr(turns, "time", SimpleNamespace(time=lambda: now))
    return openai


def test_an_organization_that_had_its_share_of_the_minute_waits_and_holds_no_thread(
    tagging: OpenAIServer, settings: Settings
) -> None:
    settings.MODEL_REQUESTS_PER_MINUTE_PER_ORGANIZATION = 2

    jobs = [tag_of(Queue.PULL_REQUEST) for _ in range(3)]

    assert tagging.asked == 2
    assert (jobs[-1].state, jobs[-1].attempt) == (JobState.WAITING, 0)
    assert "share of the platform's key" in jobs[-1].last_error


def test_another_organization_still_has_its_share(tagging: OpenAIServer, settings: Settings, charlie: User) -> None:
    settings.MODEL_REQUESTS_PER_MINUTE_PER_ORGANIZATION = 1
    ours = [tag_of(Queue.BACKLOG).state for _ in range(2)]

    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        orgs.services.give_consent(actor=SYSTEM)
        theirs = tag_of(Queue.BACKLOG).state

    assert (ours, theirs) == ([JobState.DONE, JobState.WAITING], JobState.DONE)


def test_backlogs_leave_the_last_turns_to_what_somebody_waits_for(tagging: OpenAIServer, settings: Settings) -> None:
    settings.MODEL_REQUESTS_PER_MINUTE = 5

    backlog = [tag_of(Queue.BACKLOG).state for _ in range(4)]
    filled = tag_of(Queue.BACKLOG).state
    urgent = tag_of(Queue.PULL_REQUEST).state

    assert (backlog, filled, urgent) == ([JobState.DONE] * 4, JobState.WAITING, JobState.DONE)
