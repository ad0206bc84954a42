"""Reading guidance and fixes."""

from __future__ import annotations

from collections.abc import Collection

from findings.models import Finding
from remediation.models import Autofix, Guidance


def latest_guidance(finding: Finding) -> Guidance | None:
    """Return the guidance that is shown, None before there is one."""
    return Guidance.objects.filter(finding=finding).order_by("-pk").first()


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
