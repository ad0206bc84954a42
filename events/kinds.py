"""What can happen, and who can have done it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Kind(models.TextChoices):
    """A thing that happened; each is one line of a finding's activity or of the audit log."""

    ORGANIZATION_CREATED = "organization_created", "Organization created"
    MEMBER_ADDED = "member_added", "Member added"
    TOKEN_CREATED = "token_created", "API token created"
    TOKEN_REVOKED = "token_revoked", "API token revoked"
    PROJECT_CREATED = "project_created", "Project created"
    SETTINGS_CHANGED = "settings_changed", "Settings changed"
    CONSENT_GIVEN = "consent_given", "Sending code to the AI provider accepted"
    CONSENT_WITHDRAWN = "consent_withdrawn", "Sending code to the AI provider withdrawn"
    SCAN_RECEIVED = "scan_received", "Scan received"
    SCAN_INGESTED = "scan_ingested", "Scan ingested"
    SCAN_FAILED = "scan_failed", "Scan could not be read"
    SCAN_SETTLED = "scan_settled", "Scan analysed"
    LATE_ANSWER = "late_answer", "Late answer"
    FINDING_FOUND = "finding_found", "Found"
    FINDING_FIXED = "finding_fixed", "Fixed"
    FINDING_RETURNED = "finding_returned", "Found again"
    ANALYSIS_REQUESTED = "analysis_requested", "Analysis requested"
    ANALYSIS_PLANNED = "analysis_planned", "Analysis planned"
    NOT_ANALYSED = "not_analysed", "Not analysed"
    COMPONENT_TAGGED = "component_tagged", "Component tagged"
    VERDICT_REACHED = "verdict_reached", "Verdict reached"
    GUIDANCE_WRITTEN = "guidance_written", "Guidance written"
    GUIDANCE_NOT_POSSIBLE = "guidance_not_possible", "No guidance"
    AUTOFIX_WRITTEN = "autofix_written", "Fix written"
    AUTOFIX_NOT_POSSIBLE = "autofix_not_possible", "No fix"
    FEEDBACK_GIVEN = "feedback_given", "Feedback given"
    FINDING_TRIAGED = "finding_triaged", "Triaged"
    FINDING_IGNORED = "finding_ignored", "Ignored"
    NOTE_ADDED = "note_added", "Note added"
    MEMORY_ADDED = "memory_added", "Memory added"
    MEMORY_REMOVED = "memory_removed", "Memory removed"


class ActorKind(models.TextChoices):
    """What kind of actor did it."""

    PERSON = "person", "Person"
    TOKEN = "token", "API token"
    ASSISTANT = "assistant", "Assistant"
    SCANNER = "scanner", "Scanner"
    SYSTEM = "system", "System"


@dataclass(frozen=True)
class Actor:
    """Who did it: a person (with user id), a token, or one of ourselves."""

    kind: ActorKind
    name: str
    user_id: int | None = None


ASSISTANT = Actor(ActorKind.ASSISTANT, "Assistant")
SCANNER = Actor(ActorKind.SCANNER, "Scanner")
SYSTEM = Actor(ActorKind.SYSTEM, "System")
