"""Asking a stored question again of another model: it is sent as it was, and the finding stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import transaction

import providers.gate
import providers.prompts
from events.kinds import Actor, Kind
from events.services import record, result_of_job
from lib.failures import TemporaryFailure
from providers.gate import NoUsableAnswer
from providers.models import ModelCall, Outcome
from providers.selectors import Choice, models_in_reach

LONGEST_MODEL_NAME = 200


class ReplayNotPossible(Exception):
    """A request cannot be asked again; the text says why."""


@dataclass(frozen=True)
class Difference:
    """One part of two answers; lists are counted."""

    name: str
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        """Whether both say the same."""
        return self.before == self.after


def choices() -> dict[str, Choice]:
    """Return whom the organization may ask, by a short key that forms send; empty where code may go to nobody."""
    found: dict[str, Choice] = {}
    for choice in models_in_reach():
        found.setdefault(f"{choice.connection_id or 'platform'}:{choice.credentials.model}", choice)
    return found


def why_not(call: ModelCall) -> str:
    """Return why a request cannot be asked again, empty where it can."""
    if call.texts_removed_at is not None:
        return "Its texts were removed, so there is nothing left to ask."
    if not call.user_text:
        return "Nothing was sent for it, so there is nothing to ask again."
    try:
        providers.prompts.answer_type(call.prompt_name)
    except (OSError, AttributeError, ImportError):
        return f"This version of the Assistant has no prompt {call.prompt_name}, so it could not read the answer."
    return ""


def request_replay(*, call: ModelCall, choice: Choice, model: str = "", actor: Actor) -> ModelCall:
    """Have a stored question asked of a choice, or of another model of its connection; the answer comes by a Job.

    Returns the request that waits for its answer. Raises ReplayNotPossible.
    """
    if problem := why_not(call):
        raise ReplayNotPossible(problem)
    with transaction.atomic():
        waiting = ModelCall.objects.create(
            purpose=call.purpose,
            finding_id=call.finding_id,
            project_id=call.project_id,
            connection_id=choice.connection_id,
            replay_of_id=call.replay_of_id or call.pk,
            prompt_name=call.prompt_name,
            prompt_version=call.prompt_version,
            adapter=choice.adapter,
            model=(model or choice.credentials.model)[:LONGEST_MODEL_NAME],
            outcome=Outcome.ASKING,
            system_text=call.system_text,
            user_text=call.user_text,
            redacted_count=call.redacted_count,
            attempts=0,
        )
        record(Kind.MODEL_CALL_REPLAYED, actor=actor, call_id=call.pk, replay_id=waiting.pk, model=waiting.model[:100])
    return waiting


def answer_replay(waiting: ModelCall) -> None:
    """Ask what a waiting replay holds, and keep the answer in it. Raises TemporaryFailure to be tried again."""
    if problem := why_not(waiting):
        fail(waiting, problem)
        return
    choice = _choice_of(waiting)
    if choice is None:
        fail(waiting, "The connection it was to be asked through is gone, or code may not be sent any more.")
        return
    try:
        providers.gate.ask_again(waiting, choice=choice)
    except NoUsableAnswer as problem:
        fail(waiting, str(problem))  # unless the gate has written already what happened
    except TemporaryFailure as failure:
        # It will be tried again, so whoever looks at it is to wait for that.
        with transaction.atomic():
            ModelCall.objects.filter(pk=waiting.pk).update(outcome=Outcome.ASKING, error=str(failure)[:500])
        raise


def fail(waiting: ModelCall, why: str) -> None:
    """End a replay without an answer."""
    with result_of_job():
        ModelCall.objects.filter(pk=waiting.pk, outcome=Outcome.ASKING).update(outcome=Outcome.FAILED, error=why[:500])


def _choice_of(waiting: ModelCall) -> Choice | None:
    fitting = [
        choice
        for choice in choices().values()
        if (choice.connection_id, choice.adapter) == (waiting.connection_id, waiting.adapter)
    ]
    if not fitting:
        return None
    same_model = [choice for choice in fitting if choice.credentials.model == waiting.model]
    chosen = (same_model or fitting)[0]
    return replace(chosen, credentials=replace(chosen.credentials, model=waiting.model))


def differences(before: ModelCall, after: ModelCall) -> list[Difference]:
    """Return the answers of two requests part by part; empty where one of them has none that can be read."""
    try:
        parts = [
            providers.gate.answer_in(call.reply_text, providers.prompts.answer_type(call.prompt_name)).model_dump(
                mode="json"
            )
            for call in (before, after)
        ]
    except (ValueError, OSError, AttributeError, ImportError):
        return []
    names = dict.fromkeys([*parts[0], *parts[1]])
    return [
        Difference(name.replace("_", " ").capitalize(), *(_in_words(part.get(name)) for part in parts))
        for name in names
    ]


def _in_words(value: object) -> str:
    match value:
        case None:
            return "none"
        case list():
            return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
        case str():
            return value.replace("_", " ") if len(value) < 30 else value  # noqa: PLR2004  (a word of ours, or prose)
    return str(value)
