"""A changed file, and comments on it."""

from __future__ import annotations

from scm.adapters.base import (
    ScmAdapter,
)
from scm.adapters.values import (
    CommentDraft,
    PostedComment,
)
from tests.contract.scm.conformance import FIRST_FILES, HostUnderTest

VIEWS = str(FIRST_FILES["app/views.py"])
CHANGED = VIEWS.replace("line 30\n", "line 30, changed\nline 30 and a half\n")


def on_line(key: str, line: int, *, start: int | None = None, path: str = "app/views.py") -> CommentDraft:
    return CommentDraft(key=key, body=f"About {key}", path=path, line=line, start_line=start)


def posted(adapter: ScmAdapter, host: HostUnderTest, number: str, *drafts: CommentDraft) -> list[PostedComment]:
    """Post drafts, each of which the host takes."""
    done = adapter.post_comments(host.repository, number, head_sha=host.head("feature"), drafts=drafts)
    assert [each.key for each in done] == [draft.key for draft in drafts]
    return [each for each in done if isinstance(each, PostedComment)]
