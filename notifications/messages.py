"""What is told in a pull request, host by host the same: plain values, from which `notifications.rendering` writes.

Texts here are as their authors wrote them, none of them to be trusted; the renderer makes them harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Standing(StrEnum):
    """What has become of a finding, as a comment tells it."""

    OPEN = "open"
    IGNORED = "ignored"
    FIXED = "fixed"


class FixOrigin(StrEnum):
    """Who wrote a fix."""

    RULE = "rule"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class CommentPlace:
    """The lines that a comment stands on at the host: from `start_line`, or `line` alone, to `line`."""

    path: str
    line: int
    start_line: int | None = None

    @property
    def first_line(self) -> int:
        """The first line of the range."""
        return self.start_line or self.line

    @classmethod
    def example(cls) -> CommentPlace:
        """Return the place of the example comment."""
        return cls(path="shop/orders.py", line=42)


@dataclass(frozen=True)
class LineEdit:
    """Whole lines of a file that give way to others; `old_lines` is empty where lines are put in before `start_line`.

    Lines come without their ends. `is_exact` says that nothing but these lines changes: no kind of line end, and not
    whether the file's last line has one.
    """

    path: str
    start_line: int
    old_lines: tuple[str, ...]
    new_lines: tuple[str, ...]
    is_exact: bool = True

    @property
    def end_line(self) -> int:
        """The last line that gives way; one before `start_line` where none does."""
        return self.start_line + len(self.old_lines) - 1


@dataclass(frozen=True)
class Fix:
    """A code change for a finding. `is_verified` says that every gate passed; a rule's own fix has no gates.

    `known_lines` are the file's own lines by their number, as far as they are known around the edits. `code` is what
    the change puts in, shown where no diff is known.
    """

    origin: FixOrigin
    is_verified: bool
    confidence: str = ""
    explanation: str = ""
    diff: str = ""
    code: str = ""
    edits: tuple[LineEdit, ...] = ()
    known_lines: tuple[tuple[int, str], ...] = ()
    has_crlf: bool = False

    @property
    def is_trusted(self) -> bool:
        """Whether it may be offered with one click: verified, or written by the people who wrote the rule."""
        return self.is_verified or self.origin is FixOrigin.RULE

    @classmethod
    def example(cls) -> Fix:
        """Return a verified fix of one line."""
        old = '    cursor.execute(f"SELECT * FROM orders WHERE id = {order_id}")'
        new = '    cursor.execute("SELECT * FROM orders WHERE id = %s", (order_id,))'
        return cls(
            origin=FixOrigin.ASSISTANT,
            is_verified=True,
            confidence="high",
            explanation="The value is handed over beside the query, so the database never reads it as SQL.",
            diff=f"--- a/shop/orders.py\n+++ b/shop/orders.py\n@@ -42 +42 @@\n-{old}\n+{new}\n",
            edits=(LineEdit("shop/orders.py", 42, (old,), (new,)),),
            known_lines=((42, old),),
        )


@dataclass(frozen=True)
class GuidanceStep:
    """One instruction, with code where code says it better."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class FlowStep:
    """One step of a dataflow: `role` is source, intermediate or sink."""

    role: str
    path: str
    line: int
    text: str = ""


@dataclass(frozen=True)
class Decided:
    """What was decided about a finding, in words of ours (`Ignored as false positive`), by whom, and their words."""

    words: str
    by: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Replies:
    """Which commands work below a comment."""

    triage: bool = False
    feedback: bool = False


@dataclass(frozen=True)
class FindingComment:
    """A comment on one finding. `place` is None in the conversation; `link` leads to the finding.

    `may_be_ignored` says that it is told as a likely false positive, for the `reason` that the Assistant gives with
    `confidence` (low, medium, high). `shares_line` says that another comment of ours stands on one of its lines.
    `marker` is ours, signed (notifications.marker), empty in a preview.
    """

    rule: str
    severity: str
    message: str
    path: str
    start_line: int
    end_line: int
    link: str
    is_blocking: bool = False
    may_be_ignored: bool = False
    reason: str = ""
    confidence: str = ""
    summary: str = ""
    steps: tuple[GuidanceStep, ...] = ()
    fix: Fix | None = None
    flow: tuple[FlowStep, ...] = ()
    standing: Standing = Standing.OPEN
    decided: Decided | None = None
    place: CommentPlace | None = None
    shares_line: bool = False
    replies: Replies = field(default_factory=Replies)
    memories_used: int = 0
    customize_link: str = ""
    footer: str = ""
    marker: str = ""

    @classmethod
    def example(cls) -> FindingComment:
        """Return a blocking issue with everything that a comment can have."""
        return cls(
            rule="sql-injection-in-query",
            severity="High",
            message="A query is put together from a value that comes from the request. Whoever sends the request can "
            "change what the query does. Hand the value over as a parameter of `execute`.",
            path="shop/orders.py",
            start_line=42,
            end_line=42,
            link="https://assistant.example.com/orgs/acme/findings/1042/",
            is_blocking=True,
            summary="Hand the order's number over as a parameter, so that it cannot become part of the query.",
            steps=(
                GuidanceStep("Put a placeholder where the value stands in the query."),
                GuidanceStep(
                    "Hand the value over as the second argument of `execute`.",
                    'cursor.execute("SELECT * FROM orders WHERE id = %s", (order_id,))',
                ),
                GuidanceStep("Look for other queries of the module that are put together in the same way."),
            ),
            fix=Fix.example(),
            flow=(
                FlowStep("source", "shop/views.py", 17, 'order_id = request.GET["order"]'),
                FlowStep("intermediate", "shop/views.py", 18, "order = find_order(order_id)"),
                FlowStep("sink", "shop/orders.py", 42, "cursor.execute(…)"),
            ),
            place=CommentPlace.example(),
            replies=Replies(triage=True),
            footer="Questions? Read [how we handle findings](https://wiki.example.com/findings).",
        )


@dataclass(frozen=True)
class GroupedPlace:
    """One of the equal findings of a summary."""

    path: str
    line: int
    link: str
    standing: Standing = Standing.OPEN


@dataclass(frozen=True)
class GroupComment:
    """One comment for more than five equal findings of a rule; `link` leads to the list of them."""

    rule: str
    severity: str
    message: str
    places: tuple[GroupedPlace, ...]
    link: str
    is_blocking: bool = False
    may_be_ignored: bool = False
    reason: str = ""
    confidence: str = ""
    summary: str = ""
    steps: tuple[GuidanceStep, ...] = ()
    replies: Replies = field(default_factory=Replies)
    memories_used: int = 0
    footer: str = ""
    marker: str = ""

    @classmethod
    def example(cls) -> GroupComment:
        """Return a summary of seven equal findings, one of them ignored and one fixed."""
        standings = {3: Standing.IGNORED, 5: Standing.FIXED}
        return cls(
            rule="cookie-without-secure-flag",
            severity="Medium",
            message="A cookie is set without the flag `secure`, so browsers send it over plain HTTP too.",
            places=tuple(
                GroupedPlace(
                    "shop/sessions.py",
                    10 + 12 * number,
                    f"https://assistant.example.com/orgs/acme/findings/{2000 + number}/",
                    standings.get(number, Standing.OPEN),
                )
                for number in range(7)
            ),
            link="https://assistant.example.com/orgs/acme/findings/?q=cookie-without-secure-flag",
            summary="Set `secure=True` wherever a cookie is set.",
            steps=(GuidanceStep("Add the flag to each call.", 'response.set_cookie("id", value, secure=True)'),),
            replies=Replies(triage=True),
        )


@dataclass(frozen=True)
class ReplyAnswer:
    """One line below somebody's command. `sentence` is ours; `quoted` is theirs and shown as code after it."""

    sentence: str
    quoted: str = ""

    @classmethod
    def example(cls) -> ReplyAnswer:
        """Return the answer to a command without its reason."""
        return cls("Not carried out: write the reason on the same line, as in", "/fp the value is a constant")


CommentMessage = FindingComment | GroupComment | ReplyAnswer


@dataclass(frozen=True)
class StatusFinding:
    """A finding of a pull request as its check shows it; `severity` is the number of rules.models.Severity."""

    rule: str
    message: str
    severity: int
    path: str
    start_line: int
    end_line: int
    is_blocking: bool
    link: str
    standing: Standing = Standing.OPEN
    may_be_ignored: bool = False


@dataclass(frozen=True)
class StatusReport:
    """What the check of a commit tells; `is_waiting` while verdicts are waited for, `problem` where the scan failed."""

    findings: tuple[StatusFinding, ...]
    link: str
    is_waiting: bool = False
    problem: str = ""

    @classmethod
    def example(cls) -> StatusReport:
        """Return a check of five findings, two of them blocking."""
        link = "https://assistant.example.com/orgs/acme/findings/"
        rules = (("sql-injection-in-query", 4, True), ("os-command-from-request", 3, True), ("weak-hash", 2, False))
        first = tuple(
            StatusFinding(
                rule=rule,
                message="A value from the request reaches a place where it can do harm.",
                severity=severity,
                path="shop/orders.py",
                start_line=42 + 10 * number,
                end_line=42 + 10 * number,
                is_blocking=is_blocking,
                link=f"{link}{1042 + number}/",
                may_be_ignored=rule == "weak-hash",
            )
            for number, (rule, severity, is_blocking) in enumerate(rules)
        )
        return cls(findings=first, link=link)
