"""Advice on a verdict: guidance, then the fix with it, in one Job that never asks twice for what it has."""

from __future__ import annotations

from typing import Any

import pytest

import events.tasks
import orgs.services
import remediation.services
import remediation.tasks
from events.kinds import SYSTEM
from events.models import Job, JobState
from events.services import LeaseLost, part_of_job, working_on
from findings.models import Finding
from providers.models import ModelCall
from remediation.models import Autofix, Guidance
from tests import factories
from tests.integration.providers.situations import fix, run_job
from tests.integration.providers.test_fix import BOUND, OLD
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion, error

GUIDANCE: dict[str, Any] = {"summary": "Bind the value as a parameter.", "steps": [{"text": "Bind it.", "code": ""}]}


def advised(exchange: Exchange) -> Scripted:
    properties = exchange.body["response_format"]["json_schema"]["schema"]["properties"]
    return completion(GUIDANCE if "steps" in properties else fix(OLD, BOUND))


def without_fixes(exchange: Exchange) -> Scripted:
    properties = exchange.body["response_format"]["json_schema"]["schema"]["properties"]
    return completion(GUIDANCE) if "steps" in properties else error(503, "overloaded")


@pytest.fixture
def real(openai: OpenAIServer, finding: Finding) -> Finding:
    openai.rule = advised
    factories.a_verdict(finding, "true_positive")
    return finding


def asked() -> list[str]:
    return list(ModelCall.objects.order_by("pk").values_list("prompt_name", flat=True))


def test_the_fix_is_asked_for_with_this_rounds_guidance(real: Finding, openai: OpenAIServer) -> None:
    job = run_job(remediation.tasks.advise, finding_id=real.pk)

    assert list(dict.fromkeys(asked())) == ["remediation/guidance", "remediation/autofix"]
    assert GUIDANCE["summary"] in openai.exchanges[1].user
    assert (job.state, Guidance.objects.count(), Autofix.objects.count()) == (JobState.DONE, 1, 1)


def test_guidance_that_was_written_is_not_asked_for_again_when_the_fix_has_to_wait(
    real: Finding, openai: OpenAIServer
) -> None:
    openai.rule = without_fixes
    waiting = run_job(remediation.tasks.advise, finding_id=real.pk)
    openai.rule = advised

    job = run_job(remediation.tasks.advise, finding_id=real.pk)

    assert (waiting.pk, waiting.state, job.state) == (job.pk, JobState.WAITING, JobState.DONE)
    assert asked().count("remediation/guidance") == 1
    assert (Guidance.objects.count(), Autofix.objects.count()) == (1, 1)


def test_a_new_verdict_gets_new_guidance(real: Finding) -> None:
    run_job(remediation.tasks.advise, finding_id=real.pk)
    factories.a_verdict(real, "true_positive", explanation="It reaches execute() by another way too.")

    run_job(remediation.tasks.advise, finding_id=real.pk)

    assert Guidance.objects.count() == 2


def test_a_likely_false_positive_gets_guidance_and_no_fix(openai: OpenAIServer, finding: Finding) -> None:
    openai.rule = advised
    factories.a_verdict(finding, "false_positive")

    job = run_job(remediation.tasks.advise, finding_id=finding.pk)

    assert (job.state, asked()) == (JobState.DONE, ["remediation/guidance"])


def test_where_nothing_is_to_be_done_that_costs_two_short_reads(
    real: Finding, django_assert_max_num_queries: Any
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})

    with django_assert_max_num_queries(4):  # the finding and the settings, within a savepoint of the test's transaction
        remediation.tasks.advise.function(finding_id=real.pk)

    assert asked() == []


def test_a_worker_whose_job_was_taken_over_keeps_no_guidance(real: Finding) -> None:
    first = run_job(remediation.tasks.write_guidance, finding_id=real.pk)
    Guidance.objects.all().delete()
    _, lease = claimed_twice(first)

    with pytest.raises(LeaseLost), working_on(lease), part_of_job():
        remediation.services.write_guidance(finding=real)

    assert not Guidance.objects.exists()


def claimed_twice(job: Job) -> tuple[Job, Any]:
    """Claim a Job again for somebody, and let another worker take it over."""
    Job.objects.filter(pk=job.pk).update(state=JobState.WAITING)
    claimed = events.tasks.claim(job.pk)
    assert claimed is not None
    Job.objects.filter(pk=job.pk).update(lease_token=None, state=JobState.WAITING)
    return claimed
