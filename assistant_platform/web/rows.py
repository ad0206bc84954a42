"""What a row of the findings list shows: plain words, so that the template only places them.

Fifty rows of looked-up numbers and choices were half the time of the page; words made once are not looked up again.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.text import Truncator

from assistant_platform.web.rendering import prose
from findings.models import Confidence, Finding, NotAnalysed, Recommendation
from rules.models import Severity
from triage.models import Verdict

MESSAGE_CHARACTERS = 120
REASON_CHARACTERS = 220


@dataclass(frozen=True)
class Row:
    """A finding in the list with the verdict that counts; empty where there is nothing to show."""

    key: str
    address: str
    severity: str
    severity_word: str
    rule_name: str
    message: str
    place: str
    component: str
    risk: str
    recommends: str
    recommendation: str
    confidence: str
    reason: SafeString
    asks_to_agree: bool  # recommended to ignore, and nobody has decided yet
    is_verified: bool
    unverified: str  # the confidence of a fix that is not verified
    status: str
    project: str
    is_held_back: bool


def row_of(finding: Finding, verdict: Verdict | None, *, findings_address: str, is_held_back: bool = False) -> Row:
    """Return the row of a finding; its page lies below the list's address."""
    is_safe = verdict is not None and verdict.is_false_positive
    # The list reads only the start; asking for the whole text here would be a query a row.
    message = vars(finding).get("message_start") or finding.message
    return Row(
        key=str(finding.pk),
        address=f"{findings_address}{finding.pk}/",
        severity=str(finding.severity),
        severity_word=Severity(finding.severity).label,
        rule_name=finding.rule.name,
        message=prose.unmarked(message, most_characters=MESSAGE_CHARACTERS),
        place=f"{finding.path}:{finding.start_line}",
        component=finding.component_tag,
        risk=finding.component_risk,
        recommends=finding.recommendation or "none",
        recommendation=_recommendation(finding),
        confidence=Confidence(finding.verdict_confidence).label if finding.recommendation else "",
        # Why something may be ignored, or why it is not known; what is to be fixed says so by its rule.
        reason=_reason(verdict) if verdict is not None and _asks_why(finding) else SafeString(""),
        asks_to_agree=is_safe and finding.is_open,
        is_verified=finding.has_verified_fix,
        unverified="" if finding.has_verified_fix else Confidence(finding.fix_confidence).label.strip("-"),
        status=_status(finding),
        project=finding.project.name,
        is_held_back=is_held_back and finding.is_open,
    )


def _asks_why(finding: Finding) -> bool:
    return finding.recommendation in {Recommendation.IGNORE, Recommendation.UNSURE}


def _status(finding: Finding) -> str:
    if finding.triage_expires_at is None or not finding.is_present:
        return finding.status
    return f"{finding.status} until {finding.triage_expires_at:%-d %b %Y}"


def _recommendation(finding: Finding) -> str:
    if finding.recommendation:
        return Recommendation(finding.recommendation).label
    words = {NotAnalysed.WAITING: "Waiting", NotAnalysed.BUDGET: "Stopped by budget"}
    return words.get(NotAnalysed(finding.not_analysed), "Not analysed")


def _reason(verdict: Verdict) -> SafeString:
    return prose.plain_line(Truncator(verdict.explanation).chars(REASON_CHARACTERS))
