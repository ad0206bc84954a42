"""Reading guidance and fixes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Subquery

import events.selectors
from findings.models import Finding
from remediation.models import AdviceFeedback, Autofix, FixPullRequest, FixPullRequestState, Guidance
from triage.models import Verdict

EXPERIENCE_SHOWN = 3
CLOSED_SHOWN = 2
LONGEST_REASON = 300


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
    """Return what became of fixes for findings of the same rule and project, without names of people, newest first.

    What people said of them with a reason, and fix pull requests that were closed without being merged.
    """
    of_rule: dict[str, Any] = {"finding__rule": finding.rule_id, "finding__project": finding.project_id}
    said = AdviceFeedback.objects.filter(**of_rule, autofix__isnull=False).exclude(reason="").select_related("autofix")
    closed = FixPullRequest.objects.filter(**of_rule, state=FixPullRequestState.CLOSED).select_related("autofix")
    return [
        *(
            f"Called {'helpful' if entry.is_helpful else 'not helpful'}: {entry.reason[:LONGEST_REASON]}\n"
            f"The fix: {_short(entry.autofix)}"
            for entry in said.order_by("-pk")[:EXPERIENCE_SHOWN]
            if entry.autofix is not None
        ),
        *(
            f"Its pull request was closed without being merged.\nThe fix: {_short(entry.autofix)}"
            for entry in closed.order_by("-pk")[:CLOSED_SHOWN]
        ),
    ]


def _short(autofix: Autofix) -> str:
    return autofix.explanation[:LONGEST_REASON] or "(no words)"


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
