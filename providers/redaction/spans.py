"""A part of a text that must not leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is hidden, as its placeholder says."""

    SECRET = "SECRET"  # noqa: S105  (a word)
    EMAIL = "EMAIL"
    PERSON = "PERSON"
    TEXT = "TEXT"


@dataclass(frozen=True, order=True)
class Hidden:
    """Characters `start` to `end` (excluded) of a text."""

    start: int
    end: int
    kind: Kind


def without_overlaps(spans: Iterable[Hidden]) -> list[Hidden]:
    """Return the spans in order; where two overlap, the one that begins first, and of those the longer one, stays.

    What a later one has beyond it is hidden too, as a span of its own.
    """
    kept: list[Hidden] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        start = max(span.start, kept[-1].end) if kept else span.start
        if start < span.end:
            kept.append(Hidden(start, span.end, span.kind))
    return kept
