"""What follows what. Each line: when this happened, start these tasks."""

from __future__ import annotations

import findings.tasks
import remediation.tasks
import rules.tasks
import triage.tasks
from events.kinds import Kind
from events.services import Task, set_followers
from events.tasks import wake_dispatcher

FOLLOWERS: dict[Kind, list[Task]] = {
    Kind.RULES_IMPORTED: [rules.tasks.check_texts],
    Kind.SCAN_STARTED: [findings.tasks.give_up_on_client],
    Kind.SCAN_RECEIVED: [findings.tasks.ingest_scan],
    # One event a scan, never one a finding: planning picks, caps and queues.
    Kind.SCAN_INGESTED: [triage.tasks.plan_analysis],
    Kind.ANALYSIS_REQUESTED: [triage.tasks.tag_file, triage.tasks.judge_finding],
    Kind.VERDICT_REACHED: [remediation.tasks.write_guidance, remediation.tasks.write_fix],
}


def hand_down() -> None:
    """Tell events what follows what, so that services never import tasks."""
    set_followers(FOLLOWERS, wake_dispatcher=wake_dispatcher)
