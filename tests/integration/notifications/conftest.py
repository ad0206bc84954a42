"""A pull request of Acme on a host in memory, and what happens to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import notifications.tasks
import orgs.services
from events.kinds import SYSTEM
from events.models import Event
from findings.models import Finding, Presence, PresenceState, Scan, ScanState
from orgs.models import Project
from rules.models import Mode, Rule
from scm.models import PullRequest
from tenancy.models import Organization
from tests import factories
from tests.vendors.memory_host import (
    HEAD_SHA,
    MemoryHost,
    a_pull_request,
    a_repository,
    memory_host,
    shown,
)

__all__ = ["memory_host"]

PATH = "app/orders.py"


@dataclass
class Story:
    """A project with a repository and an open pull request, number 7."""

    host: MemoryHost
    project: Project
    pull_request: PullRequest

    def scanned(self, *findings: Finding, state: str = ScanState.SETTLED) -> Scan:
        """Have the pull request scanned, a minute ago; what of its findings is not named is fixed by it."""
        a_minute_ago = timezone.now() - timedelta(minutes=1)
        scan = factories.a_scan(
            self.project, branch="", pull_request_id="7", is_full=False, state=state, settled_at=a_minute_ago
        )
        here = Presence.objects.filter(project=self.project, ref="pull/7")
        here.update(state=PresenceState.FIXED)
        here.filter(finding__in=findings).update(state=PresenceState.PRESENT, last_scan=scan)
        return scan

    def found(self, count: int = 1, **fields: Any) -> list[Finding]:
        """Have a scan of the pull request find so many new things, each saying something else."""
        scan = self.scanned()
        values = {"path": PATH, "is_production": False, "not_analysed": ""}
        return [
            factories.a_finding(
                scan=scan,
                **{**values, "start_line": line, "end_line": line, "message": f"Message {line} of many", **fields},
            )
            for line in range(1, count + 1)
        ]

    def told(self) -> None:
        """Let a worker bring the comments up to date."""
        notifications.tasks.comment_on_pull_request.function(pull_request_id=self.pull_request.pk)

    def bodies(self) -> list[str]:
        """Return what our comments say."""
        return [comment.body for comment in self.host.ours()]


def kinds() -> list[str]:
    """Return what was recorded of comments, oldest first."""
    return list(Event.objects.filter(kind__startswith="comment_").order_by("pk").values_list("kind", flat=True))


def in_mode(mode: Mode, findings: Sequence[Finding]) -> None:
    """Put the rules of findings into a mode."""
    Rule.objects.filter(pk__in=[finding.rule_id for finding in findings]).update(mode=mode)


def set_to(**changes: Any) -> None:
    """Change settings of the organization."""
    with transaction.atomic():
        orgs.services.change_settings(actor=SYSTEM, changes=changes)


def a_story(host: MemoryHost) -> Story:
    """Return the story, within an organization's scope."""
    project = factories.a_project()
    factories.a_rule(mode=Mode.COMMENT)
    there = host.add_repository()
    facts = host.add_pull_request(files=[shown(PATH, *range(1, 41))])
    a_repository(there, project=project)
    assert facts.head_sha == HEAD_SHA
    return Story(host, project, a_pull_request(facts, project=project))


@pytest.fixture
def story(in_acme: Organization, memory_host: MemoryHost) -> Story:
    """A pull request that nothing was said in yet."""
    return a_story(memory_host)
