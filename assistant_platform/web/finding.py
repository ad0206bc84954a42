"""A finding's page, and what people do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import events.selectors
import findings.code
import findings.selectors
import findings.services
import memories.selectors
import notifications.explaining
import orgs.selectors
import providers.selectors
import remediation.pull_requests
import remediation.selectors
import remediation.services
import scm.selectors
import triage.selectors
import triage.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.findings import back_to
from assistant_platform.web.forms import IgnoreForm, NoteForm, TriageForm
from assistant_platform.web.rendering.activity import activities
from assistant_platform.web.rendering.code import Listing, coloured, listing
from assistant_platform.web.rendering.comment_decisions import comment_answers
from assistant_platform.web.rendering.diffs import hunks
from findings.models import Finding, IgnoreReason, NotAnalysed, Triage
from lib.failures import TemporaryFailure
from memories.models import MemoryState
from memories.services import MemoryUnusable
from orgs.permissions import Permission
from providers.models import ModelCall
from remediation.gates import TITLES
from remediation.models import Autofix, Guidance
from triage.models import Source, Verdict

ACTIVITIES_SHOWN = 100
PRESENCES_SHOWN = 30


@dataclass(frozen=True)
class Evidence:
    """A quoted place of the code with what it shows; `anchor` is where it is on the page, `problem` why it fails."""

    path: str
    start_line: int
    end_line: int
    quote: str
    role: str
    anchor: str
    problem: str
    is_comment: bool

    @property
    def line_count(self) -> int:
        """How many lines are quoted."""
        return self.end_line - self.start_line + 1


@dataclass(frozen=True)
class Step:
    """A step of the dataflow from the scanner's report."""

    role: str
    path: str
    line: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Check:
    """A gate that a fix went through, in words."""

    title: str
    outcome: str
    word: str
    explanation: str


@dataclass(frozen=True)
class Origin:
    """How an answer came about, for "How was this decided?"; `prompt_version` is 0 where no model was asked."""

    title: str
    provider: str
    prompt_version: int
    answered_at: datetime
    call: ModelCall | None


OUTCOMES = {"passed": "Passed", "failed": "Failed", "not_run": "Not run"}

# What a person can do about a finding that was not analysed.
WHAT_CHANGES_IT = {
    NotAnalysed.WAITING: "The Assistant will answer soon; this page shows it when it is there.",
    NotAnalysed.SEVERITY: "Analyze it now, or let an Admin switch on every severity in the Assistant's settings.",
    NotAnalysed.CAP: "Analyze it now, or let an Admin raise the number in the Assistant's settings.",
    NotAnalysed.NOT_NEW: "Analyze it now.",
    NotAnalysed.NOT_SECURITY: "Analyze it now; the verdict will be about security only.",
    NotAnalysed.PRODUCT: "The Assistant has nothing to say about this kind of finding yet.",
    NotAnalysed.IGNORED: "Analyze it all the same, or reopen it first.",
    NotAnalysed.SWITCHED_OFF: "Analyze it now, or let an Admin switch on auto-triage in the Assistant's settings.",
    NotAnalysed.UNAVAILABLE: "Analyze it again; if that fails too, ask an Admin to look at the provider.",
    NotAnalysed.BUDGET: "An Admin can raise the budget, or a new month begins; then it can be resumed under usage.",
    NotAnalysed.FIXED: "It is gone; there is nothing to judge.",
}


@require_safe
@org_page(Permission.FINDINGS_VIEW, waits_for_network=True)
def finding_page(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Show a finding: code, verdict, guidance, fix and what happened."""
    with transaction.atomic():
        finding, context = _finding_and_context(request, finding_id)
        if context["is_code_known"] or not finding.is_present:
            return render(request, "findings/finding.html", context)
    # Its file is not known here; where the project is connected, the host is asked.
    try:
        findings.code.fetch(finding)
        problem = ""
    except TemporaryFailure as failure:
        problem = str(failure)
    with transaction.atomic():
        finding, context = _finding_and_context(request, finding_id)
        context["code_problem"] = problem or findings.code.why_unknown(finding)
        return render(request, "findings/finding.html", context)


def _finding_and_context(request: OrgRequest, finding_id: int) -> tuple[Finding, dict[str, Any]]:
    finding = get_object_or_404(
        findings.selectors.visible_to(request.member).select_related("first_scan", "last_scan"), pk=finding_id
    )
    verdict = triage.selectors.latest_verdict(finding)
    guidance = remediation.selectors.latest_guidance(finding)
    autofix = remediation.selectors.latest_autofix(finding)
    settings = orgs.selectors.settings_for(finding.project_id)
    excerpt = verdict.code_lines if verdict and verdict.code_lines else []
    source = None if excerpt else _source_of(finding)
    code = listing(
        finding,
        excerpt=excerpt,
        source=source,
        evidence=verdict.evidence if verdict else [],
    )
    with_others = findings.selectors.bulk_events_of(finding)
    ratings = remediation.selectors.ratings_by(request.user.pk, guidance, autofix)
    happened = list(events.selectors.about(finding.pk, besides=with_others)[:ACTIVITIES_SHOWN])
    notes = dict(findings.selectors.notes_of(finding).values_list("pk", "text"))
    context = {
        "finding": finding,
        "code": code,
        "is_code_known": bool(excerpt) or source is not None,
        "verdict": verdict,
        "evidence": [evidence_of(quote, code) for quote in verdict.evidence] if verdict else [],
        "feedback": triage.selectors.feedback_by(request.user.pk, verdict) if verdict else None,
        "steps": [_step(step, code) for step in finding.trace],
        "replaced_by_rule": _replaced_by_rule(finding),
        "guidance": guidance,
        "guidance_steps": _guidance_steps(guidance, finding.path),
        "autofix": autofix,
        "fix_pull_request": remediation.pull_requests.standing_of(finding),
        "hunks": hunks(autofix.diff) if autofix and autofix.is_shown else [],
        "checks": [_check(gate) for gate in autofix.gates] if autofix else [],
        "comment_answers": comment_answers(
            notifications.explaining.answers_about(finding), finding=finding, member=request.member
        ),
        "presences": findings.selectors.presences_of(finding)[:PRESENCES_SHOWN],
        "guidance_rating": next((entry for entry in ratings if entry.guidance_id), None),
        "fix_rating": next((entry for entry in ratings if entry.autofix_id), None),
        "activities": activities(happened, notes=notes, reasons=_reasons_said(finding)),
        "origins": _origins(finding, verdict, guidance, autofix),
        "what_changes_it": WHAT_CHANGES_IT.get(NotAnalysed(finding.not_analysed), ""),
        "is_waiting": finding.not_analysed == NotAnalysed.WAITING,
        "settings": settings,
        "memories_of": {
            "verdict": memories.selectors.used_for(verdict_id=verdict.pk) if verdict else [],
            "guidance": memories.selectors.used_for(guidance_id=guidance.pk) if guidance else [],
            "fix": memories.selectors.used_for(autofix_id=autofix.pk) if autofix else [],
        },
        "can_customize": request.member.may(Permission.MEMORIES_SUGGEST)
        and settings.remediation
        and settings.customize_with_memories
        and finding.is_present
        and (guidance is not None or autofix is not None),
        "is_regenerating": memories.selectors.is_being_regenerated(finding),
        "learned": memories.selectors.learned_from(finding, finding.triaged_at)
        if finding.triage == Triage.IGNORED and finding.triaged_at
        else None,
        "code_retention_days": orgs.selectors.code_retention_days(),
        "provider": providers.selectors.chosen(),
        "ignore_form": IgnoreForm(),
        "accepted_until": _local_day(finding.triage_expires_at, request),
        "tomorrow": _local_day(timezone.now(), request, days_later=1),
        "note_form": NoteForm(),
        "triage_choices": [entry for entry in Triage if entry not in (Triage.IGNORED, finding.triage)],
    }
    return finding, context


def _reasons_said(finding: Finding) -> dict[tuple[str, int], str]:
    """Return why people said what they did of verdict, guidance and fix, by what an event calls it."""
    of_verdicts = triage.selectors.reasons_given(finding)
    of_advice = remediation.selectors.reasons_given(finding)
    return {
        **{("feedback_id", number): reason for number, reason in of_verdicts.items()},
        **{("advice_feedback_id", number): reason for number, reason in of_advice.items()},
    }


def _local_day(at: datetime | None, request: OrgRequest, *, days_later: int = 0) -> date | None:
    """Return the day of a time where the organization is."""
    if at is None:
        return None
    return at.astimezone(ZoneInfo(request.member.organization.time_zone)).date() + timedelta(days=days_later)


def _source_of(finding: Finding) -> str | None:
    return scm.selectors.reader(project=finding.project, revision=finding.revision)(finding.path)


def _replaced_by_rule(finding: Finding) -> str:
    """Return the text in whose place the rule's own fix goes, empty where it spans lines or is not known."""
    first, last = finding.start_column - 1, finding.end_column - 1
    # Some reports quote less than the line; columns then count from elsewhere.
    if finding.start_line != finding.end_line or len(finding.matched_lines) < last:
        return ""
    return finding.matched_lines[first:last].strip()


def evidence_of(quote: Mapping[str, Any], code: Listing) -> Evidence:
    """Return a quote of a verdict as pages show it."""
    return Evidence(
        path=quote["path"],
        start_line=quote["start_line"],
        end_line=quote["end_line"],
        quote=dedent(quote["quote"]).strip("\n"),
        role=quote["role"],
        anchor=code.anchor_of(quote["path"], quote["start_line"]) if quote["holds"] else "",
        problem="" if quote["holds"] else quote["problem"] or "the quoted text is not there",
        is_comment=quote.get("is_comment", False),
    )


def _check(gate: Mapping[str, str]) -> Check:
    outcome = gate["outcome"]
    return Check(
        title=TITLES.get(gate["gate"], gate["gate"].replace("_", " ").capitalize()),
        outcome=outcome,
        word=OUTCOMES.get(outcome, outcome),
        explanation=gate["explanation"],
    )


def _step(step: Mapping[str, Any], code: Listing) -> Step:
    path, line = step["path"], step["start_line"]
    return Step(role=step["role"], path=path, line=line, text=step["text"], anchor=code.anchor_of(path, line))


def _guidance_steps(guidance: Guidance | None, path: str) -> list[dict[str, Any]]:
    steps = guidance.steps if guidance else []
    return [
        {"text": step["text"], "code": coloured(step["code"].strip("\n"), path) if step.get("code") else []}
        for step in steps
    ]


def _origins(
    finding: Finding, verdict: Verdict | None, guidance: Guidance | None, autofix: Autofix | None
) -> list[Origin]:
    answers = [("Verdict", verdict), ("Guidance", guidance), ("Fix", autofix)]
    given = [(title, answer) for title, answer in answers if answer is not None]
    second_id = verdict.second_model_call_id if verdict else None
    calls = providers.selectors.calls_by_id(
        [call_id for call_id in (*(answer.model_call_id for _, answer in given), second_id) if call_id]
    )
    found = [_origin(title, answer, calls.get(answer.model_call_id or 0)) for title, answer in given]
    second = calls.get(second_id or 0)
    if second is not None:
        # After the verdict, which it was asked about.
        origin = Origin("Second look", f"AI provider, {second.model}", second.prompt_version, second.created_at, second)
        found.insert(1, origin)
    return found


def _origin(title: str, answer: Verdict | Guidance | Autofix, call: ModelCall | None) -> Origin:
    provider = f"{answer.get_source_display()}{f', {answer.model}' if answer.model else ''}"
    version = answer.prompt_version if answer.source == Source.MODEL else 0
    return Origin(title, provider, version, answer.created_at, call)


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def download_patch(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Answer the fix as a file that `git apply` takes; 404 where no fix is shown."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    autofix = remediation.selectors.latest_autofix(finding)
    if autofix is None or not autofix.is_shown or not autofix.diff:
        raise Http404
    patch = autofix.diff if autofix.diff.endswith("\n") else autofix.diff + "\n"
    return HttpResponse(
        patch,
        content_type="text/x-diff; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="finding-{finding.pk}.patch"'},
    )


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def ignore(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Ignore a finding for a reason."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    form = IgnoreForm(request.POST)
    if not form.is_valid():
        wrong_date = "".join(f" {problem}" for problem in form.errors.get("expires_on", []))
        limit = _limit(form, "comment")
        messages.error(request, f"Not ignored: choose a reason, and keep the comment below {limit}.{wrong_date}")
        return back_to(request, finding)
    reason, day = IgnoreReason(form.cleaned_data["reason"]), form.cleaned_data["expires_on"]
    # The form has the field for every reason; without JavaScript it cannot be taken away for the others.
    expires_at = _beginning_of(day, request) if day and reason == IgnoreReason.ACCEPTABLE_RISK else None
    try:
        findings.services.ignore(
            finding=finding,
            reason=reason,
            comment=form.cleaned_data["comment"],
            actor=request.actor,
            expires_at=expires_at,
        )
    except findings.services.ExpiryUnusable as problem:
        messages.error(request, f"Not ignored: {problem}")
        return back_to(request, finding)
    until = f" It is opened again on {day:%-d %B %Y}." if expires_at else " Reopen it at any time."
    messages.success(request, f"Ignored: {reason.label.lower()}.{until}")
    return back_to(request, finding)


def _beginning_of(day: date, request: OrgRequest) -> datetime:
    """Return when a day begins where the organization is."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(request.member.organization.time_zone))


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def set_triage(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Say that a finding is open, being reviewed or to be fixed."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    form = TriageForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing changed: choose Open, Reviewing or To fix.")
        return back_to(request, finding)
    chosen = Triage(form.cleaned_data["triage"])
    findings.services.set_triage(finding=finding, triage=chosen, comment="", actor=request.actor)
    messages.success(request, f"The status is now {chosen.label}.")
    return back_to(request, finding)


@require_POST
@org_page(Permission.FINDINGS_TRIAGE)
def add_note(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Write a note."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"No note written: write something, and no more than {_limit(form, 'text')}.")
        return back_to(request, finding)
    findings.services.add_note(finding=finding, text=form.cleaned_data["text"], actor=request.actor)
    return back_to(request, finding)


@require_POST
@org_page(Permission.FINDINGS_ANALYZE)
def analyze(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Have a finding analysed now, whatever the caps say."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    settings = orgs.selectors.settings_for(finding.project_id)
    if not settings.is_enabled:
        whose = f"the {settings.origin_of('is_enabled')}"
        messages.error(request, f"The Assistant is switched off by the settings of {whose}; an Admin can switch it on.")
        return back_to(request, finding)
    triage.services.request_analysis(finding=finding, actor=request.actor)
    messages.success(request, "The Assistant is looking at it; the answer appears here.")
    return back_to(request, finding)


@require_POST
@org_page(Permission.MEMORIES_SUGGEST)
def customize_fix(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Keep how somebody wants such findings fixed, and have this one's guidance and fix written anew by it."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    settings = orgs.selectors.settings_for(finding.project_id)
    if not (settings.remediation and settings.customize_with_memories):
        messages.error(request, "Not saved: fixes or memories are switched off for this project.")
        return back_to(request, finding)
    goes_live = request.member.may(Permission.MEMORIES_MANAGE)
    try:
        memory = remediation.services.customize_fix(
            finding=finding, text=request.POST.get("text", ""), actor=request.actor, goes_live=goes_live
        )
    except MemoryUnusable as problem:
        messages.error(request, f"Not saved: {problem}")
        return back_to(request, finding)
    wider = "It holds for this rule in this project."
    if memory.state != MemoryState.LIVE:
        wider = "It is used for this finding; an Admin decides whether it holds for others of this rule and project."
    messages.success(request, f"Saved as memory {memory.pk}. {wider} The fix is being written anew.")
    return back_to(request, finding)


@require_POST
@org_page(Permission.FIX_PULL_REQUESTS_OPEN)
def open_fix_pull_request(request: OrgRequest, finding_id: int) -> HttpResponse:
    """Have a draft pull request opened that applies the verified fix."""
    finding = get_object_or_404(findings.selectors.visible_to(request.member), pk=finding_id)
    try:
        remediation.pull_requests.request(finding=finding, actor=request.actor)
    except remediation.pull_requests.NotPossible as reason:
        messages.error(request, f"No pull request is opened: {reason}")
    else:
        messages.success(request, "The pull request is being opened; its link appears here.")
    return back_to(request, finding)


def _limit(form: IgnoreForm | NoteForm, field: str) -> str:
    return f"{form.fields[field].max_length} characters"  # type: ignore[attr-defined]  # a CharField
