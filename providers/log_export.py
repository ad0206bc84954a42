"""The log as a file: every request that a filter shows, with its texts, read a few hundred at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from events.kinds import Actor, Kind
from events.services import record
from lib.csv_lines import csv_lines
from providers.log import CallFilter, matching
from providers.models import ModelCall
from tenancy.reading import read_through

READ_TOGETHER = 200
COLUMNS = (
    "id",
    "created_at",
    "step",
    "finding_id",
    "project_id",
    "provider",
    "connection_id",
    "is_fallback",
    "replay_of",
    "model",
    "prompt",
    "prompt_version",
    "outcome",
    "error",
    "hidden_values",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "duration_ms",
    "attempts",
    "texts_removed_at",
    "system",
    "user",
    "answer",
)


def note_export(*, chosen: CallFilter, file_format: str, actor: Actor) -> None:
    """Write down who takes which part of the log out of the house. Needs a transaction."""
    record(Kind.LOG_EXPORTED, actor=actor, log="prompts", format=file_format, filter=chosen.in_words())


def ndjson(*, chosen: CallFilter, organization_id: int) -> Iterator[str]:
    """Yield the log as one JSON object a line; keeps neither scope nor transaction between two lines."""
    for call in _calls(chosen, organization_id):
        yield json.dumps(_row(call), ensure_ascii=False) + "\n"


def csv(*, chosen: CallFilter, organization_id: int) -> Iterator[str]:
    """Yield the log as CSV with a line of headings; cells that a spreadsheet would calculate are made text."""
    yield from csv_lines([COLUMNS])
    yield from csv_lines(list(_row(call).values()) for call in _calls(chosen, organization_id))


def _calls(chosen: CallFilter, organization_id: int) -> Iterator[ModelCall]:
    return read_through(lambda: matching(chosen), organization_id=organization_id, together=READ_TOGETHER)


def _row(call: ModelCall) -> dict[str, Any]:
    values = (
        call.pk,
        call.created_at.isoformat(),
        call.purpose,
        call.finding_id,
        call.project_id,
        call.adapter,
        call.connection_id,
        call.is_fallback,
        call.replay_of_id,
        call.model,
        call.prompt_name,
        call.prompt_version,
        call.outcome,
        call.error,
        call.redacted_count,
        call.input_tokens,
        call.output_tokens,
        None if call.cost is None else str(call.cost),
        call.duration_ms,
        call.attempts,
        call.texts_removed_at and call.texts_removed_at.isoformat(),
        call.system_text,
        call.user_text,
        call.reply_text,
    )
    return dict(zip(COLUMNS, values, strict=True))
