"""From a Job through the gate to the vendor and back: every fault has an outcome, and nothing is lost."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

import orgs.services
import triage.services
import triage.tasks
from events.kinds import SYSTEM
from events.models import Job, JobState
from findings.models import Finding, NotAnalysed
from lib.failures import TemporaryFailure
from orgs.selectors import memberships_of
from providers.gate import NoUsableAnswer, ask
from providers.models import CachedAnswer, ModelCall, Outcome
from providers.prompts import Prompt
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests.integration.providers.situations import KEY, ORDERS, a_finding_in, judged, run_job, verdict
from tests.vendors.openai_server import OpenAIServer, Scripted, completion, error, no_choices, raw
from triage.answers import ComponentAnswer, VerdictAnswer
from triage.models import Source, Verdict


def judge(finding: Finding) -> Job:
    job = run_job(triage.tasks.judge_finding, finding_id=finding.pk)
    finding.refresh_from_db()
    return job


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_a_finding_is_judged_by_the_model(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion(verdict("true_positive")))

    job = judge(finding)

    kept = Verdict.objects.get()
    call = ModelCall.objects.get()
    assert (job.state, finding.recommendation, finding.verdict_confidence) == (JobState.DONE, "fix", "high")
    assert (kept.source, kept.model_call_id, kept.model) == (Source.MODEL, call.pk, call.model)
    assert (call.outcome, call.attempts, call.input_tokens, call.output_tokens) == (Outcome.ANSWERED, 1, 900, 120)
    assert (call.prompt_name, call.prompt_version, call.finding_id) == ("triage/verdict", 2, finding.pk)


@pytest.mark.parametrize(
    "content",
    [
        "Here is what I think.\n\n" + json.dumps(verdict()) + "\n\nI hope this helps.",
        "```json\n" + json.dumps(verdict(), indent=2) + "\n```",
        'First I thought {"verdict": "unsure"}, but then: ' + json.dumps(verdict()),
        json.dumps(verdict(explanation="A zero \0 and half a pair \ud83d.")),
    ],
    ids=["in prose", "in a code block", "after a draft", "with characters that cannot be stored"],
)
def test_an_answer_is_found_in_what_stands_around_it(openai: OpenAIServer, finding: Finding, content: str) -> None:
    openai.answer(completion(content))

    judge(finding)

    assert finding.recommendation == "fix"
    assert openai.asked == 1


def test_quoted_lines_that_are_not_in_the_code_lower_the_verdict(openai: OpenAIServer, finding: Finding) -> None:
    invented = {
        "path": "app/orders.py",
        "start_line": 2,
        "end_line": 2,
        "quote": "name = int(name)",
        "role": "sanitizer",
    }
    openai.answer(completion(verdict("false_positive", evidence=[invented])))

    judge(finding)

    assert finding.recommendation == "unsure"
    assert Verdict.objects.get().lowered_because == "The answer was: false positive, high confidence."


# --- The repair try ---------------------------------------------------------------------------------------------------

USELESS = [
    completion("I would say it is real."),
    completion("[]"),
    completion({"verdict": "maybe"}),
    completion(verdict("false_positive", evidence=[])),
    completion(""),
    completion('{"a":' * 100_000),
]
USELESS_IDS = ["prose", "a list", "another shape", "against the rule", "nothing", "too deep"]


@pytest.mark.parametrize("useless", USELESS, ids=USELESS_IDS)
def test_an_answer_that_does_not_fit_is_asked_for_once_more(
    openai: OpenAIServer, finding: Finding, useless: Scripted
) -> None:
    openai.answer(useless, completion(verdict()))

    judge(finding)

    call = ModelCall.objects.get()
    objection = openai.exchanges[1].body["messages"][-1]["content"]
    assert finding.recommendation == "fix"
    assert (call.outcome, call.attempts, call.input_tokens) == (Outcome.ANSWERED, 2, 1800)
    assert objection.startswith("That answer cannot be used:")


@pytest.mark.parametrize("useless", USELESS, ids=USELESS_IDS)
def test_a_second_answer_that_does_not_fit_ends_as_unavailable(
    openai: OpenAIServer, finding: Finding, useless: Scripted
) -> None:
    openai.answer_always(useless)

    job = judge(finding)

    call = ModelCall.objects.get()
    assert openai.asked == 2
    assert (job.state, finding.not_analysed, finding.recommendation) == (JobState.DONE, NotAnalysed.UNAVAILABLE, "")
    assert finding.not_analysed_detail.startswith("The model's answer could not be used")
    assert (call.outcome, call.attempts) == (Outcome.UNUSABLE, 2)
    assert call.error


def test_an_answer_that_was_cut_off_gets_more_room(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion('{"evidence": [', finish_reason="length"), completion(verdict()))

    judge(finding)

    first, second = (exchange.body for exchange in openai.exchanges)
    assert second["max_completion_tokens"] == 4 * first["max_completion_tokens"]
    assert second["messages"] == first["messages"]
    assert finding.recommendation == "fix"


def test_a_limit_during_the_repair_puts_the_job_off(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion("no JSON"), error(429, "slow down", headers={"Retry-After": "30"}))

    job = judge(finding)

    assert (job.state, ModelCall.objects.get().attempts) == (JobState.WAITING, 2)


# --- Faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "words", "outcome"),
    [
        (error(401, "Incorrect API key provided"), "Check the key", Outcome.FAILED),
        (error(403, "no access"), "project and rights", Outcome.FAILED),
        (error(404, "no such model"), "model's name", Outcome.FAILED),
        (error(429, "no credit", code="insufficient_quota"), "Add credit", Outcome.FAILED),
        (completion(None, refusal="I cannot help with that."), "I cannot help with that", Outcome.REFUSED),
        (completion("", finish_reason="content_filter"), "content filter", Outcome.REFUSED),
    ],
    ids=["401", "403", "404", "quota", "refusal", "filter"],
)
def test_what_will_not_pass_ends_as_unavailable_and_says_why(
    openai: OpenAIServer, finding: Finding, reply: Scripted, words: str, outcome: Outcome
) -> None:
    openai.answer(reply)

    job = judge(finding)

    call = ModelCall.objects.get()
    assert (job.state, finding.not_analysed) == (JobState.DONE, NotAnalysed.UNAVAILABLE)
    assert words in finding.not_analysed_detail
    assert (call.outcome, words in call.error) == (outcome, True)


@pytest.mark.parametrize(
    "reply",
    [error(500, "oops"), error(503, "busy"), no_choices(), raw(b"<html>"), raw(b"", status=502)],
    ids=["500", "503", "no choice", "a page", "502"],
)
def test_what_may_pass_puts_the_job_off_and_counts_the_attempt(
    openai: OpenAIServer, finding: Finding, reply: Scripted
) -> None:
    openai.answer(reply)

    job = judge(finding)

    assert (job.state, job.attempt, finding.not_analysed) == (JobState.WAITING, 1, NotAnalysed.WAITING)
    assert job.run_after > timezone.now()
    assert ModelCall.objects.get().outcome == Outcome.FAILED


def test_a_rate_limit_puts_the_job_off_until_the_provider_said(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(error(429, "slow down", headers={"Retry-After": "90"}))

    job = judge(finding)

    waits = job.run_after - timezone.now()
    assert timedelta(seconds=85) < waits < timedelta(seconds=115)
    assert (job.state, job.attempt) == (JobState.WAITING, 0)


def test_nobody_asks_while_the_provider_wants_a_pause(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(error(429, "slow down", headers={"Retry-After": "90"}))
    judge(finding)

    job = judge(a_finding_in(ORDERS + "\n# another\n"))

    assert openai.asked == 1
    assert (job.state, job.attempt, ModelCall.objects.count()) == (JobState.WAITING, 0, 1)


def test_a_finding_survives_any_number_of_rate_limits(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer_always(error(429, "slow down", headers={"retry-after-ms": "1"}))
    job = judge(finding)

    for _ in range(job.max_attempts + 1):
        with pytest.raises(TemporaryFailure) as raised:
            triage.services.judge_finding(finding=finding)
        assert not raised.value.spends_attempt


def test_when_all_attempts_failed_the_finding_is_unavailable(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer_always(error(500, "oops"))
    job = judge(finding)
    Job.objects.filter(pk=job.pk).update(attempt=job.max_attempts - 1)

    job = judge(finding)

    assert (job.state, finding.not_analysed) == (JobState.FAILED, NotAnalysed.UNAVAILABLE)
    assert "after several tries" in finding.not_analysed_detail


# --- The cache --------------------------------------------------------------------------------------------------------


def test_the_same_question_is_not_asked_twice(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(completion(verdict()))
    judge(finding)

    elsewhere = a_finding_in(ORDERS, branch="feature", project=finding.project)
    judge(elsewhere)

    assert (openai.asked, elsewhere.recommendation) == (1, "fix")
    assert list(ModelCall.objects.order_by("pk").values_list("outcome", flat=True)) == ["answered", "reused"]


def test_other_code_is_asked_about_again(openai: OpenAIServer, finding: Finding) -> None:
    openai.rule = judged
    judge(finding)

    judge(a_finding_in(ORDERS.replace("orders", "invoices")))

    assert openai.asked == 2


def test_another_model_is_asked_again(openai: OpenAIServer, finding: Finding, settings: Settings) -> None:
    openai.rule = judged
    judge(finding)

    settings.OPENAI_MODEL = "gpt-5"
    judge(a_finding_in(ORDERS, project=finding.project))

    assert [exchange.body["model"] for exchange in openai.exchanges] == ["gpt-5-mini", "gpt-5"]


def _question(version: int) -> Prompt:
    return Prompt(name="triage/component", version=version, answer=ComponentAnswer, system="Tag.", user="x = 1")


def _tag(version: int) -> str:
    answer = ask(_question(version), answer=ComponentAnswer, without_model=_no_model)
    return answer.value.tag


def _no_model() -> Any:
    raise AssertionError("the model answers")


def test_another_version_of_a_prompt_is_asked_again(openai: OpenAIServer) -> None:
    openai.answer_always(completion({"tag": "API", "risk": "neutral", "reason": "It has routes."}))

    tags = [_tag(1), _tag(1), _tag(2)]

    assert (openai.asked, tags) == (2, ["API", "API", "API"])


def test_another_organization_never_gets_the_answer(openai: OpenAIServer, finding: Finding, charlie: User) -> None:
    openai.rule = judged
    judge(finding)

    with acting_for(memberships_of(charlie.pk)[0].organization_id):
        orgs.services.give_consent(actor=SYSTEM)
        theirs = a_finding_in(ORDERS)
        judge(theirs)
        outcomes = list(ModelCall.objects.values_list("outcome", flat=True))

    assert (openai.asked, outcomes) == (2, ["answered"])


def test_an_unusable_answer_is_not_kept(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer_always(completion("no JSON"))

    judge(finding)

    assert not CachedAnswer.objects.exists()


# --- Consent and keys -------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_an_admin_agreed(platform_model: OpenAIServer, finding: Finding) -> None:
    judge(finding)

    assert platform_model.asked == 0
    assert Verdict.objects.get().source == Source.BUILT_IN


def test_nothing_is_sent_after_an_admin_took_it_back(openai: OpenAIServer, finding: Finding) -> None:
    orgs.services.withdraw_consent(actor=SYSTEM)

    judge(finding)

    assert openai.asked == 0


def test_a_server_that_repeats_the_key_does_not_get_it_into_logs_or_rows(
    openai: OpenAIServer, finding: Finding, caplog: pytest.LogCaptureFixture
) -> None:
    openai.answer(error(400, f"Bad header: Bearer {KEY}"), completion(f"You sent {KEY}."), completion(f"Again {KEY}."))

    with caplog.at_level(logging.DEBUG):
        judge(finding)
        judge(a_finding_in(ORDERS + "#\n"))

    rows = json.dumps(list(ModelCall.objects.values()) + list(Finding.objects.values()), default=str)
    assert openai.asked == 3
    assert KEY not in rows + caplog.text


def test_a_prompt_is_answered_in_its_own_shape(openai: OpenAIServer) -> None:
    with pytest.raises(TypeError, match="asks for ComponentAnswer"):
        ask(_question(1), answer=VerdictAnswer, without_model=_no_model)


def test_no_usable_answer_hides_what_the_vendor_said(openai: OpenAIServer, finding: Finding) -> None:
    openai.answer(error(400, f"Bad header: Bearer {KEY}"))

    with pytest.raises(NoUsableAnswer) as raised:
        triage.services.judge_finding(finding=finding)

    assert KEY not in str(raised.value)
    assert raised.value.__suppress_context__


def test_an_organization_without_the_platforms_model_gets_built_in(in_acme: Organization, finding: Finding) -> None:
    judge(finding)

    assert Verdict.objects.get().source == Source.BUILT_IN
    assert not ModelCall.objects.exists()
