"""Reading what is told in pull requests: findings as messages, with verdict, guidance, fix and what people decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

import memories.selectors
import remediation.selectors
import triage.selectors
from findings.models import Finding, IgnoreReason, Presence, PresenceState, Triage, TriageSource
from findings.selectors import every_finding
from memories.models import Memory
from notifications.fixes import fix_of_assistant, fix_of_rule
from notifications.marker import marker_for
from notifications.messages import (
    CommentPlace,
    Decided,
    FindingComment,
    Fix,
    FlowStep,
    GroupComment,
    GroupedPlace,
    GuidanceStep,
    Replies,
    Standing,
    StatusFinding,
    StatusReport,
)
from orgs.models import Project
from orgs.settings.effective import EffectiveSettings, settings_for
from remediation.models import Autofix, Guidance
from rules.models import Severity
from rules.selectors import ids_in_block_mode
from scm.models import CodeFile, HostKind, PullRequest, Repository
from triage.models import Verdict


def key_of_finding(finding_id: int) -> str:
    """Return the key of the comment on one finding."""
    return f"finding-{finding_id}"


def finding_comments(
    finding_ids: Sequence[int],
    *,
    pull_request: PullRequest,
    places: Mapping[int, CommentPlace | None],
    with_notice: Collection[int],
) -> dict[int, FindingComment]:
    """Return the comments on findings of a pull request, by the finding's id. Wants a transaction.

    `places` are the lines where the comments stand, or will; a finding that it does not name stands in the
    conversation. `with_notice` names those that are told as likely false positives.
    """
    known = _Known(finding_ids, pull_request)
    shared = _shared_lines(places)
    return {
        finding.pk: _finding_comment(
            finding,
            known,
            place=places.get(finding.pk),
            with_notice=finding.pk in with_notice,
            shares_line=finding.pk in shared,
        )
        for finding in known.findings
    }


def group_comment(
    finding_ids: Sequence[int], *, key: str, pull_request: PullRequest, with_notice: Collection[int]
) -> GroupComment:
    """Return the one comment on many equal findings, of one rule. Wants a transaction.

    It is told as a likely false positive where all that is open of it is.
    """
    known = _Known(finding_ids, pull_request)
    first = known.findings[0]
    is_open = [entry for entry in known.findings if known.standing(entry) is Standing.OPEN]
    doubted = bool(is_open) and all(entry.pk in with_notice for entry in is_open)
    spoken_for = is_open[0] if is_open else first
    guidance = next((known.guidance[entry.pk] for entry in known.findings if entry.pk in known.guidance), None)
    verdict = known.verdicts.get(spoken_for.pk)
    return GroupComment(
        rule=first.rule.name,
        severity=Severity(max(entry.severity for entry in known.findings)).label,
        message=first.message,
        places=tuple(
            GroupedPlace(entry.path, entry.start_line, link_to(entry), known.standing(entry))
            for entry in known.findings
        ),
        link=link_to_findings(pull_request, rule_id=first.rule_id),
        is_blocking=known.is_blocking(first),
        may_be_ignored=doubted,
        reason=verdict.explanation if verdict is not None and doubted else "",
        confidence=verdict.confidence if verdict is not None and doubted else "",
        summary=guidance.summary if guidance is not None else "",
        steps=_steps(guidance),
        replies=known.replies(
            has_verdict=any(entry.pk in known.verdicts for entry in known.findings), in_conversation=True
        ),
        memories_used=max(known.memories_used.values(), default=0),
        footer=known.settings.comment_footer,
        marker=known.marker(key),
    )


def status_report(
    finding_ids: Sequence[int],
    *,
    pull_request: PullRequest,
    with_notice: Collection[int] = (),
    is_waiting: bool = False,
    problem: str = "",
) -> StatusReport:
    """Return what the check of a pull request tells of its new findings. Wants a transaction."""
    findings = _findings(finding_ids, pull_request.project)
    gone = _gone_from(pull_request, finding_ids)
    blocking = _blocking_rules(findings, pull_request.project)
    return StatusReport(
        findings=tuple(
            StatusFinding(
                rule=finding.rule.name,
                message=finding.message,
                severity=finding.severity,
                path=finding.path,
                start_line=finding.start_line,
                end_line=finding.end_line,
                is_blocking=finding.rule_id in blocking,
                link=link_to(finding),
                standing=_standing(finding, gone),
                may_be_ignored=finding.pk in with_notice,
            )
            for finding in findings
        ),
        link=link_to_findings(pull_request),
        is_waiting=is_waiting,
        problem=problem,
    )


def link_to(finding: Finding) -> str:
    """Return the address of a finding's page."""
    return _absolute("finding", finding.organization.slug, {"finding_id": finding.pk})


def link_to_memory(memory: Memory) -> str:
    """Return the address of a memory's page."""
    return _absolute("settings-memories-memory", memory.organization.slug, {"memory_id": memory.pk})


def link_to_findings(pull_request: PullRequest, *, rule_id: int | None = None) -> str:
    """Return the address of the list of a pull request's findings, of one rule where one is named."""
    asked = {
        "project": pull_request.project_id,
        "ref": f"pull/{pull_request.number}",
        **({"rule": rule_id} if rule_id else {}),
    }
    return f"{_absolute('findings', pull_request.organization.slug, {})}?{urlencode(asked)}"


def _absolute(name: str, slug: str, kwargs: Mapping[str, object]) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse(name, kwargs={"slug": slug, **kwargs})


class _Known:
    """What is known of some findings of one pull request, read together."""

    def __init__(self, finding_ids: Sequence[int], pull_request: PullRequest) -> None:
        self.pull_request = pull_request
        self.findings = _findings(finding_ids, pull_request.project)
        self.verdicts: Mapping[int, Verdict] = triage.selectors.latest_verdicts(finding_ids)
        self.guidance: Mapping[int, Guidance] = remediation.selectors.latest_guidance_for(finding_ids)
        self.autofixes: Mapping[int, Autofix] = remediation.selectors.latest_autofixes(finding_ids)
        self.memories_used = memories.selectors.counts_used(
            finding_ids,
            verdict_ids=[verdict.pk for verdict in self.verdicts.values()],
            guidance_ids=[guidance.pk for guidance in self.guidance.values()],
            autofix_ids=[autofix.pk for autofix in self.autofixes.values()],
        )
        self.settings: EffectiveSettings = settings_for(pull_request.project_id)
        self._gone = _gone_from(pull_request, finding_ids)
        self._blocking = _blocking_rules(self.findings, pull_request.project)
        on_hosts = Repository.objects.filter(project=pull_request.project_id, host__isnull=False)
        self._host_kind, is_private = on_hosts.values_list("host__kind", "is_private").first() or ("", True)
        self._is_public = not is_private
        self._in_crlf = _files_in_crlf([entry for entry in self.findings if entry.rule_fix])

    def fix(self, finding: Finding) -> Fix | None:
        """Return the fix that is shown: the rule's own before one of the Assistant."""
        if finding.rule_fix:
            return fix_of_rule(finding, has_crlf=(finding.path, finding.revision) in self._in_crlf)
        autofix = self.autofixes.get(finding.pk)
        return fix_of_assistant(autofix) if autofix is not None and autofix.is_shown else None

    def customize_link(self, finding: Finding) -> str:
        """Return where people say how such findings are to be fixed, empty where there is nothing to customize."""
        can = self.settings.customize_with_memories and self.settings.remediation and finding.pk in self.guidance
        return f"{link_to(finding)}#customize-fix" if can else ""

    def is_blocking(self, finding: Finding) -> bool:
        return finding.rule_id in self._blocking

    def standing(self, finding: Finding) -> Standing:
        return _standing(finding, self._gone)

    def replies(self, *, has_verdict: bool, in_conversation: bool) -> Replies:
        # GitHub knows no replies in the conversation: nothing there says which comment somebody answers.
        has_thread = self._host_kind == HostKind.GITLAB or (self._host_kind == HostKind.GITHUB and not in_conversation)
        works = self.settings.commands_in_replies and has_thread
        return Replies(triage=works, feedback=works and has_verdict)

    def decided(self, finding: Finding) -> Decided | None:
        """Return what was decided; in a public repository without who did, and what they say among themselves."""
        told = _decided(finding)
        return Decided(told.words) if told is not None and self._is_public else told

    def marker(self, key: str) -> str:
        return marker_for(key, organization_id=self.pull_request.organization_id, pull_request_id=self.pull_request.pk)


def _finding_comment(
    finding: Finding, known: _Known, *, place: CommentPlace | None, with_notice: bool, shares_line: bool
) -> FindingComment:
    verdict, guidance = known.verdicts.get(finding.pk), known.guidance.get(finding.pk)
    tells_doubt = with_notice and verdict is not None
    return FindingComment(
        rule=finding.rule.name,
        severity=Severity(finding.severity).label,
        message=finding.message,
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        link=link_to(finding),
        is_blocking=known.is_blocking(finding),
        may_be_ignored=with_notice,
        reason=verdict.explanation if tells_doubt and verdict is not None else "",
        confidence=verdict.confidence if tells_doubt and verdict is not None else "",
        summary=guidance.summary if guidance is not None else "",
        steps=_steps(guidance),
        fix=known.fix(finding),
        flow=tuple(
            FlowStep(step["role"], step["path"], step["start_line"], step["text"].strip()) for step in finding.trace
        ),
        standing=known.standing(finding),
        decided=known.decided(finding),
        place=place,
        shares_line=shares_line,
        replies=known.replies(has_verdict=verdict is not None, in_conversation=place is None),
        memories_used=known.memories_used.get(finding.pk, 0),
        customize_link=known.customize_link(finding) if known.standing(finding) is Standing.OPEN else "",
        footer=known.settings.comment_footer,
        marker=known.marker(key_of_finding(finding.pk)),
    )


def _findings(finding_ids: Sequence[int], project: Project) -> list[Finding]:
    found = every_finding().select_related("organization").filter(pk__in=finding_ids, project=project)
    return list(found.order_by("path", "start_line", "pk"))


def _blocking_rules(findings: Sequence[Finding], project: Project) -> frozenset[int]:
    """Return the ids of the findings' rules that are in Block mode in the project."""
    among = ids_in_block_mode(project.pk).filter(pk__in={finding.rule_id for finding in findings})
    return frozenset(among.values_list("pk", flat=True))


def _gone_from(pull_request: PullRequest, finding_ids: Sequence[int]) -> frozenset[int]:
    """Return the findings that the pull request's last scan no longer has."""
    gone = Presence.objects.filter(
        finding_id__in=finding_ids, ref=f"pull/{pull_request.number}", is_pull_request=True
    ).exclude(state=PresenceState.PRESENT)
    return frozenset(gone.values_list("finding_id", flat=True))


def _standing(finding: Finding, gone: Collection[int]) -> Standing:
    if finding.pk in gone:
        return Standing.FIXED
    return Standing.IGNORED if finding.triage == Triage.IGNORED else Standing.OPEN


def _decided(finding: Finding) -> Decided | None:
    if finding.triage_source == TriageSource.SUPPRESSION:
        return Decided("Ignored by a suppression in the code or the report")
    if finding.triage_source != TriageSource.PERSON:
        return None
    words = {Triage.IGNORED: "Ignored", Triage.OPEN: "Opened again"}.get(
        Triage(finding.triage), f"Marked as {finding.get_triage_display().lower()}"
    )
    if finding.ignore_reason not in {"", IgnoreReason.NO_REASON}:
        words += f" as {finding.get_ignore_reason_display().lower()}"
    return Decided(words, by=finding.triaged_by, comment=finding.triage_comment)


def _steps(guidance: Guidance | None) -> tuple[GuidanceStep, ...]:
    return tuple(GuidanceStep(step["text"], step.get("code", "")) for step in guidance.steps) if guidance else ()


def _files_in_crlf(findings: Sequence[Finding]) -> frozenset[tuple[str, str]]:
    """Return (path, revision) of the findings' files whose lines end in CR LF, of those whose text is kept here."""
    if not findings:
        return frozenset()
    files = CodeFile.objects.filter(
        project=findings[0].project_id,
        path__in={entry.path for entry in findings},
        revision__in={entry.revision for entry in findings},
        blob__text__contains="\r\n",
    )
    return frozenset(files.values_list("path", "revision"))


def _shared_lines(places: Mapping[int, CommentPlace | None]) -> frozenset[int]:
    """Return the findings whose comments stand on a line where another one stands too."""
    taken: dict[tuple[str, int], set[int]] = {}
    for finding_id, place in places.items():
        if place is not None:
            for line in range(place.first_line, place.line + 1):
                taken.setdefault((place.path, line), set()).add(finding_id)
    return frozenset(finding_id for ids in taken.values() if len(ids) > 1 for finding_id in ids)
