"""The log of prompts and answers: what it is filtered by, its pages, and what a filter offers to choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from typing import Protocol, Self

from django.db.models import Q, QuerySet
from django.utils import timezone as clock
from django.utils.dateparse import parse_date

from lib.pages import page_from, page_up_to
from lib.text import is_id
from providers.models import Connection, ModelCall, Outcome, Step

PAGE_SIZE = 50
VALUES_OFFERED = 100
ROWS_SEARCHED_FOR_VALUES = 5000
TEXTS = ("system_text", "user_text", "reply_text")

PERIODS = {"1": "Last 24 hours", "7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days"}
STEPS = dict(Step.choices)
OUTCOMES = dict(Outcome.choices)
YES = {"yes": "Yes"}
# Who answered where no connection of the organization did: calls by the platform's own key have none.
PLATFORM = "platform"


class Parameters(Protocol):
    """A query string, as Django's QueryDict reads it."""

    def get(self, key: str, default: str, /) -> str:
        """Return the last value given under a name."""


@dataclass(frozen=True)
class CallFilter:
    """Which requests are shown; an empty field filters nothing. The fields are the names in the query string.

    `since` and `until` are days (UTC, both included), `connection` is an id or `platform`, the last three are `yes`.
    """

    period: str = ""
    since: str = ""
    until: str = ""
    step: str = ""
    connection: str = ""
    model: str = ""
    outcome: str = ""
    version: str = ""
    finding: str = ""
    project: str = ""
    fallback: str = ""
    replay: str = ""
    hidden: str = ""

    @classmethod
    def parse(cls, parameters: Parameters) -> Self:
        """Return the filter of a query string; values that cannot be meant are left out."""
        given = {name: parameters.get(name, "").strip() for name in _ACCEPTED}
        return cls(**{name: value for name, value in given.items() if value and _ACCEPTED[name](value)})

    def as_pairs(self) -> list[tuple[str, str]]:
        """Return the filter as names and values of a query string."""
        return [(field.name, getattr(self, field.name)) for field in fields(self) if getattr(self, field.name)]

    def in_words(self) -> str:
        """Return the filter as the audit log names it, at most 300 characters."""
        return ", ".join(f"{name}: {value}" for name, value in self.as_pairs())[:300] or "everything"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen."""
        return not self.as_pairs()


def _is_version(value: str) -> bool:
    return is_id(value) and len(value) <= 6  # noqa: PLR2004


def _is_day(value: str) -> bool:
    try:
        return parse_date(value) is not None
    except ValueError:
        return False


_ACCEPTED: Mapping[str, Callable[[str], bool]] = {
    "period": PERIODS.__contains__,
    "since": _is_day,
    "until": _is_day,
    "step": STEPS.__contains__,
    "connection": lambda value: value == PLATFORM or is_id(value),
    "model": lambda value: len(value) <= 200 and value.isprintable(),  # noqa: PLR2004  (the column's length)
    "outcome": OUTCOMES.__contains__,
    "version": _is_version,
    "finding": is_id,
    "project": is_id,
    "fallback": YES.__contains__,
    "replay": YES.__contains__,
    "hidden": YES.__contains__,
}


def matching(chosen: CallFilter) -> QuerySet[ModelCall]:
    """Return the requests that a filter shows, newest first."""
    equal = {
        "purpose": chosen.step,
        "model": chosen.model,
        "outcome": chosen.outcome,
        "prompt_version": chosen.version,
        "finding_id": chosen.finding,
        "project_id": chosen.project,
    }
    found = ModelCall.objects.filter(**{column: value for column, value in equal.items() if value})
    if chosen.period:
        found = found.filter(created_at__gte=clock.now() - timedelta(days=int(chosen.period)))
    if since := parse_date(chosen.since):
        found = found.filter(created_at__gte=datetime.combine(since, time.min, UTC))
    if until := parse_date(chosen.until):
        found = found.filter(created_at__lt=datetime.combine(until, time.min, UTC) + timedelta(days=1))
    if chosen.connection:
        is_platform = chosen.connection == PLATFORM
        found = found.filter(connection_id=None if is_platform else int(chosen.connection))
    if chosen.fallback:
        found = found.filter(is_fallback=True)
    if chosen.replay:
        found = found.filter(replay_of__isnull=False)
    if chosen.hidden:
        found = found.filter(redacted_count__gt=0)
    return found.order_by("-pk")


@dataclass(frozen=True)
class Page:
    """Some requests, newest first, with the ids behind and before which the neighbouring pages lie (None: no page)."""

    calls: list[ModelCall]
    next_after: int | None
    previous_before: int | None


def page(chosen: CallFilter, *, after: str = "", before: str = "") -> Page:
    """Return one page of the log, without the texts; it begins behind (or ends before) the request with an id."""
    rows = matching(chosen).defer(*TEXTS)
    if is_id(before):
        found = page_up_to(rows.filter(pk__gt=int(before)), size=PAGE_SIZE)
    elif is_id(after):
        found = page_from(rows.filter(pk__lt=int(after)), size=PAGE_SIZE, is_first=False)
    else:
        found = page_from(rows, size=PAGE_SIZE, is_first=True)
    calls = found.rows
    return Page(
        calls=calls,
        next_after=calls[-1].pk if calls and found.has_next else None,
        previous_before=calls[0].pk if calls and found.has_previous else None,
    )


@dataclass(frozen=True)
class Offered:
    """What stands in the latest part of the log to choose from: models, prompt versions, and who answers now."""

    models: list[str]
    versions: list[int]
    connections: dict[str, str]


def offered() -> Offered:
    """Return the values of filters that depend on what was asked, from the latest few thousand requests."""
    latest = ModelCall.objects.order_by("-pk").values_list("model", "prompt_version")[:ROWS_SEARCHED_FOR_VALUES]
    seen = set(latest)
    return Offered(
        models=sorted({model for model, _ in seen if model})[:VALUES_OFFERED],
        versions=sorted({version for _, version in seen})[:VALUES_OFFERED],
        connections={
            PLATFORM: "The platform's key",
            **{str(each.pk): str(each) for each in Connection.objects.order_by("position")},
        },
    )


def comparable_with(call: ModelCall) -> list[ModelCall]:
    """Return the requests worth comparing with one, newest first.

    Those about the same finding and step, its replays or what it replays, and the latest of the step by another version
    of the prompt.
    """
    others = ModelCall.objects.exclude(pk=call.pk).defer(*TEXTS).order_by("-pk")
    original = call.replay_of_id or call.pk
    family = others.filter(Q(replay_of=original) | Q(pk=original))
    of_step = others.filter(prompt_name=call.prompt_name)
    about_finding = of_step.filter(finding_id=call.finding_id) if call.finding_id else of_step.none()
    other_version = of_step.exclude(prompt_version=call.prompt_version)
    found = [*family[:20], *about_finding[:20], *other_version[:5]]
    return sorted({each.pk: each for each in found}.values(), key=lambda each: -each.pk)
