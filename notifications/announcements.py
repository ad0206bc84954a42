"""What is told outside of pull requests: plain values, from which each channel writes its own messages.

Texts here are as their authors wrote them, none of them to be trusted; the channel's writer makes them harmless.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a finding is; `link` leads to its page."""

    path: str
    line: int
    link: str


@dataclass(frozen=True)
class Ref:
    """What was scanned, in words (`main`, `pull request #7`), with its address at the host where it has one."""

    words: str
    link: str = ""


@dataclass(frozen=True)
class Answered:
    """What became of a suggestion, by whom and when; `words` are ours (`Agreed: ignored as a false positive`).

    `when` is in seconds since 1970. `can_undo`: the answer was given to this verdict, and may be taken back.
    """

    words: str
    by: str = ""
    when: int = 0
    can_undo: bool = False


@dataclass(frozen=True)
class Suggestion:
    """A finding that may be safe to ignore. The buttons' values are signed; they are empty where nobody can answer."""

    project: str
    ref: Ref
    rule: str
    severity: str
    place: Place
    reason: str
    confidence: str
    agree: str = ""
    disagree: str = ""
    undo: str = ""
    answered: Answered | None = None

    @classmethod
    def example(cls) -> Suggestion:
        """Return a suggestion that nobody has answered yet."""
        return cls(
            project="acme/shop",
            ref=Ref("pull request #7", "https://github.com/acme/shop/pull/7"),
            rule="sql-injection-in-query",
            severity="High",
            place=Place("shop/orders.py", 42, "https://assistant.example.com/orgs/acme/findings/1042/"),
            reason="The value that is put into the query is a constant of this module; no request reaches it.",
            confidence="high",
            agree="signed",
            disagree="signed",
        )


@dataclass(frozen=True)
class SuggestionList:
    """Many suggestions of one scan, told together; `count` is all of them, `shown` the first few."""

    project: str
    ref: Ref
    count: int
    shown: tuple[Suggestion, ...]
    link: str


@dataclass(frozen=True)
class RuleFound:
    """New findings of one rule: how many, and the first few places."""

    rule: str
    severity: str
    count: int
    places: tuple[Place, ...]


@dataclass(frozen=True)
class NewFindings:
    """What a scan has found that was not there before: the rules with the worst first, `rules_left` are not named."""

    project: str
    ref: Ref
    count: int
    rules: tuple[RuleFound, ...]
    findings_left: int
    link: str
    likely_false: int = 0

    @classmethod
    def example(cls) -> NewFindings:
        """Return five new findings of two rules."""
        link = "https://assistant.example.com/orgs/acme/findings/"
        places = tuple(Place("shop/orders.py", line, f"{link}{line}/") for line in (22, 31, 42))
        return cls(
            project="acme/shop",
            ref=Ref("main"),
            count=7,
            rules=(RuleFound("sql-injection-in-query", "High", 3, places),),
            findings_left=4,
            link=link,
            likely_false=1,
        )


@dataclass(frozen=True)
class TestMessage:
    """Says that a channel is reached: `about` is whose findings come here, by whom it was asked for."""

    organization: str
    about: str
    by: str


Announcement = Suggestion | SuggestionList | NewFindings | TestMessage
