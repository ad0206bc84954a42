"""The statements of a merge, in their order; `incoming` holds a report's findings, `identified` which they are."""

from __future__ import annotations

COLUMNS = {
    "position": "integer",
    "whole_key": "bytea",
    "code_key": "bytea",
    "place_key": "bytea",
    "moved_key": "bytea",
    "has_code": "boolean",
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

CREATE_INCOMING = (
    "CREATE TEMPORARY TABLE incoming ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ") ON COMMIT DROP"
)
DROP = "DROP TABLE incoming, identified"

# Foreign keys are checked at the commit, row by row, by plans that the session keeps from its first check. One made
# while the tables held a few pages reads all of them for every row: 3 s at 10,000 findings, minutes at ten times that.
FORGET_PLANS = "DISCARD PLANS"

# --- Which finding is which -------------------------------------------------------------------------------------------

# A narrow table of its own: what follows changes every row, and `incoming` is wide.
# Equal matches in one file are findings of their own, told apart by their order in it.
IDENTIFY = """
CREATE TEMPORARY TABLE identified ON COMMIT DROP AS
SELECT i.position, i.whole_key, i.code_key, i.place_key, i.moved_key, i.has_code, i.scanner_fingerprint,
       i.path, i.start_line, i.start_column, rule.id AS rule_id,
       substring(sha256(i.whole_key || int4send((row_number() OVER (
           PARTITION BY i.whole_key ORDER BY i.start_line, i.start_column, i.end_line, i.end_column, i.position
       ))::int)) FROM 1 FOR 16) AS fingerprint,
       NULL::bigint AS finding_id, false AS is_new
  FROM incoming i
  JOIN rules_rule rule ON rule.organization_id = %(org)s AND rule.identifier = i.rule_identifier
"""
ANALYZE = "ANALYZE incoming (position), identified"

# Matches that a finding of ours, lost otherwise, may be among: of equal ones another may have gone than the last.
AMONG_EQUALS = """
WITH lost AS (
    SELECT DISTINCT f.code_key FROM findings_finding f
     WHERE f.project_id = %(project)s AND f.is_present AND f.last_scan_id < %(scan)s
       AND NOT EXISTS (SELECT 1 FROM identified i WHERE i.fingerprint = f.fingerprint)
)
SELECT i.code_key, i.whole_key, i.has_code, i.position, i.start_line, i.fingerprint
  FROM identified i JOIN lost USING (code_key)
 ORDER BY i.start_line, i.start_column, i.position
"""
KNOWN_EQUALS = """
SELECT f.code_key, f.fingerprint, f.start_line, f.has_code, f.is_present
  FROM findings_finding f
 WHERE f.project_id = %(project)s AND f.code_key = ANY(%(code_keys)s::bytea[])
 ORDER BY f.start_line, f.start_column, f.id
"""
IDENTIFY_AGAIN = """
UPDATE identified SET fingerprint = right_one.fingerprint
  FROM unnest(%(positions)s::int[], %(fingerprints)s::bytea[]) AS right_one (position, fingerprint)
 WHERE identified.position = right_one.position
"""

# What is known of our own tables is out of date right after a large import, and only their owner may bring it up to
# date; the planner then expects few rows and walks through them once for each incoming one (measured: 7 minutes for
# 100,000). A report of that size is joined as a whole.
JOIN_AS_A_WHOLE = "SET LOCAL enable_nestloop = off"
JOINED_AS_A_WHOLE_FROM = 2_000
JOIN_AS_BEFORE = "SET LOCAL enable_nestloop = on"
WITHOUT_COMPILING = "SET LOCAL jit = off"  # it takes longer than the statement it would make faster

ANY_UNKNOWN = """
SELECT EXISTS (SELECT 1 FROM findings_finding WHERE project_id = %(project)s) AND EXISTS (
    SELECT 1 FROM identified i WHERE NOT EXISTS (
        SELECT 1 FROM findings_finding f WHERE f.project_id = %(project)s AND f.fingerprint = i.fingerprint))
"""

# A finding whose fingerprint is new may be one that was there, if that one is nowhere else in the report: the text of
# its file came or went with the upload, what surrounds it was renamed, or its file was. One to one, in the order of
# the file. Only among those present: an ignored match that was deleted must not lend its triage to a new one elsewhere.
_FIND_AGAIN = """
WITH lost AS (
    SELECT f.id, f.code_key, f.moved_key, f.has_code, f.scanner_fingerprint, f.rule_id, f.path, f.start_line,
           row_number() OVER (PARTITION BY {of_lost} ORDER BY f.start_line, f.start_column, f.id) AS n
      FROM findings_finding f
     WHERE f.project_id = %(project)s AND f.is_present AND f.last_scan_id < %(scan)s
       AND NOT EXISTS (SELECT 1 FROM identified i WHERE i.fingerprint = f.fingerprint)
       AND {lost_only}
), unknown AS (
    SELECT i.fingerprint, i.code_key, i.place_key, i.moved_key, i.has_code, i.scanner_fingerprint, i.rule_id, i.path,
           i.start_line,
           row_number() OVER (PARTITION BY {of_unknown} ORDER BY i.start_line, i.start_column, i.position) AS n
      FROM identified i
     WHERE NOT EXISTS (
        SELECT 1 FROM findings_finding f WHERE f.project_id = %(project)s AND f.fingerprint = i.fingerprint)
       AND {unknown_only}
)
UPDATE findings_finding f SET fingerprint = unknown.fingerprint, code_key = unknown.code_key
  FROM lost JOIN unknown ON ({of_lost_joined}) = ({of_unknown_joined}) AND lost.n = unknown.n AND {condition}
 WHERE f.id = lost.id
"""


def _find_again(*alike: str, condition: str = "true", lost_only: str = "true", unknown_only: str = "true") -> str:
    def columns_of(table: str) -> str:
        return ", ".join(f"{table}.{column}" for column in alike)

    return _FIND_AGAIN.format(
        of_lost=columns_of("f"),
        of_unknown=columns_of("i"),
        of_lost_joined=columns_of("lost"),
        of_unknown_joined=columns_of("unknown"),
        condition=condition,
        lost_only=lost_only,
        unknown_only=unknown_only,
    )


# Where one of the two scans had no code at all, or only one had the code itself.
_NO_CODE = (
    "(lost.code_key = unknown.place_key OR unknown.code_key = unknown.place_key OR lost.has_code <> unknown.has_code)"
)
# The scanner's own id of a match counts between a scan that had the code and one that had not; where both know as much,
# the code itself says more.
_BY_THE_SCANNERS_ID = ("rule_id", "scanner_fingerprint")
_IDS_OF_UNLIKE_SCANS = "lost.scanner_fingerprint <> '' AND lost.has_code <> unknown.has_code"

_ON_THE_SAME_LINE = (
    _find_again("code_key", "start_line"),
    _find_again("rule_id", "path", "start_line", condition=_NO_CODE),
)
_ANYWHERE_IN_THE_FILE = (_find_again("code_key"), _find_again("rule_id", "path", condition=_NO_CODE))

# A scan of a part of the code does not say that a finding has left its place, so there only the same line counts: a
# copy of an ignored match must not pass for the match itself.
# A file that the pull request renamed takes along what the pull request itself had brought, and nothing else: what was
# there before it, the scanner knows under the old name and does not report.
_NEW_FILE = (
    "NOT EXISTS (SELECT 1 FROM findings_finding g WHERE g.project_id = %(project)s"
    " AND g.path = i.path AND g.organization_id = %(org)s)"
)
FIND_AGAIN = (
    _find_again(*_BY_THE_SCANNERS_ID, "start_line", condition=_IDS_OF_UNLIKE_SCANS),
    *_ON_THE_SAME_LINE,
    _find_again(
        "moved_key",
        lost_only="f.path = ANY(%(renamed)s::text[]) AND NOT f.is_production AND EXISTS ("
        "SELECT 1 FROM findings_presence p WHERE p.finding_id = f.id AND p.ref = %(ref)s"
        " AND p.is_pull_request = %(is_pull_request)s AND p.state = 'present')",
        unknown_only=_NEW_FILE,
    ),
)
FIND_AGAIN_IN_FULL_SCAN = (
    _ON_THE_SAME_LINE[0],
    _ANYWHERE_IN_THE_FILE[0],
    _find_again(*_BY_THE_SCANNERS_ID, condition=_IDS_OF_UNLIKE_SCANS),
    _ON_THE_SAME_LINE[1],
    _ANYWHERE_IN_THE_FILE[1],
    # A renamed file: the old one is gone, and the new one has had no finding before.
    _find_again(
        "moved_key",
        lost_only="%(paths)s::text[] IS NOT NULL AND f.path <> ALL(%(paths)s::text[])",
        unknown_only=_NEW_FILE,
    ),
)

# --- What is known of each --------------------------------------------------------------------------------------------

# In the order of ids, as everybody who changes several findings locks them, so that nobody waits in a circle.
LOCK_FINDINGS = """
SELECT count(*) FROM (
    SELECT f.id FROM findings_finding f JOIN identified i ON i.fingerprint = f.fingerprint
     WHERE f.project_id = %(project)s ORDER BY f.id FOR NO KEY UPDATE OF f) locked
"""

# A scan that is ingested after a newer one tells what was; it adds findings and takes nothing back.
# What is in production is said at once, as DERIVE would: a second version of each row costs as much as the first.
MERGE_FINDINGS = """
INSERT INTO findings_finding AS f (
    organization_id, project_id, rule_id, fingerprint, code_key, moved_key, has_code, product,
    path, start_line, start_column, end_line, end_column, revision,
    message, severity, matched_lines, rule_fix, trace, details, scanner_fingerprint,
    first_scan_id, last_scan_id, created_at, updated_at, is_present, is_production, is_removed,
    triage, triage_source, triage_change, ignore_reason, triage_comment, triaged_by,
    recommendation, verdict_confidence, not_analysed, not_analysed_detail,
    component_tag, component_risk, has_verified_fix, fix_confidence)
SELECT %(org)s, %(project)s, rule_id, fingerprint, i.code_key, i.moved_key, i.has_code, product,
    i.path, i.start_line, i.start_column, end_line, end_column, %(revision)s,
    message, severity, matched_lines, rule_fix, trace, details, i.scanner_fingerprint,
    %(scan)s, %(scan)s, %(now)s, %(now)s, true, %(is_primary)s, false,
    'open', '', 0, '', '', '',
    '', '', 'waiting', '',
    '', '', false, ''
  FROM incoming i JOIN identified USING (position)
    ON CONFLICT (project_id, fingerprint) DO UPDATE SET
    code_key = EXCLUDED.code_key, moved_key = EXCLUDED.moved_key, has_code = EXCLUDED.has_code,
    product = EXCLUDED.product,
    path = EXCLUDED.path, start_line = EXCLUDED.start_line, start_column = EXCLUDED.start_column,
    end_line = EXCLUDED.end_line, end_column = EXCLUDED.end_column,
    revision = EXCLUDED.revision, message = EXCLUDED.message, severity = EXCLUDED.severity,
    rule_fix = EXCLUDED.rule_fix, trace = EXCLUDED.trace,
    matched_lines = CASE WHEN EXCLUDED.matched_lines = '' THEN f.matched_lines ELSE EXCLUDED.matched_lines END,
    details = EXCLUDED.details, scanner_fingerprint = EXCLUDED.scanner_fingerprint,
    last_scan_id = EXCLUDED.last_scan_id, updated_at = EXCLUDED.updated_at
    WHERE f.last_scan_id < EXCLUDED.last_scan_id
"""

REMEMBER_IDS = """
UPDATE identified SET finding_id = f.id, is_new = (f.first_scan_id = %(scan)s) FROM findings_finding f
 WHERE f.project_id = %(project)s AND f.fingerprint = identified.fingerprint
"""

# nosemgrep and SARIF suppressions ignore a finding, and stop doing so when they go; a person's decision stands above.
# For what is in production only the primary branch says so: a pull request does not decide for everybody.
FOLLOW_SUPPRESSIONS = """
UPDATE findings_finding f SET
    triage = CASE WHEN i.is_suppressed THEN 'ignored' ELSE 'open' END,
    triage_source = CASE WHEN i.is_suppressed THEN 'suppression' ELSE '' END,
    ignore_reason = CASE WHEN i.is_suppressed THEN 'no_reason' ELSE '' END,
    triage_comment = CASE WHEN i.is_suppressed THEN left(i.suppression_comment, 3000) ELSE '' END,
    not_analysed = CASE WHEN f.not_analysed = 'ignored' AND NOT i.is_suppressed THEN 'not_new' ELSE f.not_analysed END
  FROM incoming i JOIN identified USING (position)
 WHERE f.id = identified.finding_id AND f.triage_source <> 'person' AND f.last_scan_id = %(scan)s
   AND i.is_suppressed <> (f.triage_source = 'suppression')
   AND (NOT f.is_production OR %(is_primary)s)
RETURNING f.id, i.is_suppressed
"""

# --- Where each is ----------------------------------------------------------------------------------------------------

MERGE_PRESENCE = """
WITH before AS (
    SELECT finding_id FROM findings_presence
     WHERE project_id = %(project)s AND ref = %(ref)s AND is_pull_request = %(is_pull_request)s AND state <> 'present'
), written AS (
    INSERT INTO findings_presence AS p (organization_id, project_id, finding_id, ref, is_pull_request, state,
        first_scan_id, last_scan_id, path, start_line, changed_at, held_back)
    SELECT %(org)s, %(project)s, finding_id, %(ref)s, %(is_pull_request)s, 'present', %(scan)s, %(scan)s, path,
        start_line, %(now)s, false FROM identified
        ON CONFLICT (finding_id, ref, is_pull_request) DO UPDATE SET
        state = 'present', last_scan_id = EXCLUDED.last_scan_id, path = EXCLUDED.path, start_line = EXCLUDED.start_line,
        changed_at = CASE WHEN p.state = 'present' THEN p.changed_at ELSE EXCLUDED.changed_at END
        WHERE p.last_scan_id < EXCLUDED.last_scan_id
    RETURNING finding_id
)
SELECT written.finding_id FROM written JOIN before USING (finding_id)
"""

# A full scan that no longer reports a finding fixed it; where the file is gone too, or the rule was not run, it was
# removed. What another tool found, and what stands in a file that the scanner failed on (a timeout, a syntax error),
# this scan cannot know of.
MARK_GONE = """
UPDATE findings_presence p SET
    state = CASE WHEN p.path <> ALL(%(paths)s::text[]) OR rule.identifier <> ALL(%(rules_run)s::text[])
        THEN 'removed' ELSE 'fixed' END,
    last_scan_id = %(scan)s, changed_at = %(now)s
  FROM findings_scan seen, findings_finding f JOIN rules_rule rule ON rule.id = f.rule_id
 WHERE p.project_id = %(project)s AND p.ref = %(ref)s AND p.is_pull_request = %(is_pull_request)s
   AND p.state = 'present' AND p.last_scan_id < %(scan)s
   AND seen.id = p.last_scan_id AND seen.tool = %(tool)s AND f.id = p.finding_id
   AND p.path <> ALL(%(failed)s::text[])
   AND NOT EXISTS (SELECT 1 FROM unnest(%(complaints)s::text[]) AS complaint WHERE position(p.path IN complaint) > 0)
RETURNING p.finding_id, p.state
"""

# A pull request's scan reports what the pull request brings. What an earlier one of its scans reported and this one
# does not, with the rule run and the file looked at (or renamed), is fixed there; elsewhere that says nothing. A full
# scan before it had reported what was there anyhow, which this one leaves out.
MARK_FIXED_IN_PULL_REQUEST = """
UPDATE findings_presence p SET state = 'fixed', last_scan_id = %(scan)s, changed_at = %(now)s
  FROM findings_scan seen, findings_finding f JOIN rules_rule rule ON rule.id = f.rule_id
 WHERE p.project_id = %(project)s AND p.ref = %(ref)s AND p.is_pull_request
   AND p.state = 'present' AND p.last_scan_id < %(scan)s
   AND seen.id = p.last_scan_id AND seen.tool = %(tool)s AND NOT seen.is_full AND f.id = p.finding_id
   AND (p.path = ANY(%(paths)s::text[]) OR p.path = ANY(%(renamed)s::text[]))
   AND rule.identifier = ANY(%(rules_run)s::text[])
   AND p.path <> ALL(%(failed)s::text[])
   AND NOT EXISTS (SELECT 1 FROM unnest(%(complaints)s::text[]) AS complaint WHERE position(p.path IN complaint) > 0)
RETURNING p.finding_id, p.state
"""

# A branch or pull request says that a finding is there until the primary branch, scanned later, says that it is gone:
# pull requests are closed, and branches deleted, without another scan.
_DERIVE = """
WITH said AS (
    SELECT p.finding_id, p.state = 'present' AS is_there, p.state = 'removed' AS is_removed, p.last_scan_id,
           NOT p.is_pull_request AND p.ref = %(primary)s AS is_primary,
           max(p.last_scan_id) FILTER (WHERE NOT p.is_pull_request AND p.ref = %(primary)s)
               OVER (PARTITION BY p.finding_id) AS primary_scan_id
      FROM findings_presence p WHERE {chosen}
), now_there AS (
    SELECT finding_id,
           bool_or(is_there AND (is_primary OR last_scan_id > coalesce(primary_scan_id, 0))) AS anywhere,
           bool_or(is_there AND is_primary) AS on_primary, bool_and(is_removed) AS removed
      FROM said GROUP BY finding_id
)
UPDATE findings_finding f
   SET is_present = now_there.anywhere, is_production = now_there.on_primary, is_removed = now_there.removed
  FROM now_there
 WHERE f.id = now_there.finding_id AND (f.is_present, f.is_production, f.is_removed)
       IS DISTINCT FROM (now_there.anywhere, now_there.on_primary, now_there.removed)
"""
DERIVE = _DERIVE.format(
    chosen="p.finding_id IN (SELECT finding_id FROM identified UNION ALL SELECT unnest(%(gone)s::bigint[]))"
)
DERIVE_PROJECT = _DERIVE.format(chosen="p.project_id = %(project)s AND p.organization_id = %(org)s")
LOCK_PROJECT = """
SELECT count(*) FROM (
    SELECT f.id FROM findings_finding f WHERE f.organization_id = %(org)s AND f.project_id = %(project)s
     ORDER BY f.id FOR NO KEY UPDATE OF f) locked
"""

# --- What is told -----------------------------------------------------------------------------------------------------

TELL = """
INSERT INTO events_event (organization_id, kind, actor_kind, actor_name, finding_id, subject, created_at)
SELECT %(org)s, %(kind)s, %(actor_kind)s, %(actor_name)s, id,
       jsonb_build_object('scan_id', %(scan)s::bigint, 'ref', %(ref)s::text), %(now)s
  FROM unnest(%(ids)s::bigint[]) AS id
"""

TELL_NEW = """
INSERT INTO events_event (organization_id, kind, actor_kind, actor_name, finding_id, subject, created_at)
SELECT %(org)s, %(kind)s, %(actor_kind)s, %(actor_name)s, finding_id,
       jsonb_build_object('scan_id', %(scan)s::bigint, 'ref', %(ref)s::text), %(now)s
  FROM identified WHERE is_new
"""

COUNT = "SELECT count(*), count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE code_key = place_key) FROM identified"
