"""What can be told by outgoing webhooks, kind by kind, and which events each is made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from events.kinds import Kind


class Told(StrEnum):
    """A kind of message: the word in `type`, and what endpoints choose from."""

    SCAN_COMPLETED = "scan.completed"
    SCAN_FAILED = "scan.failed"
    FINDING_OPENED = "finding.opened"
    FINDING_FIXED = "finding.fixed"
    FINDING_TRIAGED = "finding.triaged"
    VERDICT_REACHED = "verdict.reached"
    FIX_PULL_REQUEST_OPENED = "fix_pull_request.opened"
    FIX_PULL_REQUEST_MERGED = "fix_pull_request.merged"
    FIX_PULL_REQUEST_CLOSED = "fix_pull_request.closed"
    COMMENT_HELD_BACK = "comment.held_back"
    MEMORY_CHANGED = "memory.changed"
    BUDGET_ALERT = "budget.alert"
    WEBHOOK_TEST = "webhook.test"


@dataclass(frozen=True)
class CatalogueEntry:
    """A kind with what people read about it; `events` are those it is made from."""

    word: Told
    meaning: str
    events: tuple[Kind, ...]


CATALOGUE = (
    CatalogueEntry(
        Told.SCAN_COMPLETED, "A scan was read. The Assistant's analysis may still go on.", (Kind.SCAN_INGESTED,)
    ),
    CatalogueEntry(Told.SCAN_FAILED, "A scan could not be read, and why.", (Kind.SCAN_FAILED,)),
    CatalogueEntry(
        Told.FINDING_OPENED,
        "Findings that a scan found for the first time, or found again after they were fixed: one message a scan.",
        (Kind.SCAN_INGESTED,),
    ),
    CatalogueEntry(
        Told.FINDING_FIXED, "Findings that a scan saw fixed where it looked: one message a scan.", (Kind.SCAN_INGESTED,)
    ),
    CatalogueEntry(
        Told.FINDING_TRIAGED,
        "Somebody decided about a finding, or about several at once.",
        (Kind.FINDING_TRIAGED, Kind.FINDING_IGNORED, Kind.FINDINGS_TRIAGED),
    ),
    CatalogueEntry(
        Told.VERDICT_REACHED, "The Assistant reached a verdict on a finding: one message each.", (Kind.VERDICT_REACHED,)
    ),
    CatalogueEntry(
        Told.FIX_PULL_REQUEST_OPENED, "A pull request with a fix was opened.", (Kind.FIX_PULL_REQUEST_OPENED,)
    ),
    CatalogueEntry(
        Told.FIX_PULL_REQUEST_MERGED, "A pull request with a fix was merged.", (Kind.FIX_PULL_REQUEST_MERGED,)
    ),
    CatalogueEntry(
        Told.FIX_PULL_REQUEST_CLOSED,
        "A pull request with a fix was closed without being merged.",
        (Kind.FIX_PULL_REQUEST_CLOSED,),
    ),
    CatalogueEntry(
        Told.COMMENT_HELD_BACK,
        "The noise filter held comments back in a pull request.",
        (Kind.COMMENTS_HELD_BACK,),
    ),
    CatalogueEntry(
        Told.MEMORY_CHANGED,
        "A memory was suggested, added, changed or removed.",
        (Kind.MEMORY_SUGGESTED, Kind.MEMORY_ADDED, Kind.MEMORY_CHANGED, Kind.MEMORY_REMOVED),
    ),
    CatalogueEntry(Told.BUDGET_ALERT, "A part of the month's money for AI providers is used.", (Kind.BUDGET_ALERT,)),
)
# What endpoints choose from; a test message goes to the endpoint it is sent to, whatever it chose.
CHOICES = tuple(entry.word.value for entry in CATALOGUE)
EVENTS = tuple(dict.fromkeys(kind for entry in CATALOGUE for kind in entry.events))


def told_of(kind: Kind) -> list[Told]:
    """Return what may be told of an event, in the order it is told in."""
    return [entry.word for entry in CATALOGUE if kind in entry.events]
