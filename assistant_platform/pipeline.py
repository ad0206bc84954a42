"""What follows what. Each line: when this happened, start these tasks."""

from __future__ import annotations

import findings.tasks
import memories.tasks
import notifications.tasks
import orgs.tasks
import providers.tasks
import remediation.tasks
import rules.tasks
import scm.tasks
import triage.tasks
from events.kinds import Kind
from events.services import Task, set_followers
from events.tasks import wake_dispatcher
from notifications.outgoing.catalogue import EVENTS as EVENTS_TOLD

FOLLOWERS: dict[Kind, list[Task]] = {
    Kind.INVITATION_SENT: [notifications.tasks.send_invitation],
    Kind.RULES_IMPORTED: [rules.tasks.check_texts],
    Kind.SCAN_STARTED: [findings.tasks.give_up_on_client],
    Kind.SCAN_RECEIVED: [findings.tasks.ingest_scan],
    # One event a scan, never one a finding: planning picks, caps and queues.
    Kind.SCAN_INGESTED: [
        triage.tasks.plan_analysis,
        findings.tasks.settle_at_deadline,
        notifications.tasks.show_scan,
    ],
    Kind.ANALYSIS_REQUESTED: [triage.tasks.tag_file, triage.tasks.judge_finding],
    Kind.BUDGET_ALERT: [providers.tasks.mail_budget_alert],
    Kind.STOPPED_WORK_RESUMED: [triage.tasks.resume_stopped],
    Kind.VERDICT_REACHED: [remediation.tasks.advise, notifications.tasks.refresh_comments],
    # What is in force, and what was, changes the verdicts on similar findings.
    Kind.MEMORY_SUGGESTED: [memories.tasks.compare_memory],
    Kind.MEMORY_ADDED: [triage.tasks.rejudge_similar, memories.tasks.compare_memory],
    Kind.MEMORY_CHANGED: [triage.tasks.rejudge_similar, memories.tasks.compare_memory],
    Kind.MEMORY_REMOVED: [triage.tasks.rejudge_similar],
    Kind.MEMORY_TRIED: [triage.tasks.dry_run],
    Kind.FIX_REGENERATION_REQUESTED: [remediation.tasks.regenerate],
    Kind.FIX_PULL_REQUEST_REQUESTED: [remediation.tasks.open_fix_pull_request],
    Kind.MODEL_CALL_REPLAYED: [providers.tasks.replay],
    Kind.RETENTION_ANNOUNCED: [orgs.tasks.tell_of_longer_retention],
    # What pull requests are told. In between, a scan's own end is what they wait for.
    Kind.SCAN_SETTLED: [
        notifications.tasks.comment_on_scan,
        notifications.tasks.tell_scan_in_slack,
        notifications.tasks.look_at_week,
    ],
    Kind.LATE_ANSWER: [notifications.tasks.refresh_comments, notifications.tasks.tell_scan_in_slack],
    Kind.GUIDANCE_WRITTEN: [notifications.tasks.refresh_comments],
    Kind.AUTOFIX_WRITTEN: [notifications.tasks.refresh_comments],
    Kind.FEEDBACK_GIVEN: [notifications.tasks.refresh_comments, notifications.tasks.refresh_slack],
    Kind.FINDING_IGNORED: [
        notifications.tasks.refresh_comments,
        notifications.tasks.refresh_slack,
        memories.tasks.learn_from_ignore,
    ],
    Kind.FINDING_TRIAGED: [notifications.tasks.refresh_comments, notifications.tasks.refresh_slack],
    Kind.FINDINGS_TRIAGED: [
        notifications.tasks.refresh_comments_of_bulk,
        notifications.tasks.refresh_slack_of_bulk,
        memories.tasks.learn_from_bulk,
    ],
    Kind.WEBHOOK_SAVED: [notifications.tasks.wake_endpoint],
    Kind.WEBHOOK_STOPPED: [notifications.tasks.mail_stopped_endpoint],
    # What a code host told by a webhook, which `scm.tasks.take_in` has read.
    Kind.REPLY_RECEIVED: [notifications.tasks.carry_out_reply],
    Kind.PULL_REQUEST_CHANGED: [
        remediation.tasks.follow_pull_request,
        notifications.tasks.comment_on_pull_request,
    ],
}
# What other systems are told; owed only where an endpoint wants it, and before what follows can happen.
for _kind in EVENTS_TOLD:
    FOLLOWERS.setdefault(_kind, []).insert(0, notifications.tasks.tell_endpoints)
# What each organization is owed once a day.
DAILY: list[Task] = [
    orgs.tasks.follow_retention_limit,
    orgs.tasks.forget_answered_requests,
    providers.tasks.forget_texts,
    scm.tasks.forget_code,
    scm.tasks.forget_deliveries,
    findings.tasks.forget_uploads,
    findings.tasks.reopen_expired,
    findings.tasks.count_days,
    notifications.tasks.refresh_comments_of_reopened,
    memories.tasks.expire_memories,
    triage.tasks.forget_excerpts,
    triage.tasks.draw_audit_samples,
    remediation.tasks.check_fix_pull_requests,
    notifications.tasks.look_after_endpoints,
]


def hand_down() -> None:
    """Tell events what follows what, so that services never import tasks."""
    set_followers(FOLLOWERS, daily=DAILY, wake_dispatcher=wake_dispatcher)
