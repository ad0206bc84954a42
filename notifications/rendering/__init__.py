"""What is told in a pull request as Markdown of GitHub or GitLab: pure, and the same for both but for suggestions."""

from __future__ import annotations

from typing import Literal

from notifications.messages import CommentMessage, FindingComment, GroupComment, ReplyAnswer
from notifications.rendering.comments import finding_comment, group_comment, reply_answer
from notifications.rendering.fixes import Dialect, wanted_place
from notifications.rendering.status import render_status

__all__ = ["LONGEST", "Dialect", "render_comment", "render_status", "wanted_place"]

# In bytes of UTF-8: GitHub counts characters up to 65,536, and no text has more characters than bytes.
LONGEST = {Dialect.GITHUB: 65_536, Dialect.GITLAB: 1_000_000}


def render_comment(message: CommentMessage, *, dialect: Literal["github", "gitlab"] | Dialect) -> str:
    """Return a message as the body of a comment, no longer than the host takes."""
    written = Dialect(dialect)
    match message:
        case FindingComment():
            return finding_comment(message, dialect=written, longest=LONGEST[written])
        case GroupComment():
            return group_comment(message, longest=LONGEST[written])
        case ReplyAnswer():
            return reply_answer(message)
