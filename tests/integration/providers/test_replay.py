"""A stored question asked again: as it was sent, of whom was chosen, and without a trace on the finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import events.tasks
import orgs.services
import providers.budget
import providers.tasks
import triage.services
from events.kinds import SYSTEM, Kind
from events.models import Event, Job, Queue
from findings.models import Finding
from providers import replay
from providers.models import BudgetMonth, CachedAnswer, Connection, ModelCall, Outcome, Price, StepModel, Vendor
from providers.sealing import Secrets, seal
from tests.integration.providers.situations import KEY, run_job, verdict
from tests.vendors.openai_server import OpenAIServer, completion, error
from triage.models import Verdict

ClientFor = Callable[[User], Client]
LOG = "/orgs/acme/settings/prompts/"


@pytest.fixture
def call(openai: OpenAIServer, finding: Finding) -> ModelCall:
    """A request that was answered."""
    openai.answer(completion(verdict("true_positive")))
    triage.services.judge_finding(finding=finding)
    return ModelCall.objects.get()


def asked_again(call: ModelCall, model: str = "gpt-5") -> ModelCall:
    choice = next(iter(replay.choices().values()))
    waiting = replay.request_replay(call=call, choice=choice, model=model, actor=SYSTEM)
    run_job(providers.tasks.replay, replay_id=waiting.pk)
    waiting.refresh_from_db()
    return waiting


def test_an_admin_replays_a_request_with_another_model_and_sees_both_answers(
    openai: OpenAIServer, call: ModelCall, finding: Finding, alice: User, client_for: ClientFor
) -> None:
    openai.answer(completion(verdict("false_positive", explanation="name is a constant."), model="gpt-5-2026"))
    admin = client_for(alice)

    sent = admin.post(f"{LOG}{call.pk}/replay/", {"choice": "platform:gpt-5-mini", "model": "gpt-5"})
    waiting = admin.get(sent["Location"]).content.decode()
    job = Job.objects.get(task="providers.tasks.replay")
    claimed = events.tasks.claim(job.pk)
    assert claimed is not None
    events.tasks.run_claimed(*claimed)
    answered = admin.get(sent["Location"])

    first, second = openai.exchanges
    repeated = ModelCall.objects.latest("pk")
    verdicts = {part.name: (part.before, part.after) for part in answered.context["answers"]}
    assert job.queue == Queue.INTERACTIVE
    assert 'hx-trigger="every 3s"' in waiting
    assert "hx-trigger" not in answered.content.decode()
    assert (second.system, second.user, second.body["model"]) == (first.system, first.user, "gpt-5")
    assert (repeated.outcome, repeated.replay_of_id, repeated.model) == (Outcome.ANSWERED, call.pk, "gpt-5-2026")
    assert verdicts["Verdict"] == ("true positive", "false positive")
    assert Event.objects.get(kind=Kind.MODEL_CALL_REPLAYED).subject["call_id"] == call.pk


def test_a_replay_touches_neither_the_finding_nor_the_answers_for_reuse(
    openai: OpenAIServer, call: ModelCall, finding: Finding
) -> None:
    finding.refresh_from_db()
    before = (finding.recommendation, Verdict.objects.count(), list(CachedAnswer.objects.values_list("answer")))
    openai.answer(completion(verdict("false_positive")))

    asked_again(call)

    finding.refresh_from_db()
    after = (finding.recommendation, Verdict.objects.count(), list(CachedAnswer.objects.values_list("answer")))
    assert after == before


def test_hidden_values_stay_hidden_in_a_replay(openai: OpenAIServer, call: ModelCall) -> None:
    ModelCall.objects.filter(pk=call.pk).update(user_text="key = ⟦SECRET-1⟧", redacted_count=1)
    call.refresh_from_db()
    openai.answer(completion(verdict()))

    repeated = asked_again(call)

    assert (openai.exchanges[-1].user, repeated.redacted_count) == ("key = ⟦SECRET-1⟧", 1)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [(error(401, f"Incorrect API key provided: {KEY}"), Outcome.FAILED), (completion("no"), Outcome.UNUSABLE)],
    ids=["refused key", "no answer"],
)
def test_a_replay_that_fails_says_why_in_its_own_row(
    openai: OpenAIServer, call: ModelCall, reply: object, outcome: Outcome
) -> None:
    openai.answer_always(reply)  # type: ignore[arg-type]  # Scripted

    repeated = asked_again(call)

    assert (repeated.outcome, bool(repeated.error), KEY in repeated.error) == (outcome, True, False)
    assert ModelCall.objects.count() == 2


def test_a_replay_waits_when_the_provider_wants_a_pause(openai: OpenAIServer, call: ModelCall) -> None:
    openai.answer(error(429, "slow down", headers={"Retry-After": "90"}))

    repeated = asked_again(call)

    assert repeated.outcome == Outcome.ASKING
    assert Job.objects.get(task="providers.tasks.replay").run_after > timezone.now()


def test_a_request_whose_texts_were_removed_cannot_be_replayed(
    openai: OpenAIServer, call: ModelCall, alice: User, client_for: ClientFor
) -> None:
    ModelCall.objects.update(user_text="", system_text="", reply_text="", texts_removed_at=timezone.now())
    admin = client_for(alice)

    page = admin.get(f"{LOG}{call.pk}/").content.decode()
    admin.post(f"{LOG}{call.pk}/replay/", {"choice": "platform:gpt-5-mini"})

    assert "This request cannot be replayed. Its texts were removed" in page
    assert (ModelCall.objects.count(), openai.asked) == (1, 1)


def test_without_consent_there_is_nobody_to_replay_with(openai: OpenAIServer, call: ModelCall) -> None:
    orgs.services.withdraw_consent(actor=SYSTEM)

    assert replay.choices() == {}


def test_consent_that_was_withdrawn_meanwhile_stops_a_replay(openai: OpenAIServer, call: ModelCall) -> None:
    waiting = replay.request_replay(call=call, choice=next(iter(replay.choices().values())), actor=SYSTEM)
    orgs.services.withdraw_consent(actor=SYSTEM)

    run_job(providers.tasks.replay, replay_id=waiting.pk)

    waiting.refresh_from_db()
    assert (waiting.outcome, openai.asked) == (Outcome.FAILED, 1)
    assert "may not be sent any more" in waiting.error


def test_every_connection_and_every_model_of_a_step_can_be_asked_built_in_not(openai: OpenAIServer) -> None:
    first = Connection.objects.create(vendor=Vendor.BUILT_IN, position=0)
    second = Connection.objects.create(
        vendor=Vendor.OPENAI, position=1, model="gpt-5", sealed_secrets=seal(Secrets(key=KEY))
    )
    StepModel.objects.create(step="triage/verdict", connection=second, model="gpt-5-pro")

    offered = replay.choices()

    assert first.pk != second.pk
    assert list(offered) == [f"{second.pk}:gpt-5", f"{second.pk}:gpt-5-pro"]


def test_a_replay_is_paid_from_the_budget_and_stopped_by_it(openai: OpenAIServer, call: ModelCall) -> None:
    openai.answer(completion(verdict()))
    Price.objects.create(vendor="compatible", model="gpt-5*", input=1, output=2, since=date(2020, 1, 1))
    providers.budget.set_monthly_limit(Decimal("1.00"), actor=SYSTEM)
    paid = asked_again(call)
    providers.budget.set_monthly_limit(Decimal("0.00"), actor=SYSTEM)

    stopped = asked_again(call)

    assert paid.cost == Decimal("0.00114")  # 900 tokens in, 120 out
    assert BudgetMonth.objects.get().spent >= paid.cost
    assert (stopped.outcome, stopped.cost, openai.asked) == (Outcome.STOPPED, Decimal(0), 2)
    assert "budget" in stopped.error or "spent" in stopped.error
