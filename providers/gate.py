"""The one way out to a model: redact, look in the cache, wait for a turn, call, check the answer, keep a record."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from lib.failures import TemporaryFailure
from lib.text import json_objects_in
from providers.adapters import adapter_for
from providers.adapters.base import ProviderAdapter, ProviderError, Question, Reply, Turn
from providers.models import CachedAnswer, ModelCall, Outcome
from providers.prompts import Prompt
from providers.redaction import Redactor
from providers.selectors import BUILT_IN, Choice, choices_for, names_of_people

logger = logging.getLogger(__name__)

A = TypeVar("A", bound=BaseModel)

# Where an answer quotes code, the hidden values are put back; prose keeps the placeholders.
CODE_FIELDS = {"quote", "old", "new"}
LONGEST_KEPT_TEXT = 200_000
LONGEST_SHOWN_AGAIN = 20_000
# Where the limit ended an answer, the second try gets this much more room.
ROOM_AFTER_CUT = 4
# Where a provider says "too much" without saying until when.
USUAL_PAUSE_SECONDS = 30.0
# Whoever waited comes back spread over this part of the pause, or all would be too much again.
SPREAD = 0.25


class NoUsableAnswer(Exception):
    """The provider cannot answer this question; nobody is helped by asking again before somebody changes something."""


@dataclass(frozen=True)
class Answer(Generic[A]):
    """An answer and where it came from; `model` is empty for Built-in."""

    value: A
    is_built_in: bool
    model: str
    prompt_version: int
    model_call_id: int | None


def ask(
    prompt: Prompt,
    *,
    answer: type[A],
    without_model: Callable[[], A],
    finding_id: int | None = None,
    max_output_tokens: int = 2000,
) -> Answer[A]:
    """Return the organization's model's answer, or what the step itself computes where there is no model.

    No transaction may be open, since none is held while a model thinks. Raises TemporaryFailure where a later try may
    help, NoUsableAnswer where not.
    """
    if prompt.answer is not answer:
        raise TypeError(f"{prompt.name} asks for {prompt.answer.__name__}, not {answer.__name__}")
    choice = choices_for(prompt.name)[0]
    if choice is BUILT_IN:
        return Answer(
            value=without_model(), is_built_in=True, model="", prompt_version=prompt.version, model_call_id=None
        )
    redactor = Redactor(people=names_of_people())
    question = Question(
        system=prompt.system,  # ours alone: no prompt puts a variable there, says a contract test
        user=redactor.hide(prompt.user),
        answer=answer,
        max_output_tokens=max_output_tokens,
    )
    record = _Record(prompt=prompt, choice=choice, question=question, redactor=redactor, finding_id=finding_id)
    key = _cache_key(prompt, choice, question)
    known = _reuse(key, answer)
    if known is not None:
        value, model = known
        call = record.keep(Outcome.REUSED, model=model, reply_text=value.model_dump_json())
    else:
        value, model, call = _call(record, key)
    return Answer(
        value=_restored(value, redactor),
        is_built_in=False,
        model=model,
        prompt_version=prompt.version,
        model_call_id=call.pk,
    )


@dataclass
class _Record:
    """What the row about a call needs, gathered along the way."""

    prompt: Prompt
    choice: Choice
    question: Question
    redactor: Redactor
    finding_id: int | None
    input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 0
    started: float = 0.0

    def keep(self, outcome: Outcome, *, model: str = "", reply_text: str = "", error: str = "") -> ModelCall:
        with transaction.atomic():
            return ModelCall.objects.create(
                purpose=self.prompt.name,
                finding_id=self.finding_id,
                prompt_name=self.prompt.name,
                prompt_version=self.prompt.version,
                adapter=self.choice.adapter,
                model=(model or self.choice.credentials.model)[:120],
                outcome=outcome,
                error=_storable(error)[:500],
                system_text=_storable(self.question.system),
                user_text=_storable(self.question.user),
                reply_text=_storable(reply_text.replace(self.choice.credentials.key, "(key)")),
                redacted_count=self.redactor.count,
                input_tokens=self.input_tokens,
                output_tokens=self.output_tokens,
                duration_ms=int((time.monotonic() - self.started) * 1000) if self.started else 0,
                attempts=self.attempts,
            )


def _call(record: _Record, key: bytes) -> tuple[Any, str, ModelCall]:
    wait_for_turn(record.choice)
    let_go_of_connection()
    record.started = time.monotonic()
    # `from None` below: what a vendor's exception says may hold the key or the code, and must not reach a log.
    try:
        adapter = adapter_for(record.choice.adapter, record.choice.credentials)
        value, reply = _ask_and_repair(adapter, record)
    except ProviderError as error:
        raise _failed(record, error) from None
    except _Unusable as unusable:
        record.keep(Outcome.UNUSABLE, reply_text=unusable.text, error=str(unusable))
        raise NoUsableAnswer(f"The model's answer could not be used: {unusable}") from None
    with transaction.atomic():
        call = record.keep(Outcome.ANSWERED, model=reply.model, reply_text=reply.text)
        CachedAnswer.objects.bulk_create(
            [CachedAnswer(key=key, answer=value.model_dump(mode="json"), model=call.model)], ignore_conflicts=True
        )
    return value, call.model, call


def _failed(record: _Record, error: ProviderError) -> NoUsableAnswer | TemporaryFailure:
    """Keep what happened, and return what the asker is to be told."""
    # A server may repeat what it was sent.
    message = str(error).replace(record.choice.credentials.key or "\0", "(key)")
    record.keep(Outcome.REFUSED if error.refused else Outcome.FAILED, error=message)
    if error.permanent:
        return NoUsableAnswer(message)
    wait = error.retry_after_seconds
    if error.is_rate_limit:
        wait = wait or USUAL_PAUSE_SECONDS
    if wait:
        _pause(record.choice, wait)
    return TemporaryFailure(message, retry_after_seconds=_spread(wait), spends_attempt=not error.is_rate_limit)


class _Unusable(Exception):
    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def _ask_and_repair(adapter: ProviderAdapter, record: _Record) -> tuple[BaseModel, Reply]:
    """Ask, and ask once more, showing what was wrong, where the answer does not fit."""
    question = record.question
    problem = ""
    reply = Reply(text="", model="", input_tokens=0, output_tokens=0)
    for _ in range(2):
        record.attempts += 1
        reply = adapter.ask(question)
        record.input_tokens += reply.input_tokens
        record.output_tokens += reply.output_tokens
        try:
            return answer_in(reply.text, question.answer), reply
        except (ValidationError, ValueError) as error:
            problem = _in_words(error)
            if reply.is_cut_off:
                problem = "it was cut off at the limit of its length"
                question = replace(question, max_output_tokens=question.max_output_tokens * ROOM_AFTER_CUT)
                continue
            objection = (
                f"That answer cannot be used: {problem}\nAnswer again with one JSON object that fits the schema."
            )
            shown = reply.text[:LONGEST_SHOWN_AGAIN] or "(nothing)"
            question = replace(question, earlier=(Turn(answer=shown, objection=objection),))
    raise _Unusable(problem, reply.text)


def answer_in(text: str, answer: type[A]) -> A:
    """Return the answer in a model's text, which may stand in prose or in a code block; ValueError without one.

    The last object that fits counts: a model that thinks aloud writes its drafts first.
    """
    found = json_objects_in(text[:LONGEST_KEPT_TEXT])
    if not found:
        raise ValueError("there is no JSON object in it")
    problem: ValidationError | None = None
    for entry in reversed(found):
        try:
            return answer.model_validate_json(json.dumps(_without_unstorable(entry)))
        except ValidationError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _without_unstorable(node: Any) -> Any:
    """Leave out what PostgreSQL cannot keep: zero characters and halves of surrogate pairs, which JSON can spell."""
    if isinstance(node, dict):
        return {_storable(name): _without_unstorable(entry) for name, entry in node.items()}
    if isinstance(node, list):
        return [_without_unstorable(entry) for entry in node]
    return _storable(node) if isinstance(node, str) else node


def _storable(text: str) -> str:
    return text[:LONGEST_KEPT_TEXT].replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in entry['loc']) or 'answer'}: {entry['msg']}"
            for entry in error.errors()[:5]
        )
    return str(error)


def _cache_key(prompt: Prompt, choice: Choice, question: Question) -> bytes:
    parts = [
        choice.adapter,
        choice.credentials.base_url,
        choice.credentials.model,
        prompt.name,
        str(prompt.version),
        question.system,
        question.user,
        _shape_of(question.answer),
    ]
    return hashlib.sha256("\0".join(parts).encode()).digest()


@lru_cache(maxsize=64)
def _shape_of(answer: type[BaseModel]) -> str:
    return json.dumps(answer.model_json_schema(), sort_keys=True)


def _reuse(key: bytes, answer: type[A]) -> tuple[A, str] | None:
    with transaction.atomic():
        kept = CachedAnswer.objects.filter(key=key).first()
    if kept is None:
        return None
    try:
        return answer.model_validate(kept.answer), kept.model
    except ValidationError:  # the answer's shape changed without its schema: ask again
        return None


def _restored(value: A, redactor: Redactor) -> A:
    """Put hidden values back into quoted code, without validating again: a value may be longer than its placeholder."""

    def walk(node: Any, *, is_code: bool) -> Any:
        if isinstance(node, BaseModel):
            return _restored(node, redactor)
        if isinstance(node, list):
            return [walk(entry, is_code=is_code) for entry in node]
        return redactor.restore(node) if is_code and isinstance(node, str) else node

    return value.model_copy(
        update={name: walk(getattr(value, name), is_code=name in CODE_FIELDS) for name in type(value).model_fields}
    )


# --- Turns and connections --------------------------------------------------------------------------------------------


def wait_for_turn(choice: Choice) -> None:
    """Put the Job off while the provider has asked everybody to wait."""
    try:
        until = cache.get(_pause_key(choice))
    except RedisError:
        return  # the broker is down; the provider will say itself that it is too much
    if until is not None and until > time.time():
        raise TemporaryFailure(
            "waiting as the provider asked", retry_after_seconds=_spread(until - time.time()), spends_attempt=False
        )


def _spread(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * (1 + SPREAD * random.random())  # noqa: S311  (no secret)


def _pause(choice: Choice, seconds: float) -> None:
    try:
        cache.set(_pause_key(choice), time.time() + seconds, timeout=int(seconds) + 1)
    except RedisError:
        logger.warning("the pause that the provider asked for could not be shared with other workers")


def _pause_key(choice: Choice) -> str:
    # All of it: two organizations may name the same model by roles of their own, or keys in headers.
    identity = "\0".join(map(repr, (choice.adapter, *astuple(choice.credentials))))
    return "provider-pause:" + hashlib.sha256(identity.encode()).hexdigest()[:32]


def let_go_of_connection() -> None:
    """Give the database connection back for the time of the call; eight of them serve 64 threads only so."""
    if connection.in_atomic_block:
        if settings.IS_TEST:
            return  # a test's own transaction is around everything
        raise RuntimeError("a model must not be asked inside a transaction")
    connection.close()
