"""A report into the database: COPY into a temporary table, then one merge, so that 100,000 findings take seconds.

All of it runs in one transaction of the caller. Measured against `bulk_create(update_conflicts)`: a third of the time
and an eighth of our own CPU (docs/decisions/0003). The statements are in `merging`, in the order they run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from events.kinds import ActorKind, Kind
from findings.fingerprint import keys_of
from findings.ingest import merging
from findings.ingest.base import ReportedFinding
from findings.ingest.equals import Equal, Known, identities_among_equals
from findings.models import PresenceState, Scan
from findings.stored import step_as_json
from lib.sequences import batched
from rules.models import Severity

KEYED_TOGETHER = 2000  # findings whose files are read together; bounds memory
TRUNCATED_LINES = 4000  # characters of matched lines kept with the finding; the file itself has them all

SEVERITY = {"low": Severity.LOW, "medium": Severity.MEDIUM, "high": Severity.HIGH, "critical": Severity.CRITICAL}


@dataclass(frozen=True)
class Merged:
    """How a scan changed the organization's findings; `without_code` of those found came without any code."""

    found: int
    new: int
    returned: int
    fixed: int
    without_code: int


@dataclass(frozen=True)
class Coverage:
    """Which files a scan looked at, with which rules (None: the report does not say, so all), and where it failed.

    `complaints` are sentences of the scanner that may name a file it failed on; `renamed` are former names of files.
    """

    scanned: frozenset[str] | None
    failed: frozenset[str]
    complaints: tuple[str, ...] = ()
    rules_run: frozenset[str] | None = None
    renamed: frozenset[str] = frozenset()

    @property
    def is_nothing(self) -> bool:
        """Whether the scan looked at no file at all, and so cannot tell what is fixed."""
        return self.scanned is not None and not self.scanned


def merge(
    *,
    scan: Scan,
    reported: Iterable[ReportedFinding],
    text_of: Callable[[str], str | None],
    note_rules: Callable[[], None],
    coverage: Callable[[], Coverage],
) -> Merged:
    """Write a scan's findings, and where they are present or gone. The project must be locked by the caller.

    `note_rules` is called when the report has been read and writes the rules it named; `coverage` then says which
    files the scanner looked at.
    """
    parameters = _parameters(scan)
    with connection.cursor() as cursor:
        cursor.execute(merging.WITHOUT_COMPILING)
        cursor.execute(merging.CREATE_INCOMING)
        count = _copy(cursor, reported, text_of)
        note_rules()
        covered = coverage()
        if count >= merging.JOINED_AS_A_WHOLE_FROM:
            cursor.execute(merging.JOIN_AS_A_WHOLE)
        _identify(cursor, {**parameters, **_as_parameters(covered)}, is_full=scan.is_full)
        for statement in (merging.LOCK_FINDINGS, merging.MERGE_FINDINGS, merging.REMEMBER_IDS):
            cursor.execute(statement, parameters)
        cursor.execute(merging.FOLLOW_SUPPRESSIONS, parameters)
        followed = cursor.fetchall()
        returned = _ids(cursor, merging.MERGE_PRESENCE, parameters)
        gone = _mark_gone(cursor, covered, parameters, scan)
        cursor.execute(merging.DERIVE, {**parameters, "gone": list(gone)})
        for kind, ids in (
            (Kind.FINDING_RETURNED, returned),
            (Kind.FINDING_FIXED, [pk for pk, state in gone.items() if state == PresenceState.FIXED]),
            (Kind.FINDING_REMOVED, [pk for pk, state in gone.items() if state == PresenceState.REMOVED]),
            (Kind.FINDING_IGNORED, [pk for pk, is_suppressed in followed if is_suppressed]),
            (Kind.FINDING_TRIAGED, [pk for pk, is_suppressed in followed if not is_suppressed]),
        ):
            cursor.execute(merging.TELL, {**parameters, "kind": kind.value, "ids": ids})
        cursor.execute(merging.TELL_NEW, {**parameters, "kind": Kind.FINDING_FOUND.value})
        cursor.execute(merging.COUNT)
        found, new, without_code = cursor.fetchone()
        cursor.execute(merging.DROP)
        cursor.execute(merging.FORGET_PLANS)
        cursor.execute(merging.JOIN_AS_BEFORE)
    return Merged(found=found, new=new, returned=len(returned), fixed=len(gone), without_code=without_code)


def _parameters(scan: Scan) -> dict[str, Any]:
    return {
        "org": scan.organization_id,
        "project": scan.project_id,
        "scan": scan.pk,
        "tool": scan.tool,
        "ref": scan.ref,
        "revision": scan.revision,
        "is_pull_request": bool(scan.pull_request_id),
        "now": timezone.now(),
        "primary": scan.project.primary_branch,
        "is_primary": not scan.pull_request_id and scan.branch == scan.project.primary_branch,
        "actor_kind": ActorKind.SCANNER.value,
        "actor_name": "Scanner",
    }


def _copy(cursor: CursorWrapper, reported: Iterable[ReportedFinding], text_of: Callable[[str], str | None]) -> int:
    position = 0
    for batch in batched(reported, KEYED_TOGETHER):
        # Made before COPY begins: reading a file may ask the database, which a COPY under way would block for ever.
        rows = list(_rows(batch, text_of, position))
        position += len(rows)
        # nosemgrep: no-raw-sql  (columns of our own temporary table, a constant)
        with cursor.copy(f"COPY incoming ({', '.join(merging.COLUMNS)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    return position


def _rows(
    batch: Sequence[ReportedFinding], text_of: Callable[[str], str | None], first: int
) -> Iterator[tuple[object, ...]]:
    for position, (finding, keys) in enumerate(zip(batch, keys_of(batch, text_of), strict=True), start=first):
        span = finding.span
        yield (
            position,
            keys.whole,
            keys.code,
            keys.place,
            keys.moved,
            keys.has_code,
            finding.rule_identifier,
            finding.product.value,
            finding.path,
            span.start_line,
            span.start_column,
            span.end_line,
            span.end_column,
            finding.message,
            int(SEVERITY[finding.severity]),
            _matched_lines(finding, text_of),
            finding.rule_fix,
            json.dumps([step_as_json(step) for step in finding.trace]) if finding.trace else "[]",
            json.dumps(dict(finding.metadata)) if finding.metadata else "{}",
            finding.scanner_fingerprint,
            finding.is_suppressed,
            finding.suppression_justification,
        )


def _matched_lines(finding: ReportedFinding, text_of: Callable[[str], str | None]) -> str:
    if finding.lines:
        return finding.lines[:TRUNCATED_LINES]
    text = text_of(finding.path)
    if text is None:
        return ""
    lines = text.split("\n")[finding.span.start_line - 1 : finding.span.end_line]
    return "\n".join(lines)[:TRUNCATED_LINES]


def _identify(cursor: CursorWrapper, parameters: dict[str, Any], *, is_full: bool) -> None:
    cursor.execute(merging.IDENTIFY, parameters)
    cursor.execute(merging.ANALYZE)
    if is_full:
        _tell_equals_apart(cursor, parameters)
    cursor.execute(merging.ANY_UNKNOWN, parameters)
    if cursor.fetchone()[0]:
        for statement in merging.FIND_AGAIN_IN_FULL_SCAN if is_full else merging.FIND_AGAIN:
            cursor.execute(statement, parameters)


def _tell_equals_apart(cursor: CursorWrapper, parameters: dict[str, Any]) -> None:
    """Let what is left of equal matches keep the identity of the one that stood nearest, where the order misleads."""
    cursor.execute(merging.AMONG_EQUALS, parameters)
    reported: dict[bytes, list[Equal]] = {}
    for code_key, whole_key, has_code, position, line, fingerprint in cursor.fetchall():
        # Where the scanner withholds the code, its own ids count equal matches, and so differ.
        group = bytes(whole_key if has_code else code_key)
        equal = Equal(position, line, bytes(whole_key), bytes(code_key), bytes(fingerprint), has_code)
        reported.setdefault(group, []).append(equal)
    if not reported:
        return
    code_keys = list({equal.code_key for group in reported.values() for equal in group})
    cursor.execute(merging.KNOWN_EQUALS, {**parameters, "code_keys": code_keys})
    known: dict[bytes, list[Known]] = {}
    for code_key, fingerprint, line, has_code, is_present in cursor.fetchall():
        known.setdefault(bytes(code_key), []).append(Known(bytes(fingerprint), line, has_code, is_present))
    changed = {
        position: fingerprint
        for group in reported.values()
        for position, fingerprint in identities_among_equals(group, known.get(group[0].code_key, [])).items()
    }
    if changed:
        right_ones: dict[str, Any] = {"positions": list(changed), "fingerprints": list(changed.values())}
        cursor.execute(merging.IDENTIFY_AGAIN, right_ones)


def _ids(cursor: CursorWrapper, statement: str, parameters: dict[str, Any]) -> list[int]:
    cursor.execute(statement, parameters)
    return [row[0] for row in cursor.fetchall()]


def _mark_gone(
    cursor: CursorWrapper, coverage: Coverage, parameters: dict[str, Any], scan: Scan
) -> dict[int, PresenceState]:
    """Return the findings that are no longer there, each with how it went."""
    if scan.is_full and not coverage.is_nothing:
        statement = merging.MARK_GONE
    elif scan.pull_request_id and not scan.is_full and coverage.rules_run is not None:
        statement = merging.MARK_FIXED_IN_PULL_REQUEST
    else:
        return {}
    cursor.execute(statement, {**parameters, **_as_parameters(coverage)})
    return {finding_id: PresenceState(state) for finding_id, state in cursor.fetchall()}


def _as_parameters(coverage: Coverage) -> dict[str, Any]:
    return {
        "paths": None if coverage.scanned is None else list(coverage.scanned),
        "failed": list(coverage.failed),
        "complaints": list(coverage.complaints),
        "rules_run": None if coverage.rules_run is None else list(coverage.rules_run),
        "renamed": list(coverage.renamed),
    }
