"""What the check of a commit says: a title, how many findings there are by severity, and a remark at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from lib.text import printable
from notifications.messages import Standing, StatusFinding, StatusReport
from notifications.rendering import escaping
from rules.models import Severity
from scm.adapters.values import Annotation, StatusDraft, StatusState

NAME = "Assistant"
MOST_LISTED = 50
LONGEST_MESSAGE = 2000
LONGEST_LIST = 50_000  # bytes; GitHub takes 65,535 characters of summary


def render_status(report: StatusReport) -> StatusDraft:
    """Return what a check shows; it fails where a finding of a rule in Block mode is open, whatever the Assistant says.

    Annotations come the worst first, all of them: how many go into one request is the adapter's matter.
    """
    is_open = [finding for finding in report.findings if finding.standing is Standing.OPEN]
    ranked = sorted(is_open, key=lambda found: (not found.is_blocking, -found.severity, found.path, found.start_line))
    return StatusDraft(
        name=NAME,
        state=_state(report, ranked),
        title=_title(report, ranked),
        summary=_summary(report, ranked),
        details_url=report.link,
        annotations=tuple(_annotation(finding) for finding in ranked),
    )


def _state(report: StatusReport, ranked: Sequence[StatusFinding]) -> StatusState:
    if report.problem:
        return StatusState.NEUTRAL
    if any(finding.is_blocking for finding in ranked):
        return StatusState.FAILURE
    return StatusState.PENDING if report.is_waiting else StatusState.SUCCESS


def _title(report: StatusReport, ranked: Sequence[StatusFinding]) -> str:
    if report.problem:
        return "The scan could not be used"
    blocking = sum(finding.is_blocking for finding in ranked)
    others = len(ranked) - blocking
    if blocking:
        also = f", {others} {_plural('other', others)}" if others else ""
        return f"{blocking} {_plural('finding', blocking)} {'blocks' if blocking == 1 else 'block'}{also}"
    if report.is_waiting:
        return "Waiting for the Assistant"
    return f"{others} {_plural('finding', others)}, none blocks" if others else "No new findings"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _summary(report: StatusReport, ranked: Sequence[StatusFinding]) -> str:
    if report.problem:
        return escaping.paragraphs(report.problem, most_characters=LONGEST_MESSAGE) + "\n"
    parts = []
    if ranked:
        entries = _that_fit([_entry(finding) for finding in ranked[:MOST_LISTED]])
        parts += [_table(ranked), "\n".join(entries)]
        if len(ranked) > len(entries):
            parts.append(f"{len(ranked) - len(entries)} more stand in the list of findings.")
    else:
        parts.append("Nothing new was found that is still open.")
    done = Counter(finding.standing for finding in report.findings)
    settled = [f"{done[one]} {one.value}" for one in (Standing.FIXED, Standing.IGNORED) if done[one]]
    if settled:
        parts.append(f"Not counted: {', '.join(settled)}.")
    if report.is_waiting:
        parts.append("The Assistant is still looking at some of them.")
    return "\n\n".join(parts) + "\n"


def _that_fit(entries: list[str]) -> list[str]:
    """Return the first entries, no longer together than a host takes."""
    lengths = accumulate(len(entry.encode()) + 1 for entry in entries)
    return [entry for entry, length in zip(entries, lengths, strict=True) if length <= LONGEST_LIST]


def _table(ranked: Sequence[StatusFinding]) -> str:
    rows = ["| Severity | Blocking | Others |", "| --- | ---: | ---: |"]
    for severity in sorted(Severity, reverse=True):
        of_it = [finding for finding in ranked if finding.severity == severity]
        if of_it:
            blocking = sum(finding.is_blocking for finding in of_it)
            rows.append(f"| {severity.label} | {blocking} | {len(of_it) - blocking} |")
    return "\n".join(rows)


def _entry(finding: StatusFinding) -> str:
    where = escaping.code(f"{finding.path}:{finding.start_line}")
    target = escaping.address(finding.link)
    place = f"[{where}]({target})" if target else where
    told = {"blocks": finding.is_blocking, "may be safe to ignore": finding.may_be_ignored}
    words = ", ".join(word for word, holds in told.items() if holds)
    return f"- {escaping.code(finding.rule, most_characters=200)} at {place}" + (f" ({words})" if words else "")


def _annotation(finding: StatusFinding) -> Annotation:
    # Plain text for the host; what does not show, or reorders what does, is marked here too.
    lines = [printable(line) for line in escaping.cut(finding.message, LONGEST_MESSAGE).splitlines()]
    return Annotation(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        level=_level(finding),
        title=printable(escaping.cut(" ".join(finding.rule.split()), 200)),
        message="\n".join(lines).strip() or "No message.",
    )


def _level(finding: StatusFinding) -> str:
    if finding.is_blocking:
        return "failure"
    return "warning" if finding.severity >= Severity.HIGH and not finding.may_be_ignored else "notice"
