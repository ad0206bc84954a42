"""One example of every form that a comment can take, for people to look at before any is posted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from notifications.messages import (
    CommentMessage,
    Decided,
    FindingComment,
    Fix,
    FixOrigin,
    GroupComment,
    LineEdit,
    Replies,
    ReplyAnswer,
    Standing,
)
from notifications.replies.carrying_out import NO_WRITE_ACCESS


@dataclass(frozen=True)
class Example:
    """A message with what it is for."""

    title: str
    explanation: str
    message: CommentMessage


def examples(*, footer: str, with_replies: bool) -> tuple[Example, ...]:
    """Return an example of every form, with an organization's own footer, and the commands where these work."""
    whole = replace(FindingComment.example(), footer=footer, replies=Replies(triage=with_replies))
    with_verdict = Replies(triage=with_replies, feedback=with_replies)
    doubted = replace(
        whole,
        is_blocking=False,
        may_be_ignored=True,
        reason="The value comes from a list of constants at the top of the file, not from the request.",
        confidence="medium",
        flow=(),
        replies=with_verdict,
    )
    return (
        Example(
            "Blocking issue",
            "Found by a rule in Block mode. The Assistant's fix passed every check and is one click away.",
            whole,
        ),
        Example("May be safe to ignore", "Told so where the settings say so; the comment says why.", doubted),
        Example(
            "Fix in several places",
            "A verified fix that one click cannot apply is shown as a difference, and the comment says why.",
            replace(whole, is_blocking=False, flow=(), fix=_in_several_places()),
        ),
        Example(
            "Unverified change",
            "A change that did not pass every check is marked so, and never one click away.",
            replace(whole, is_blocking=False, flow=(), fix=_unverified()),
        ),
        Example(
            "Ignored",
            "Once somebody has decided, the comment says who, and why.",
            replace(
                whole,
                standing=Standing.IGNORED,
                decided=Decided("Ignored as acceptable risk", by="octocat", comment="Only reachable from our network."),
            ),
        ),
        Example(
            "Fixed", "Once the next scan of the pull request finds it no more.", replace(whole, standing=Standing.FIXED)
        ),
        Example(
            "Many equal findings",
            "More than five equal findings of a pull request become one comment.",
            replace(GroupComment.example(), footer=footer, replies=Replies(triage=with_replies)),
        ),
        Example(
            "Answer to a command", "A command that cannot be carried out is answered in a line.", ReplyAnswer.example()
        ),
        Example(
            "Answer to somebody who may not write",
            "Whoever may not write to the repository decides nothing there.",
            ReplyAnswer(NO_WRITE_ACCESS),
        ),
    )


def _in_several_places() -> Fix:
    fix = Fix.example()
    used = LineEdit("shop/views.py", 3, (), ("from shop.orders import find_order",))
    diff = fix.diff + f"--- a/shop/views.py\n+++ b/shop/views.py\n@@ -2,0 +3 @@\n+{used.new_lines[0]}\n"
    return replace(fix, edits=(*fix.edits, used), diff=diff)


def _unverified() -> Fix:
    return replace(Fix.example(), origin=FixOrigin.ASSISTANT, is_verified=False, confidence="low")
