"""What is kept of a request: its row in the log with what it cost, and the answer for the next who asks the same."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, ValidationError

import orgs.selectors
import providers.budget
from providers.adapters.base import Question, Reply
from providers.budget import Allowance
from providers.gate.answering import storable
from providers.models import CachedAnswer, ModelCall, Outcome
from providers.prices import Tariff
from providers.prompts import Prompt
from providers.redaction import Redactor
from providers.selectors import Choice

A = TypeVar("A", bound=BaseModel)

FREE = Decimal(0)
# Calls that reached nobody: nothing was used, so nothing is owed.
WITHOUT_COST = {Outcome.REUSED, Outcome.STOPPED}


@dataclass
class Record:
    """What the row about a request needs, gathered along the way."""

    prompt: Prompt
    choice: Choice
    question: Question
    redactor: Redactor
    finding_id: int | None
    project_id: int | None
    is_fallback: bool
    tariff: Tariff
    row: ModelCall | None = None  # one that waits for its answer; else a new one is made
    allowance: Allowance | None = None
    answered_by: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 0
    started: float = 0.0

    def begin_try(self) -> None:
        """Count a try, and start the clock with the first."""
        self.attempts += 1
        self.started = self.started or time.monotonic()

    def count(self, reply: Reply) -> None:
        """Add what a reply used."""
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        self.answered_by = reply.model or self.answered_by

    def keep(
        self,
        outcome: Outcome,
        *,
        model: str = "",
        reply_text: str = "",
        error: str = "",
        saved: Decimal | None = None,
    ) -> ModelCall:
        """Write the row, and settle what the request took of the budget, in one transaction."""
        rate = self.tariff.rate(self.answered_by)
        cost = rate.cost(input_tokens=self.input_tokens, output_tokens=self.output_tokens)
        with transaction.atomic(savepoint=False):
            call = self.row or ModelCall()
            values: dict[str, Any] = dict(
                purpose=self.prompt.name,
                finding_id=self.finding_id,
                project_id=self.project_id,
                connection_id=self.choice.connection_id,
                is_fallback=self.is_fallback,
                prompt_name=self.prompt.name,
                prompt_version=self.prompt.version,
                adapter=self.choice.adapter,
                model=(model or self.answered_by or self.choice.credentials.model)[:200],
                outcome=outcome,
                error=storable(error)[:500],
                redacted_count=call.redacted_count or self.redactor.count,
                input_tokens=self.input_tokens,
                output_tokens=self.output_tokens,
                cost=FREE if outcome in WITHOUT_COST or not cost else cost if rate.is_known else None,
                saved=saved,
                duration_ms=int((time.monotonic() - self.started) * 1000) if self.started else 0,
                attempts=self.attempts,
                **self._texts(outcome, reply_text),
            )
            for name, value in values.items():
                setattr(call, name, value)
            call.save()
            # Last, since the month's row is the one that all requests of an organization share.
            if self.allowance is not None:
                providers.budget.settle(self.allowance, cost=cost, is_assumed=not rate.is_known)
        return call

    def _texts(self, outcome: Outcome, reply_text: str) -> dict[str, Any]:
        """Return what is kept of the texts: nothing where the organization keeps none."""
        if outcome == Outcome.STOPPED and self.row is None:  # one row for each of a whole backlog: it does without
            return {"system_text": "", "user_text": "", "reply_text": ""}
        if not orgs.selectors.retention_days():
            return {"system_text": "", "user_text": "", "reply_text": "", "texts_removed_at": timezone.now()}
        return {
            "system_text": storable(self.question.system),
            "user_text": storable(self.question.user),
            "reply_text": storable(self.choice.credentials.hidden_in(reply_text)),
        }


def key_of(prompt: Prompt, choice: Choice, question: Question) -> bytes:
    """Return what an answer is kept under: everything that decides it, the choice included."""
    parts = [
        choice.adapter,
        choice.credentials.base_url,
        choice.credentials.model,
        prompt.name,
        str(prompt.version),
        question.system,
        question.user,
        shape_of(question.answer),
    ]
    return hashlib.sha256("\0".join(parts).encode()).digest()


@lru_cache(maxsize=64)
def shape_of(answer: type[BaseModel]) -> str:
    """Return the JSON schema of an answer."""
    return json.dumps(answer.model_json_schema(), sort_keys=True)


@dataclass(frozen=True)
class Known:
    """An answer that was given before."""

    value: BaseModel
    model: str
    cost: Decimal | None


def known_answer(key: bytes, answer: type[BaseModel]) -> Known | None:
    """Return the answer kept under a key, None without one that fits. Needs a transaction."""
    kept = CachedAnswer.objects.filter(key=key).first()
    if kept is None:
        return None
    try:
        return Known(value=answer.model_validate(kept.answer), model=kept.model, cost=kept.cost)
    except ValidationError:  # the answer's shape changed without its schema: ask again
        return None


def keep_answer(key: bytes, value: BaseModel, call: ModelCall) -> None:
    """Keep an answer to be used again, unless the organization keeps no texts. Needs a transaction."""
    if call.texts_removed_at is not None:
        return
    CachedAnswer.objects.bulk_create(
        [CachedAnswer(key=key, answer=value.model_dump(mode="json"), model=call.model, cost=call.cost)],
        ignore_conflicts=True,
    )
