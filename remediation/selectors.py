"""Reading guidance and fixes."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q, Subquery

import events.selectors
from findings.models import Finding
from orgs.models import Project
from remediation.models import AdviceFeedback, Autofix, FixPullRequest, FixPullRequestState, Guidance
from rules.models import Rule
from triage.models import Verdict

REASONS_SHOWN = 100  # of one finding
REASON_SHOWN = 300  # characters of what somebody said, where a model is told of it
EXPERIENCE_SHOWN = 3
CLOSED_SHOWN = 2


def latest_guidance(finding: Finding) -> Guidance | None:
    """Return the guidance that is shown, None before there is one."""
    return Guidance.objects.filter(finding=finding).order_by("-pk").first()


def has_guidance_for_verdict(finding: Finding) -> bool:
    """Tell whether the guidance that is shown was written after the verdict that counts, and so by it."""
    judged_at = Verdict.objects.filter(finding=finding).order_by("-pk").values("created_at")[:1]
    return Guidance.objects.filter(finding=finding, created_at__gte=Subquery(judged_at)).exists()


def latest_autofix(finding: Finding) -> Autofix | None:
    """Return the newest attempt at a fix, shown or not; None where none was made."""
    return Autofix.objects.filter(finding=finding).order_by("-pk").first()


def latest_guidance_for(finding_ids: Collection[int]) -> dict[int, Guidance]:
    """Return the guidance that is shown for many findings, by the finding's id."""
    newest = Guidance.objects.filter(finding_id__in=finding_ids).order_by("finding_id", "-pk").distinct("finding_id")
    return {guidance.finding_id: guidance for guidance in newest}


def latest_autofixes(finding_ids: Collection[int]) -> dict[int, Autofix]:
    """Return the newest attempts at a fix for many findings, shown or not, by the finding's id."""
    newest = Autofix.objects.filter(finding_id__in=finding_ids).order_by("finding_id", "-pk").distinct("finding_id")
    return {autofix.finding_id: autofix for autofix in newest}


def experience_with_fixes(finding: Finding) -> list[str]:
    """Return what became of fixes for a finding's rule in its project, as sentences without names of people.

    What people said of them, and which fix pull requests were closed without being merged; newest first each.
    """
    closed = (
        FixPullRequest.objects.filter(
            finding__rule=finding.rule_id, finding__project=finding.project_id, state=FixPullRequestState.CLOSED
        )
        .select_related("autofix")
        .order_by("-pk")[:CLOSED_SHOWN]
    )
    return [
        *feedback_on_fixes(rule=finding.rule, project=finding.project, limit=EXPERIENCE_SHOWN),
        *(
            f"The pull request of a fix was closed without being merged: {entry.autofix.explanation[:REASON_SHOWN]}"
            for entry in closed
        ),
    ]


def is_being_written_anew(finding: Finding) -> bool:
    """Tell whether somebody asked for another guidance and fix by *Customize fix* and they are still being written."""
    owed = events.selectors.unfinished_jobs().filter(task="remediation.tasks.regenerate")
    return owed.filter(arguments__finding_id=finding.pk).exists()


def latest_fix_pull_request(finding: Finding) -> FixPullRequest | None:
    """Return the newest fix pull request that was asked for, whatever became of it."""
    return FixPullRequest.objects.filter(finding=finding).order_by("-pk").first()


def open_fix_pull_request(finding_ids: Collection[int]) -> dict[int, FixPullRequest]:
    """Return the fix pull requests that are open on the code host, by the finding's id; each has number and address."""
    opened = FixPullRequest.objects.filter(finding_id__in=finding_ids, state=FixPullRequestState.OPENED)
    return {fix.finding_id: fix for fix in opened}


def ratings_by(user_id: int, *advice: Guidance | Autofix | None) -> list[AdviceFeedback]:
    """Return what a person said of guidance and fixes, at most one of each."""
    guidance = [entry.pk for entry in advice if isinstance(entry, Guidance)]
    autofixes = [entry.pk for entry in advice if isinstance(entry, Autofix)]
    about = Q(guidance__in=guidance) | Q(autofix__in=autofixes)
    return list(AdviceFeedback.objects.filter(about, user_id=user_id))


def advice_of(finding: Finding, *, about: str, number: int) -> Guidance | Autofix | None:
    """Return the guidance or the fix that is shown of a finding, None where it is another than the one of a number."""
    shown = latest_guidance(finding) if about == "guidance" else latest_shown_fix(finding)
    return shown if shown is not None and shown.pk == number else None


def latest_shown_fix(finding: Finding) -> Autofix | None:
    """Return the newest attempt at a fix if it may be shown."""
    autofix = latest_autofix(finding)
    return autofix if autofix is not None and autofix.is_shown else None


def reasons_given(finding: Finding) -> dict[int, str]:
    """Return why people said what they did of a finding's guidance and fixes, by the number of the feedback."""
    said = AdviceFeedback.objects.filter(finding=finding).exclude(reason="")
    return dict(said.order_by("-pk").values_list("pk", "reason")[:REASONS_SHOWN])


def feedback_on_fixes(*, rule: Rule, project: Project, limit: int) -> list[str]:
    """Return what people said of fixes for a rule in a project, newest first, as sentences without their names."""
    said = AdviceFeedback.objects.filter(autofix__isnull=False, finding__rule=rule, finding__project=project)
    return [
        f"A fix for {entry.finding.path}:{entry.finding.start_line} was called"
        f" {'helpful' if entry.is_helpful else 'not helpful'}"
        + (f": {entry.reason[:REASON_SHOWN]}" if entry.reason else ".")
        for entry in said.select_related("finding").order_by("-pk")[:limit]
    ]
