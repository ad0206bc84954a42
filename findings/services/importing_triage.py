"""Bringing earlier decisions along: looked at first, then applied where nobody has decided here, and taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from findings.decisions import Decision, read_decisions
from findings.models import Finding, NotAnalysed, Triage, TriageImport, TriageImportState, TriageSource
from findings.services.analysing import withdraw
from lib.sequences import batched
from orgs.models import Project

LOOKED_UP_TOGETHER = 2_000
PREVIEWS_KEPT = timedelta(days=7)

# Never over a person: the condition is the last word, whatever happened since the look-up.
APPLY = """
UPDATE findings_finding f SET
    triage = d.triage, triage_source = 'person', triage_change = f.triage_change + 1, ignore_reason = d.reason,
    triage_comment = d.comment, triaged_by = %(by)s, triaged_at = %(now)s, updated_at = %(now)s
  FROM unnest(%(ids)s::bigint[], %(triages)s::text[], %(reasons)s::text[], %(comments)s::text[])
       AS d (id, triage, reason, comment)
 WHERE f.id = d.id AND f.organization_id = %(org)s AND f.triage_source <> 'person'
RETURNING f.id, f.triage_change
"""
# Only what nobody has decided about since. It stays a person's decision, of whoever takes the import back.
UNDO = """
UPDATE findings_finding f SET
    triage = d.triage, triage_change = f.triage_change + 1, ignore_reason = d.reason, triage_comment = d.comment,
    triaged_by = %(by)s, triaged_at = %(now)s, updated_at = %(now)s
  FROM unnest(%(ids)s::bigint[], %(changes)s::int[], %(triages)s::text[], %(reasons)s::text[], %(comments)s::text[])
       AS d (id, change, triage, reason, comment)
 WHERE f.id = d.id AND f.organization_id = %(org)s AND f.triage_source = 'person' AND f.triage_change = d.change
RETURNING f.id
"""


class ImportUnusable(Exception):
    """An import cannot be applied or taken back; the text says why."""


@dataclass(frozen=True)
class Match:
    """A decision with the finding it is about."""

    decision: Decision
    finding: Finding


@dataclass(frozen=True)
class Comparison:
    """What an import comes to: decisions to set, those about what people here decided, those about nothing here."""

    to_set: tuple[Match, ...]
    kept: tuple[Match, ...]
    unknown: tuple[Decision, ...]


def preview_triage_import(*, file: BinaryIO, file_name: str, project: Project | None, actor: Actor) -> TriageImport:
    """Keep the decisions of a file, to be looked at before they are applied. Raises ReportUnreadable.

    Previews that nobody applied within a week are forgotten here.
    """
    read = read_decisions(file)
    with transaction.atomic():
        old = TriageImport.objects.filter(state=TriageImportState.PREVIEWED)
        old.filter(created_at__lt=timezone.now() - PREVIEWS_KEPT).delete()
        return TriageImport.objects.create(
            project=project,
            file_name=file_name[:120],
            created_by=actor.name[:200],
            decisions=[decision.as_json() for decision in read.decisions],
            left_out=read.left_out,
        )


def compare_triage_import(triage_import: TriageImport, *, among: QuerySet[Finding]) -> Comparison:
    """Return what an import would do now to the findings in `among`. Needs a transaction."""
    matches: dict[int, Match] = {}
    unknown: list[Decision] = []
    for project_id, decisions in _by_project(triage_import).items():
        if project_id is None:
            unknown += decisions
            continue
        for batch in batched(decisions, LOOKED_UP_TOGETHER):
            for decision, finding in _found(batch, among.filter(project=project_id)):
                if finding is None:
                    unknown.append(decision)
                else:
                    matches.setdefault(finding.pk, Match(decision, finding))
    ordered = sorted(matches.values(), key=lambda match: match.finding.pk)
    return Comparison(
        to_set=tuple(match for match in ordered if match.finding.triage_source != TriageSource.PERSON),
        kept=tuple(match for match in ordered if match.finding.triage_source == TriageSource.PERSON),
        unknown=tuple(unknown),
    )


def _by_project(triage_import: TriageImport) -> dict[int | None, list[Decision]]:
    """Return the decisions by the project they are about, None for those about no project here."""
    decisions = [Decision.from_json(stored) for stored in triage_import.decisions]
    names = {decision.project for decision in decisions if decision.project}
    chosen = triage_import.project
    ids = dict(Project.objects.filter(name__in=names).values_list("name", "pk"))
    found: dict[int | None, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if chosen is None:
            found[ids.get(decision.project)].append(decision)
        else:
            # A file of one repository is about the project that was chosen, whatever it was called elsewhere.
            is_about_it = not decision.project or len(names) == 1 or decision.project == chosen.name
            found[chosen.pk if is_about_it else None].append(decision)
    return found


def _found(decisions: Sequence[Decision], among: QuerySet[Finding]) -> Iterable[tuple[Decision, Finding | None]]:
    """Yield each decision with its finding: by our fingerprint, else the scanner's own id, else rule, file and line."""
    ours = [bytes.fromhex(decision.fingerprint) for decision in decisions if _is_ours(decision.fingerprint)]
    by_ours = {bytes(finding.fingerprint).hex(): finding for finding in among.filter(fingerprint__in=ours)}
    by_id: dict[str, list[Finding]] = defaultdict(list)
    for finding in among.filter(scanner_fingerprint__in={d.match_id for d in decisions if d.match_id}):
        by_id[finding.scanner_fingerprint].append(finding)
    by_place: dict[tuple[str, str, int], list[Finding]] = defaultdict(list)
    for finding in among.filter(path__in={d.path for d in decisions if d.path}):
        by_place[(finding.rule.identifier, finding.path, finding.start_line)].append(finding)
    for decision in decisions:
        yield (
            decision,
            by_ours.get(decision.fingerprint)
            or _only(by_id.get(decision.match_id, []))
            or _only(by_place.get((decision.rule, decision.path, decision.line), [])),
        )


def _only(found: Sequence[Finding]) -> Finding | None:
    # Where an id or a place is of several, none of them is known to be the one.
    return found[0] if len(found) == 1 else None


def _is_ours(fingerprint: str) -> bool:
    return len(fingerprint) == 32 and set(fingerprint) <= set("0123456789abcdef")  # noqa: PLR2004  (16 bytes)


def apply_triage_import(*, triage_import: TriageImport, among: QuerySet[Finding], actor: Actor) -> Comparison:
    """Set the decisions of an import where nobody here has decided, and return what it came to.

    They are people's decisions from then on: the import's, by whoever applies it. Raises ImportUnusable where it was
    applied before.
    """
    with transaction.atomic():
        made = TriageImport.objects.select_for_update().get(pk=triage_import.pk)
        if made.state != TriageImportState.PREVIEWED:
            raise ImportUnusable("This import was applied before. Hand the file in again to apply it once more.")
        comparison = compare_triage_import(made, among=among)
        before = _locked([match.finding.pk for match in comparison.to_set])
        now = timezone.now()
        changed = _execute(
            APPLY,
            org=made.organization_id,
            now=now,
            by=f"import of {made.file_name}, by {actor.name}"[:200],
            ids=[match.finding.pk for match in comparison.to_set],
            triages=[match.decision.triage for match in comparison.to_set],
            reasons=[match.decision.reason for match in comparison.to_set],
            comments=[match.decision.comment for match in comparison.to_set],
        )
        made.changed = [{**before[pk], "id": pk, "change": change} for pk, change in changed]
        made.state, made.applied_at = TriageImportState.APPLIED, now
        made.save(update_fields=["changed", "state", "applied_at"])
        _follow([pk for pk, _ in changed])
        record(
            Kind.TRIAGE_IMPORTED,
            actor=actor,
            import_id=made.pk,
            file=made.file_name,
            set=len(changed),
            kept=len(comparison.kept),
            not_found=len(comparison.unknown),
        )
    return comparison


def undo_triage_import(*, triage_import: TriageImport, actor: Actor) -> int:
    """Put back what an import changed, where nobody has decided since; returns how many. Raises ImportUnusable."""
    with transaction.atomic():
        made = TriageImport.objects.select_for_update().get(pk=triage_import.pk)
        if made.state != TriageImportState.APPLIED:
            raise ImportUnusable("Only an import that was applied, and not taken back yet, can be taken back.")
        _locked([entry["id"] for entry in made.changed])
        changed = _execute(
            UNDO,
            org=made.organization_id,
            now=timezone.now(),
            by=actor.name[:200],
            ids=[entry["id"] for entry in made.changed],
            changes=[entry["change"] for entry in made.changed],
            triages=[entry["triage"] for entry in made.changed],
            reasons=[entry["reason"] for entry in made.changed],
            comments=[entry["comment"] for entry in made.changed],
        )
        made.state = TriageImportState.UNDONE
        made.save(update_fields=["state"])
        _follow([row[0] for row in changed])
        record(Kind.TRIAGE_IMPORTED, actor=actor, import_id=made.pk, file=made.file_name, taken_back=len(changed))
    return len(changed)


def _locked(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Lock findings in the order of ids, as everybody does; return what is decided about each."""
    rows = Finding.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {
        pk: {"triage": triage, "reason": reason, "comment": comment}
        for pk, triage, reason, comment in rows.values_list("pk", "triage", "ignore_reason", "triage_comment")
    }


def _execute(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _follow(ids: Sequence[int]) -> None:
    changed = Finding.objects.filter(pk__in=ids)
    withdraw(changed.filter(triage=Triage.IGNORED), why=NotAnalysed.IGNORED)
    reopened = changed.exclude(triage=Triage.IGNORED).filter(not_analysed=NotAnalysed.IGNORED)
    reopened.update(not_analysed=NotAnalysed.NOT_NEW)
