"""What can happen, and who can have done it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Kind(models.TextChoices):
    """A thing that happened; each is one line of a finding's activity or of the audit log."""

    ORGANIZATION_CREATED = "organization_created", "Organization created"
    ORGANIZATION_CHANGED = "organization_changed", "Organization changed"
    MEMBER_ADDED = "member_added", "Member added"
    MEMBER_REMOVED = "member_removed", "Member removed"
    MEMBER_LEFT = "member_left", "Member left"
    ROLE_CHANGED = "role_changed", "Role changed"
    INVITATION_SENT = "invitation_sent", "Invitation sent"
    INVITATION_ACCEPTED = "invitation_accepted", "Invitation accepted"
    INVITATION_REVOKED = "invitation_revoked", "Invitation revoked"
    TEAM_CHANGED = "team_changed", "Team changed"
    TEAM_DELETED = "team_deleted", "Team deleted"
    ACCESS_CHANGED = "access_changed", "Which projects a person sees changed"
    SIGN_ON_CHANGED = "sign_on_changed", "Single sign-on changed"
    SIGN_ON_REMOVED = "sign_on_removed", "Single sign-on removed"
    TOKEN_CREATED = "token_created", "API token created"
    TOKEN_REVOKED = "token_revoked", "API token revoked"
    PROJECT_CREATED = "project_created", "Project created"
    SETTINGS_CHANGED = "settings_changed", "Settings changed"
    PROJECT_SETTINGS_CHANGED = "project_settings_changed", "Project's settings changed"
    CONNECTION_SAVED = "connection_saved", "AI provider saved"
    CONNECTION_REMOVED = "connection_removed", "AI provider removed"
    CONNECTION_REFUSED = "connection_refused", "AI provider refused the key"
    MODELS_CHANGED = "models_changed", "Models of the steps changed"
    BUDGET_CHANGED = "budget_changed", "Budget changed"
    BUDGET_ALERT = "budget_alert", "Budget alert"
    STOPPED_WORK_RESUMED = "stopped_work_resumed", "Analysis stopped by budget resumed"
    MODEL_CALL_REPLAYED = "model_call_replayed", "Prompt replayed with another model"
    LOG_EXPORTED = "log_exported", "Log exported"
    RETENTION_ANNOUNCED = "retention_announced", "Longer retention announced"
    CONSENT_GIVEN = "consent_given", "Sending code to the AI provider accepted"
    CONSENT_WITHDRAWN = "consent_withdrawn", "Sending code to the AI provider withdrawn"
    PROJECT_CHANGED = "project_changed", "Project changed"
    POLICY_CHANGED = "policy_changed", "Policy changed"
    RULE_MODES_CHANGED = "rule_modes_changed", "Modes of rules changed"
    RULE_OVERRIDE_CHANGED = "rule_override_changed", "Mode of a rule in a project changed"
    RULE_LABELS_CHANGED = "rule_labels_changed", "Labels of rules changed"
    RULES_IMPORTED = "rules_imported", "Rules imported"
    RULE_REMOVED = "rule_removed", "Rule removed"
    RULES_REFUSED = "rules_refused", "Rules refused by the engine"
    FINDINGS_TRIAGED = "findings_triaged", "Findings triaged in bulk"
    TRIAGE_IMPORTED = "triage_imported", "Earlier triage decisions imported"
    TRIAGE_EXPIRED = "triage_expired", "Acceptance of the risk expired"
    SCAN_STARTED = "scan_started", "Scan started"
    SCAN_RECEIVED = "scan_received", "Scan received"
    SCAN_INGESTED = "scan_ingested", "Scan ingested"
    SCAN_FAILED = "scan_failed", "Scan could not be read"
    SCAN_SETTLED = "scan_settled", "Scan analysed"
    LATE_ANSWER = "late_answer", "Late answer"
    FINDING_FOUND = "finding_found", "Found"
    FINDING_FIXED = "finding_fixed", "Fixed"
    FINDING_REMOVED = "finding_removed", "Removed: its file or its rule is gone"
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
    MEMORY_SUGGESTED = "memory_suggested", "Memory suggested"
    MEMORY_ADDED = "memory_added", "Memory added"
    MEMORY_CHANGED = "memory_changed", "Memory changed"
    MEMORY_REMOVED = "memory_removed", "Memory removed"
    MEMORY_APPLIED = "memory_applied", "Similar findings judged again by a memory"
    MEMORY_TRIED = "memory_tried", "Dry run of a memory requested"
    NOTHING_TO_REMEMBER = "nothing_to_remember", "Nothing to remember for other findings"
    ADVICE_RATED = "advice_rated", "Guidance or fix rated"
    FIX_REGENERATION_REQUESTED = "fix_regeneration_requested", "Fix to be written anew"
    VERDICT_AUDITED = "verdict_audited", "Verdict checked by a person"
    PRIORITIES_CHOSEN = "priorities_chosen", "Priorities of the week chosen"
    PRIORITIES_MAILED = "priorities_mailed", "Priorities of the week mailed"
    PRIORITY_EMAILS_CHOSEN = "priority_emails_chosen", "Weekly priority e-mails of one's own chosen"
    SLACK_CONNECTED = "slack_connected", "Slack connected"
    SLACK_REMOVED = "slack_removed", "Slack disconnected"
    SLACK_CHANNEL_CHOSEN = "slack_channel_chosen", "Slack channel chosen"
    SLACK_ACTION_TAKEN = "slack_action_taken", "Button pressed in Slack"
    WEBHOOK_SAVED = "webhook_saved", "Outgoing webhook saved"
    WEBHOOK_REMOVED = "webhook_removed", "Outgoing webhook removed"
    WEBHOOK_STOPPED = "webhook_stopped", "Outgoing webhook switched off after failures"
    CODE_HOST_SAVED = "code_host_saved", "Code host saved"
    CODE_HOST_REMOVED = "code_host_removed", "Code host removed"
    INSTALLATION_CHANGED = "installation_changed", "Installation of the GitHub App changed"
    REPOSITORY_CONNECTED = "repository_connected", "Repository connected"
    REPOSITORY_DISCONNECTED = "repository_disconnected", "Repository disconnected"
    REPOSITORY_CHANGED = "repository_changed", "Repository changed on the code host"
    PULL_REQUEST_CHANGED = "pull_request_changed", "Pull request changed"
    REPLY_RECEIVED = "reply_received", "Reply received on the code host"
    COMMENT_POSTED = "comment_posted", "Commented on in a pull request"
    COMMENT_HELD_BACK = "comment_held_back", "Comment held back by the noise filter"
    COMMENTS_HELD_BACK = "comments_held_back", "Comments held back in a pull request"
    COMMENT_RESOLVED = "comment_resolved", "Comment resolved"
    FIX_PULL_REQUEST_REQUESTED = "fix_pull_request_requested", "Fix pull request requested"
    FIX_PULL_REQUEST_OPENED = "fix_pull_request_opened", "Fix pull request opened"
    FIX_PULL_REQUEST_REFUSED = "fix_pull_request_refused", "Fix pull request not opened"
    FIX_PULL_REQUEST_MERGED = "fix_pull_request_merged", "Fix pull request merged"
    FIX_PULL_REQUEST_CLOSED = "fix_pull_request_closed", "Fix pull request closed"
    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    SECOND_FACTOR_ADDED = "second_factor_added", "Second factor added"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "Second factor removed"


# What the product does with a scan or a finding by itself. All else is somebody's doing and stands in the audit log.
MACHINE_WORK = frozenset(
    {
        Kind.SCAN_INGESTED,
        Kind.SCAN_SETTLED,
        Kind.LATE_ANSWER,
        Kind.FINDING_FOUND,
        Kind.FINDING_FIXED,
        Kind.FINDING_RETURNED,
        Kind.ANALYSIS_PLANNED,
        Kind.NOT_ANALYSED,
        Kind.COMPONENT_TAGGED,
        Kind.VERDICT_REACHED,
        Kind.GUIDANCE_WRITTEN,
        Kind.GUIDANCE_NOT_POSSIBLE,
        Kind.AUTOFIX_WRITTEN,
        Kind.AUTOFIX_NOT_POSSIBLE,
        Kind.PULL_REQUEST_CHANGED,
        Kind.REPLY_RECEIVED,
        Kind.COMMENT_POSTED,
        Kind.COMMENT_HELD_BACK,
        Kind.COMMENTS_HELD_BACK,
        Kind.COMMENT_RESOLVED,
        Kind.NOTHING_TO_REMEMBER,
        Kind.MEMORY_APPLIED,
        Kind.PRIORITIES_CHOSEN,
        Kind.PRIORITIES_MAILED,
        Kind.SLACK_ACTION_TAKEN,
    }
)


class ActorKind(models.TextChoices):
    """What kind of actor did it."""

    PERSON = "person", "Person"
    TOKEN = "token", "API token"
    ASSISTANT = "assistant", "Assistant"
    SCANNER = "scanner", "Scanner"
    SYSTEM = "system", "System"
    SCM_USER = "scm_user", "Person on GitHub or GitLab"  # known there, and perhaps no member here


# Who works on findings unasked.
MACHINES = frozenset({ActorKind.ASSISTANT, ActorKind.SCANNER})


@dataclass(frozen=True)
class Actor:
    """Who did it: a person (with user id), a token, or one of ourselves."""

    kind: ActorKind
    name: str
    user_id: int | None = None


ASSISTANT = Actor(ActorKind.ASSISTANT, "Assistant")
SCANNER = Actor(ActorKind.SCANNER, "Scanner")
SYSTEM = Actor(ActorKind.SYSTEM, "System")
