"""Steps of the tests about GitHub."""

from __future__ import annotations

from lib.http.policy import Policy
from scm.adapters import new_adapter
from scm.adapters.base import ScmAdapter
from scm.adapters.values import (
    Annotation,
    CommentDraft,
    HostAccess,
    NotPosted,
    PostedComment,
    StatusDraft,
    StatusState,
)
from tests.vendors.github.state import Installation, Pull
from tests.vendors.github_server import GitHubServer

LINES = "".join(f"line {number}\n" for number in range(1, 41))
LOOPBACK = Policy.of(allowed=["127.0.0.1"], ports=["*"])


def access_of(github: GitHubServer, installation: Installation) -> HostAccess:
    return HostAccess(
        base_url=github.url,
        app_id=str(installation.app.id),
        private_key=installation.app.private_key,
        installation_id=str(installation.id),
    )


def by_token(github: GitHubServer, token: str) -> ScmAdapter:
    return new_adapter("github", HostAccess(base_url=github.url, token=token))


def granted(adapter: ScmAdapter) -> dict[str, bool | None]:
    return {check.name: check.granted for check in adapter.check()}


def draft(key: str = "a", line: int = 20) -> CommentDraft:
    return CommentDraft(key=key, body=f"About {key}", path="app.py", line=line)


def posted(adapter: ScmAdapter, pull: Pull, *drafts: CommentDraft) -> list[PostedComment | NotPosted]:
    return adapter.post_comments("acme/shop", str(pull.number), head_sha=pull.head_sha, drafts=drafts)


def posted_one(adapter: ScmAdapter, pull: Pull) -> PostedComment:
    (done,) = posted(adapter, pull, draft())
    assert isinstance(done, PostedComment)
    return done


def a_status(*remarks: str) -> StatusDraft:
    annotations = tuple(Annotation("app.py", 1, 2, "warning", "Look", remark) for remark in remarks)
    return StatusDraft("Assistant", StatusState.SUCCESS, "Done", "All", "https://assistant.example", annotations)
