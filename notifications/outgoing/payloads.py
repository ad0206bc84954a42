"""What a message says, model by model, with the field names of the REST API. No code, no secrets, no texts of people.

Version 1. A field may be added without another version; none is taken away or given another meaning.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from notifications.outgoing.catalogue import Told

VERSION = 1
MOST_FINDINGS = 100


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deployment(_Payload):
    """The organization."""

    slug: str = Field(examples=["acme"])
    name: str = Field(examples=["Acme"])


class Repository(_Payload):
    """The project that a finding is in."""

    name: str = Field(examples=["acme/shop"])
    url: str | None = Field(examples=["https://github.example/acme/shop"])


class Location(_Payload):
    """Where a finding was last seen; lines and columns from 1."""

    file_path: str = Field(examples=["shop/orders.py"])
    line: int = Field(examples=[42])
    column: int = Field(examples=[5])
    end_line: int = Field(examples=[42])
    end_column: int = Field(examples=[61])


class FindingTold(_Payload):
    """A finding, as far as it is told without its code: the API has the rest under the same id."""

    id: int = Field(examples=[17])
    project_id: int = Field(examples=[3])
    repository: Repository
    rule_id: int = Field(examples=[8])
    rule_name: str = Field(examples=["python.lang.security.audit.formatted-sql-query"])
    product: str = Field(examples=["code"])
    severity: str = Field(examples=["high"])
    confidence: str | None = Field(examples=["MEDIUM"])
    location: Location
    created_at: datetime
    first_seen_scan_id: int = Field(examples=[9])
    is_present: bool
    is_production: bool = Field(description="Present on the primary branch.")
    triage: str = Field(examples=["open"])
    triage_reason: str | None = Field(examples=["false_positive"])
    triaged_by: str | None
    triaged_at: datetime | None
    recommendation: str = Field(examples=["ignore"])
    verdict_confidence: str = Field(examples=["high"])
    has_verified_fix: bool
    url: str = Field(description="The finding's page.", examples=["https://assistant.example/orgs/acme/findings/17/"])


class ScanTold(_Payload):
    """A scan."""

    id: str = Field(examples=["9"])
    project_id: int = Field(examples=[3])
    project: str = Field(examples=["acme/shop"])
    branch: str = Field(examples=["main"])
    commit: str = Field(examples=["1f0c0ffee1f0c0ffee1f0c0ffee1f0c0ffee1f0c"])
    pull_request_id: str = Field(examples=[""])
    is_full: bool
    product: str = Field(examples=["code"])
    tool: str = Field(examples=["Semgrep OSS"])
    state: str = Field(examples=["ingested"])
    failure: str = Field(examples=[""])
    found_count: int = Field(examples=[12])
    new_count: int = Field(examples=[2])
    fixed_count: int = Field(examples=[1])
    received_at: datetime
    ingested_at: datetime | None
    url: str = Field(description="The scan's page.", examples=["https://assistant.example/orgs/acme/scans/9/"])


class AboutScan(_Payload):
    """`data` of scan.completed and scan.failed."""

    scan: ScanTold


class AboutFindingsOfScan(_Payload):
    """`data` of finding.opened and finding.fixed: the worst hundred, and the scan's page where there are more."""

    scan: ScanTold
    count: int = Field(description="How many there are in all.", examples=[2])
    findings: list[FindingTold] = Field(max_length=MOST_FINDINGS)
    more_url: str | None = Field(description="Where the rest can be seen; null where all are here.", examples=[None])


class AboutTriage(_Payload):
    """`data` of finding.triaged; `is_undo` where an earlier decision about several was taken back."""

    by: str = Field(examples=["Alice"])
    is_undo: bool
    count: int = Field(examples=[1])
    findings: list[FindingTold] = Field(max_length=MOST_FINDINGS)
    more_url: str | None


class VerdictTold(_Payload):
    """A verdict in short; its explanation quotes code, so it is read by the API."""

    id: int = Field(examples=[5])
    value: str = Field(examples=["false_positive"])
    confidence: str = Field(examples=["high"])
    second_vote: str = Field(examples=[""])


class AboutVerdict(_Payload):
    """`data` of verdict.reached."""

    finding: FindingTold
    verdict: VerdictTold


class FixPullRequestTold(_Payload):
    """A pull request with a fix."""

    id: int = Field(examples=[2])
    state: str = Field(examples=["opened"])
    number: str = Field(examples=["131"])
    url: str = Field(examples=["https://github.example/acme/shop/pull/131"])
    branch: str = Field(examples=["assistant/fix-17"])
    base_branch: str = Field(examples=["main"])
    requested_by: str = Field(examples=["Alice"])


class AboutFixPullRequest(_Payload):
    """`data` of the kinds that begin with fix_pull_request."""

    finding: FindingTold
    fix_pull_request: FixPullRequestTold


class PullRequestTold(_Payload):
    """A pull request of a project."""

    number: str = Field(examples=["130"])
    project: str = Field(examples=["acme/shop"])


class AboutHeldBack(_Payload):
    """`data` of comment.held_back."""

    pull_request: PullRequestTold
    count: int = Field(examples=[1])
    findings: list[FindingTold] = Field(max_length=MOST_FINDINGS)
    more_url: str | None


class MemoryTold(_Payload):
    """A memory after the change; its words are people's, so they are read by the API."""

    id: int = Field(examples=[4])
    state: str = Field(examples=["live"])
    version: int = Field(examples=[2])


class AboutMemory(_Payload):
    """`data` of memory.changed."""

    change: Literal["suggested", "added", "changed", "removed"]
    by: str = Field(examples=["Alice"])
    memory: MemoryTold


class AboutBudget(_Payload):
    """`data` of budget.alert."""

    month: str = Field(description="Its first day.", examples=["2026-11-01"])
    threshold: int = Field(description="Percent of the month's money that are used.", examples=[80])
    url: str = Field(examples=["https://assistant.example/orgs/acme/settings/usage/"])


class AboutTest(_Payload):
    """`data` of webhook.test."""

    sent_by: str = Field(examples=["Alice"])


class Message(_Payload):
    """A whole message. `id` stays the same however often it is sent, so that a receiver can tell it has it already."""

    id: str = Field(examples=["1b671a64-40d5-591e-99b0-da01ff1f3341"])
    type: Told
    version: Literal[1] = 1
    timestamp: datetime = Field(description="When it happened.")
    deployment: Deployment
    data: dict[str, Any]


DATA_OF: dict[Told, type[_Payload]] = {
    Told.SCAN_COMPLETED: AboutScan,
    Told.SCAN_FAILED: AboutScan,
    Told.FINDING_OPENED: AboutFindingsOfScan,
    Told.FINDING_FIXED: AboutFindingsOfScan,
    Told.FINDING_TRIAGED: AboutTriage,
    Told.VERDICT_REACHED: AboutVerdict,
    Told.FIX_PULL_REQUEST_OPENED: AboutFixPullRequest,
    Told.FIX_PULL_REQUEST_MERGED: AboutFixPullRequest,
    Told.FIX_PULL_REQUEST_CLOSED: AboutFixPullRequest,
    Told.COMMENT_HELD_BACK: AboutHeldBack,
    Told.MEMORY_CHANGED: AboutMemory,
    Told.BUDGET_ALERT: AboutBudget,
    Told.WEBHOOK_TEST: AboutTest,
}


def as_body(message: Message) -> dict[str, Any]:
    """Return a message as JSON values."""
    body: dict[str, Any] = message.model_dump(mode="json")
    return body
