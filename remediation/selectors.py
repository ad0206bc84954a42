"""Reading guidance and fixes."""

from __future__ import annotations

from findings.models import Finding
from remediation.models import Autofix, Guidance


def latest_guidance(finding: Finding) -> Guidance | None:
    """Return the guidance that is shown, None before there is one."""
    return Guidance.objects.filter(finding=finding).order_by("-pk").first()


def latest_autofix(finding: Finding) -> Autofix | None:
    """Return the newest attempt at a fix, shown or not; None where none was made."""
    return Autofix.objects.filter(finding=finding).order_by("-pk").first()
