"""Reading findings: what a person may see, what waits for the Assistant, and a finding with its code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

import orgs.selectors
import scm.fetching
import scm.selectors
from findings.context import FindingContext, RuleContext, Span
from findings.models import (
    AnalysisState,
    BulkTriage,
    BulkTriageChange,
    Finding,
    NotAnalysed,
    Note,
    Presence,
    PresenceState,
    Recommendation,
    Scan,
    Triage,
    TriageImport,
    TriageSource,
)
from findings.refs import branch_and_pull_request
from findings.stored import step_from_json
from orgs.models import Project, Viewer
from rules.models import Severity

SCANS_SEARCHED_FOR_REFS = 100
MOST_IGNORED_TOLD = 10_000


def visible_to(viewer: Viewer) -> QuerySet[Finding]:
    """Return the findings that somebody sees, with their rules and projects."""
    found, ids = every_finding(), orgs.selectors.visible_project_ids(viewer)
    return found if ids is None else found.filter(project__in=ids)


def scans_visible_to(viewer: Viewer) -> QuerySet[Scan]:
    """Return the scans that somebody sees, newest first."""
    found, ids = Scan.objects.select_related("project").order_by("-pk"), orgs.selectors.visible_project_ids(viewer)
    return found if ids is None else found.filter(project__in=ids)


def every_finding() -> QuerySet[Finding]:
    """Return the organization's findings with their rules and projects: for work, never to show them to somebody."""
    return Finding.objects.select_related("rule", "project")


def match_ids_ignored_by_people(project: Project) -> list[str]:
    """Return Semgrep's ids of the findings that people ignored in a project, the latest decisions first."""
    ignored = Finding.objects.filter(project=project, triage=Triage.IGNORED, triage_source=TriageSource.PERSON)
    known = ignored.exclude(scanner_fingerprint="").order_by("-triaged_at")
    return list(known.values_list("scanner_fingerprint", flat=True)[:MOST_IGNORED_TOLD])


def waiting_for_verdict(finding_id: int) -> Finding | None:
    """Return the finding if it waits for a verdict, None if it was judged, ignored or fixed meanwhile."""
    return every_finding().filter(pk=finding_id, not_analysed=NotAnalysed.WAITING).first()


def context_of(finding: Finding) -> FindingContext:
    """Return the finding with its rule and its code, as the deterministic parts and the prompts take it.

    Its own file is what is known here (`findings.code.fetch` asks the host before); another one is read when it is
    asked for, from the host too, and so outside any transaction.
    """
    known = scm.selectors.reader(project=finding.project, revision=finding.revision)
    rule = finding.rule
    return FindingContext(
        rule=RuleContext(
            identifier=rule.identifier,
            message=finding.message,
            severity=Severity(finding.severity).label,
            cwe=tuple(rule.cwe),
            owasp=tuple(rule.owasp),
            category=rule.category,
            technology=tuple(rule.technology),
            yaml=rule.yaml,
        ),
        path=finding.path,
        span=Span(finding.start_line, finding.start_column, finding.end_line, finding.end_column),
        source=known(finding.path),
        rule_fix=finding.rule_fix,
        trace=tuple(step_from_json(step) for step in finding.trace),
        read_file=scm.fetching.fetching_reader(project=finding.project, revision=finding.revision),
    )


def presences_of(finding: Finding) -> QuerySet[Presence]:
    """Return where a finding is or was, latest change first."""
    return Presence.objects.filter(finding=finding).order_by("-changed_at", "-pk")


def held_back_among(finding_ids: Sequence[int]) -> set[int]:
    """Return those findings of which the noise filter held a comment back in a pull request where they are."""
    if not finding_ids:
        return set()
    held = Presence.objects.filter(finding__in=finding_ids, held_back=True, state=PresenceState.PRESENT)
    return set(held.values_list("finding", flat=True))


def refs_of(finding_ids: Sequence[int]) -> dict[int, str]:
    """Return a branch or pull request of each finding: where it is present, else where it was last."""
    newest = (
        Presence.objects.filter(finding__in=finding_ids)
        .annotate(is_gone=~Q(state=PresenceState.PRESENT))
        .order_by("finding_id", "is_gone", "-changed_at")
        .distinct("finding_id")
    )
    return dict(newest.values_list("finding_id", "ref"))


def bulk_events_of(finding: Finding) -> list[int]:
    """Return the ids of the events in which a finding was decided about together with others, and of taking it back."""
    pairs = BulkTriage.objects.filter(changes__finding=finding).values_list("event_number", "undo_event_number")
    return [number for pair in pairs for number in pair if number is not None]


def bulk_triages_visible_to(viewer: Viewer) -> QuerySet[BulkTriage]:
    """Return the decisions about many findings at once of which somebody sees every finding, newest first."""
    found, ids = BulkTriage.objects.order_by("-pk"), orgs.selectors.visible_project_ids(viewer)
    if ids is None:
        return found
    hidden = BulkTriageChange.objects.filter(bulk=OuterRef("pk")).exclude(finding__project__in=ids)
    return found.filter(~Exists(hidden))


def notes_of(finding: Finding) -> QuerySet[Note]:
    """Return what people wrote about a finding."""
    return Note.objects.filter(finding=finding)


def scanned_refs(viewer: Viewer) -> list[str]:
    """Return the branches and pull requests of the latest scans that somebody sees, to choose from."""
    latest = Scan.objects.order_by("-pk").only("organization_id", "branch", "pull_request_id")
    if (ids := orgs.selectors.visible_project_ids(viewer)) is not None:
        latest = latest.filter(project__in=ids)
    return list(dict.fromkeys(scan.ref for scan in latest[:SCANS_SEARCHED_FOR_REFS] if scan.ref))


def branches_of(project: Project) -> list[str]:
    """Return the branches of a project's latest scans, for people to choose from."""
    latest = Scan.objects.filter(project=project, pull_request_id="").exclude(branch="").order_by("-pk")
    return list(dict.fromkeys(latest.values_list("branch", flat=True)[:SCANS_SEARCHED_FOR_REFS]))


def triage_imports() -> QuerySet[TriageImport]:
    """Return the imports of earlier decisions, latest first, without what they hold."""
    return TriageImport.objects.select_related("project").defer("decisions", "changed").order_by("-pk")


def ref_of_client(name: str) -> str:
    """Return what we call the branch or pull request that a client names; empty where there is none."""
    branch, pull_request = branch_and_pull_request(name)
    return f"pull/{pull_request}" if pull_request else branch


def verdict_wait() -> timedelta:
    """Return for how long the comments of a pull request and its CI job wait for verdicts. Needs a transaction."""
    return timedelta(seconds=orgs.selectors.assistant_settings().verdict_wait_seconds)


def without_verdict(scan: Scan) -> int:
    """Return how many findings of a scan wait for a verdict, also where nobody has planned yet which are judged."""
    waiting = Finding.objects.filter(not_analysed=NotAnalysed.WAITING, recommendation=Recommendation.NONE)
    put_up = scan.analyses.filter(state=AnalysisState.WAITING).values("finding")
    return waiting.filter(Q(first_scan=scan) | Q(pk__in=put_up)).count()


def analyses_of(scan: Scan) -> dict[str, int]:
    """Return how many findings of a scan were put up for analysis, by how that ended."""
    counted = scan.analyses.values_list("state").annotate(number=Count("pk")).order_by()
    return dict(counted)
