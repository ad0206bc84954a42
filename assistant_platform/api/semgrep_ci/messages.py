"""What the client sends, read into our words; what is missing or odd has a default, since versions differ."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from findings.refs import branch_and_pull_request
from findings.services import ClientScan

LONGEST_WORD = 300
MOST_TAGS = 20
# What is kept of a run, to be shown with the scan; who committed is not among it.
KEPT = (
    "scan_environment",
    "repo_url",
    "ci_job_url",
    "on",
    "commit_title",
    "pull_request_title",
    "pull_request_author_username",
    "base_sha",
    "start_sha",
    "base_branch_head_commit",
    "repo_id",
    "org_id",
)


def _word(value: object) -> str:
    """Return a short printable text; anything else is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return "".join(character for character in text if character.isprintable())[:LONGEST_WORD].strip()


Word = Annotated[str, BeforeValidator(_word)]


class ProjectMetadata(BaseModel):
    """Where the scan runs, on what."""

    repository: Word = ""
    repo_display_name: Word = ""
    repo_url: Word = ""
    branch: Word = ""
    commit: Word = ""
    pull_request_id: Word = ""
    is_full_scan: bool = True
    scan_environment: Word = ""
    ci_job_url: Word = ""
    on: Word = ""
    commit_title: Word = ""
    pull_request_title: Word = ""
    pull_request_author_username: Word = ""
    base_sha: Word = ""
    start_sha: Word = ""
    base_branch_head_commit: Word = ""
    repo_id: Word = ""
    org_id: Word = ""


class ScanMetadata(BaseModel):
    """The client itself; clients of the older protocol send none."""

    cli_version: Word = ""
    unique_id: uuid.UUID = Field(default_factory=uuid.uuid4)
    dry_run: bool = False


class ProjectConfig(BaseModel):
    """What `.semgrepconfig.yml` in the repository says."""

    tags: list[Word] | None = None


class NewScan(BaseModel):
    """`POST /api/cli/v2/scans`, and `/api/cli/scans` of clients before 1.150."""

    project_metadata: ProjectMetadata = ProjectMetadata()
    scan_metadata: ScanMetadata = Field(default_factory=ScanMetadata)
    project_config: ProjectConfig = ProjectConfig()

    @property
    def project(self) -> str:
        """The name of the project: what the client shows, which a monorepo may choose."""
        return self.project_metadata.repo_display_name or self.project_metadata.repository or "local_scan/unnamed"

    def as_client_scan(self) -> ClientScan:
        """Return it in our words."""
        said = self.project_metadata
        branch, pull_request = branch_and_pull_request(said.branch)
        tags = self.project_config.tags
        kept = {name: getattr(said, name) for name in KEPT if getattr(said, name)}
        return ClientScan(
            client_id=self.scan_metadata.unique_id,
            project=self.project[:200],
            project_url=said.repo_url if said.repo_url.startswith(("https://", "http://")) else "",
            tags=None if tags is None else tuple(dict.fromkeys(tag[:60] for tag in tags if tag))[:MOST_TAGS],
            branch=branch[:255],
            commit=said.commit if re.fullmatch(r"[0-9a-fA-F]{7,64}", said.commit) else "",
            pull_request_id=re.sub(r"[^0-9A-Za-z_-]", "", said.pull_request_id or pull_request)[:64],
            is_full=said.is_full_scan,
            ci={**kept, "cli_version": self.scan_metadata.cli_version},
        )


class Completed(BaseModel):
    """`POST /api/agent/scans/{id}/complete`."""

    exit_code: int | None = Field(default=None, ge=-32768, le=32767)
    final_attempt: bool = False
    stats: Any = None


class ClientFailure(BaseModel):
    """`POST /api/agent/scans/{id}/error`."""

    exit_code: int | None = Field(default=None, ge=-32768, le=32767)
    stderr: str = ""


class TokenRequest(BaseModel):
    """`POST /api/agent/tokens/requests`, by `semgrep login`."""

    token_request_key: str = Field(max_length=64)
