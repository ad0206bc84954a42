"""A report into the database: COPY into a temporary table, then one merge, so that 100,000 findings take seconds.

All of it runs in one transaction of the caller. Measured against `bulk_create(update_conflicts)`: a third of the time
and an eighth of our own CPU (docs/decisions/0003).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

import findings.fingerprint
from events.kinds import ActorKind, Kind
from findings.ingest.base import ReportedFinding
from findings.models import Scan
from findings.stored import step_as_json
from lib.sequences import batched
from rules.models import Severity

KEYED_TOGETHER = 2000  # findings whose files are read together; bounds memory
TRUNCATED_LINES = 4000  # characters of matched lines kept with the finding; the file itself has them all

SEVERITY = {"low": Severity.LOW, "medium": Severity.MEDIUM, "high": Severity.HIGH, "critical": Severity.CRITICAL}


@dataclass(frozen=True)
class Merged:
    """How a scan changed the organization's findings."""

    found: int
    new: int
    returned: int
    fixed: int


@dataclass(frozen=True)
class Coverage:
    """Which files a scan looked at (None: the report does not say, so all), and on which of them it failed."""

    scanned: frozenset[str] | None
    failed: frozenset[str]


_COLUMNS = {
    "position": "integer",
    "content_key": "bytea",
    "rule_identifier": "text",
    "product": "text",
    "path": "text",
    "start_line": "integer",
    "start_column": "integer",
    "end_line": "integer",
    "end_column": "integer",
    "message": "text",
    "severity": "smallint",
    "matched_lines": "text",
    "rule_fix": "text",
    "trace": "jsonb",
    "details": "jsonb",
    "scanner_fingerprint": "text",
    "is_suppressed": "boolean",
    "suppression_comment": "text",
}


def merge(
    *,
    scan: Scan,
    reported: Iterable[ReportedFinding],
    text_of: Callable[[str], str | None],
    note_rules: Callable[[], None],
    coverage: Callable[[], Coverage],
) -> Merged:
    """Write a scan's findings, and where they are present or gone.

    `note_rules` is called when the report has been read and writes the rules it named; `coverage` then says which
    files the scanner looked at.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE incoming ("
            + ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
            + ", fingerprint bytea, rule_id bigint, finding_id bigint, is_new boolean) ON COMMIT DROP"
        )
        position = 0
        for batch in batched(reported, KEYED_TOGETHER):
            # Made before COPY begins: reading a file may ask the database, which a COPY under way would block for ever.
            rows = list(_rows(batch, text_of, position))
            position += len(rows)
            with cursor.copy(f"COPY incoming ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        note_rules()
        cursor.execute("ANALYZE incoming")
        parameters = {
            "org": scan.organization_id,
            "project": scan.project_id,
            "scan": scan.pk,
            "ref": scan.ref,
            "revision": scan.revision,
            "is_pull_request": bool(scan.pull_request_id),
            "now": timezone.now(),
            "primary": scan.project.primary_branch,
        }
        cursor.execute(_NUMBER_EQUAL_KEYS)
        cursor.execute(_FIND_RULES, parameters)
        cursor.execute(_MERGE_FINDINGS, parameters)
        cursor.execute(_REMEMBER_IDS, parameters)
        cursor.execute(_FOLLOW_SUPPRESSIONS, parameters)
        cursor.execute(_MERGE_PRESENCE, parameters)
        returned_ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE is_new) FROM incoming")
        found, new = cursor.fetchone()
        gone_ids: list[int] = []
        if scan.is_full:
            seen = coverage()
            paths = None if seen.scanned is None else list(seen.scanned)
            cursor.execute(_MARK_GONE, {**parameters, "paths": paths, "failed": list(seen.failed)})
            gone_ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_DERIVE, {**parameters, "gone": gone_ids})
        for kind, ids in ((Kind.FINDING_RETURNED, returned_ids), (Kind.FINDING_FIXED, gone_ids)):
            cursor.execute(_TELL, {**parameters, **_actor(kind), "ids": ids})
        cursor.execute(_TELL_NEW, {**parameters, **_actor(Kind.FINDING_FOUND)})
        cursor.execute("DROP TABLE incoming")
    return Merged(found=found, new=new, returned=len(returned_ids), fixed=len(gone_ids))


def _actor(kind: Kind) -> dict[str, str]:
    return {"kind": kind.value, "actor_kind": ActorKind.SCANNER.value, "actor_name": "Scanner"}


def _rows(
    batch: Sequence[ReportedFinding], text_of: Callable[[str], str | None], first: int
) -> Iterator[tuple[object, ...]]:
    keys = findings.fingerprint.content_keys(batch, text_of)
    for position, (finding, key) in enumerate(zip(batch, keys, strict=True), start=first):
        yield _row(position, finding, key, text_of)


def _row(
    position: int, finding: ReportedFinding, key: bytes, text_of: Callable[[str], str | None]
) -> tuple[object, ...]:
    return (
        position,
        key,
        finding.rule_identifier,
        finding.product.value,
        finding.path,
        finding.span.start_line,
        finding.span.start_column,
        finding.span.end_line,
        finding.span.end_column,
        finding.message,
        int(SEVERITY[finding.severity]),
        _matched_lines(finding, text_of),
        finding.rule_fix,
        json.dumps([step_as_json(step) for step in finding.trace]),
        json.dumps({**finding.metadata, "rule_confidence": finding.confidence}),
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
    return "\n".join(text.splitlines()[finding.span.start_line - 1 : finding.span.end_line])[:TRUNCATED_LINES]


# Equal matches in one file are findings of their own, told apart by their order in it.
_NUMBER_EQUAL_KEYS = """
UPDATE incoming SET fingerprint = substring(sha256(numbered.content_key || int4send(numbered.n::int)) FROM 1 FOR 16)
  FROM (SELECT position, content_key, row_number() OVER (
            PARTITION BY content_key ORDER BY start_line, start_column, end_line, end_column, position) AS n FROM incoming
       ) numbered
 WHERE numbered.position = incoming.position
"""

_FIND_RULES = """
UPDATE incoming SET rule_id = rule.id FROM rules_rule rule
 WHERE rule.organization_id = %(org)s AND rule.identifier = incoming.rule_identifier
"""

_MERGE_FINDINGS = """
INSERT INTO findings_finding (
    organization_id, project_id, rule_id, fingerprint, product, path, start_line, start_column, end_line, end_column,
    revision, message, severity, matched_lines, rule_fix, trace, details, scanner_fingerprint, first_scan_id,
    last_scan_id, created_at, updated_at, is_present, is_production, triage, triage_source, triage_change, ignore_reason,
    triage_comment, triaged_by, recommendation, verdict_confidence, not_analysed, not_analysed_detail, component_tag,
    component_risk, has_verified_fix, fix_confidence)
SELECT %(org)s, %(project)s, rule_id, fingerprint, product, path, start_line, start_column, end_line, end_column,
    %(revision)s, message, severity, matched_lines, rule_fix, trace, details, scanner_fingerprint, %(scan)s,
    %(scan)s, %(now)s, %(now)s, true, false, 'open', '', 0, '', '', '', '', '', 'waiting', '', '', '', false, ''
  FROM incoming
    ON CONFLICT (project_id, fingerprint) DO UPDATE SET
    path = EXCLUDED.path, start_line = EXCLUDED.start_line, start_column = EXCLUDED.start_column,
    end_line = EXCLUDED.end_line, end_column = EXCLUDED.end_column, revision = EXCLUDED.revision,
    message = EXCLUDED.message, severity = EXCLUDED.severity, rule_fix = EXCLUDED.rule_fix, trace = EXCLUDED.trace,
    matched_lines = CASE WHEN EXCLUDED.matched_lines = '' THEN findings_finding.matched_lines
                         ELSE EXCLUDED.matched_lines END,
    details = EXCLUDED.details, scanner_fingerprint = EXCLUDED.scanner_fingerprint,
    last_scan_id = EXCLUDED.last_scan_id, updated_at = EXCLUDED.updated_at
"""

_REMEMBER_IDS = """
UPDATE incoming SET finding_id = f.id, is_new = (f.first_scan_id = %(scan)s) FROM findings_finding f
 WHERE f.project_id = %(project)s AND f.fingerprint = incoming.fingerprint
"""

# nosemgrep and SARIF suppressions ignore a finding, and stop doing so when they go; a person's decision stands above.
_FOLLOW_SUPPRESSIONS = """
UPDATE findings_finding f SET
    triage = CASE WHEN i.is_suppressed THEN 'ignored' ELSE 'open' END,
    triage_source = CASE WHEN i.is_suppressed THEN 'suppression' ELSE '' END,
    ignore_reason = CASE WHEN i.is_suppressed THEN 'no_reason' ELSE '' END,
    triage_comment = CASE WHEN i.is_suppressed THEN left(i.suppression_comment, 3000) ELSE '' END
  FROM incoming i
 WHERE f.id = i.finding_id AND f.triage_source <> 'person' AND i.is_suppressed <> (f.triage_source = 'suppression')
"""

_MERGE_PRESENCE = """
WITH before AS (
    SELECT finding_id FROM findings_presence
     WHERE project_id = %(project)s AND ref = %(ref)s AND state <> 'present'
), written AS (
    INSERT INTO findings_presence (organization_id, project_id, finding_id, ref, is_pull_request, state, first_scan_id,
        last_scan_id, path, start_line, changed_at, held_back)
    SELECT %(org)s, %(project)s, finding_id, %(ref)s, %(is_pull_request)s, 'present', %(scan)s, %(scan)s, path,
        start_line, %(now)s, false FROM incoming
        ON CONFLICT (finding_id, ref) DO UPDATE SET
        state = 'present', last_scan_id = EXCLUDED.last_scan_id, path = EXCLUDED.path, start_line = EXCLUDED.start_line,
        changed_at = CASE WHEN findings_presence.state = 'present' THEN findings_presence.changed_at
                          ELSE EXCLUDED.changed_at END
    RETURNING finding_id
)
SELECT written.finding_id FROM written JOIN before USING (finding_id)
"""

# A full scan that no longer reports a finding fixed it; a file that is gone was removed; one that the scanner failed on
# (a timeout, a syntax error) tells nothing, so its findings stay.
_MARK_GONE = """
UPDATE findings_presence SET
    state = CASE WHEN %(paths)s::text[] IS NULL OR path = ANY(%(paths)s::text[]) THEN 'fixed' ELSE 'removed' END,
    last_scan_id = %(scan)s, changed_at = %(now)s
 WHERE project_id = %(project)s AND ref = %(ref)s AND state = 'present' AND last_scan_id <> %(scan)s
   AND NOT path = ANY(%(failed)s::text[])
RETURNING finding_id
"""

_DERIVE = """
UPDATE findings_finding f SET is_present = now_there.anywhere, is_production = now_there.on_primary
  FROM (SELECT f2.id,
               bool_or(coalesce(p.state = 'present', false)) AS anywhere,
               bool_or(coalesce(p.state = 'present' AND NOT p.is_pull_request AND p.ref = %(primary)s, false))
                   AS on_primary
          FROM findings_finding f2 LEFT JOIN findings_presence p ON p.finding_id = f2.id
         WHERE f2.project_id = %(project)s AND (f2.last_scan_id = %(scan)s OR f2.id = ANY(%(gone)s::bigint[]))
         GROUP BY f2.id) now_there
 WHERE f.id = now_there.id
   AND (f.is_present, f.is_production) IS DISTINCT FROM (now_there.anywhere, now_there.on_primary)
"""

_TELL = """
INSERT INTO events_event (organization_id, kind, actor_kind, actor_name, finding_id, subject, created_at)
SELECT %(org)s, %(kind)s, %(actor_kind)s, %(actor_name)s, id,
       jsonb_build_object('scan_id', %(scan)s::bigint, 'ref', %(ref)s::text), %(now)s
  FROM unnest(%(ids)s::bigint[]) AS id
"""

_TELL_NEW = """
INSERT INTO events_event (organization_id, kind, actor_kind, actor_name, finding_id, subject, created_at)
SELECT %(org)s, %(kind)s, %(actor_kind)s, %(actor_name)s, finding_id,
       jsonb_build_object('scan_id', %(scan)s::bigint, 'ref', %(ref)s::text), %(now)s
  FROM incoming WHERE is_new
"""
