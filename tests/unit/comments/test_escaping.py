"""Whatever a model, a rule, a path or a person wrote: a comment holds our own constructs and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from notifications.messages import (
    CommentMessage,
    CommentPlace,
    Decided,
    FindingComment,
    Fix,
    FixOrigin,
    FlowStep,
    GroupComment,
    GroupedPlace,
    GuidanceStep,
    LineEdit,
    Replies,
    ReplyAnswer,
    Standing,
    StatusFinding,
    StatusReport,
)
from notifications.rendering import render_comment, render_status
from tests.unit.comments.attacks import ATTACKS

LINK = "https://assistant.example.com/orgs/acme/findings/1/"
OUR_TAGS = {"<details>", "</details>", "<summary>", "</summary>"}
OUR_FENCES = {"", "c", "go", "diff", "suggestion", "suggestion:-0+0"}
OUR_TITLES = {"Step-by-step instructions", "Where the value comes from, and where it goes", "Reply to decide"}
# What hosts look for in text that is no code: people, references to work, commits, addresses, emoji.
PINGS = re.compile(
    r"@\w|(?<![\w`])[#!$%~&^]\w|\bGH-\d|(?:https?|ftp|mailto):|www\.|:[a-z0-9_+-]+:|\b[0-9a-f]{7,40}\b|\b[A-Z]{2,}-\d"
)
HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\x00-\x08\x0b-\x1f]")

ALPHABET = "ab1 \n`@#!$%~&^:/\\<>[]()*_-+=|{}\"'.,?;\t\r\u200b\u202ex0fGH"
hostile = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(ALPHABET, max_size=8)), max_size=5).map("".join),
    st.text(ALPHABET, max_size=40),
)


def everything(text: str) -> list[tuple[str, str]]:
    """Return (dialect, body) of every form of message with one text wherever somebody else's text can stand."""
    edits = (LineEdit("a.py", 3, ("old",), tuple(text.split("\n"))),)
    comment = FindingComment(
        rule=text,
        severity="High",
        message=text,
        path=text,
        start_line=3,
        end_line=3,
        link=LINK,
        may_be_ignored=True,
        reason=text,
        confidence="low",
        summary=text,
        steps=(GuidanceStep(text, text),),
        flow=(FlowStep("sink", text, 1, text),),
        fix=Fix(FixOrigin.ASSISTANT, is_verified=False, explanation=text, diff=text),
        standing=Standing.IGNORED,
        decided=Decided("Ignored", by=text, comment=text),
        replies=Replies(triage=True, feedback=True),
    )
    fixes = (
        Fix(FixOrigin.ASSISTANT, is_verified=True, explanation=text, diff=text, edits=edits, known_lines=((3, "old"),)),
        Fix(FixOrigin.RULE, is_verified=False, code=text),
    )
    group = GroupComment(
        rule=text,
        severity="Low",
        message=text,
        places=(GroupedPlace(text, 1, LINK), GroupedPlace(text, 2, LINK)),
        link=LINK,
        summary=text,
        steps=(GuidanceStep(text, text),),
        reason=text,
        may_be_ignored=True,
    )
    place = CommentPlace("a.py", 3)
    opened = replace(comment, standing=Standing.OPEN)
    with_fixes = [replace(opened, fix=fix, place=place) for fix in fixes]
    messages: list[CommentMessage] = [comment, opened, group, ReplyAnswer(text, text), *with_fixes]
    found = StatusFinding(text, text, 3, text, 1, 1, is_blocking=True, link=LINK)
    statuses = [render_status(StatusReport((found,), LINK)), render_status(StatusReport((), LINK, problem=text))]
    dialects: tuple[Literal["github", "gitlab"], ...] = ("github", "gitlab")
    bodies = [(dialect, render_comment(message, dialect=dialect)) for message in messages for dialect in dialects]
    return [*bodies, *(("github", status.summary) for status in statuses)]


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """Return what reads Markdown with HTML, tables and struck text as hosts do."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def flat(tokens: list[Token]) -> list[Token]:
    """Return tokens and those inside them."""
    return [one for token in tokens for one in (token, *flat(token.children or []))]


def foreign(dialect: str, body: str) -> list[str]:
    """Return what of a comment is not of our making."""
    found: list[str] = []
    opened = 0
    for token in flat(parser().parse(body)):
        match token.type:
            case "html_block" | "html_inline":
                tags = re.findall(r"<[^>]*>", token.content)
                titles = re.sub(r"<[^>]*>", "", token.content).strip()
                opened += token.content.count("<details>") - token.content.count("</details>")
                found += [tag for tag in tags if tag not in OUR_TAGS] + (
                    [titles] if titles not in {"", *OUR_TITLES} else []
                )
            case "link_open":
                found += [str(token.attrs)] if token.attrs["href"] != LINK else []
            case "image" | "heading_open" | "code_block" | "blockquote_open" | "s_open" | "softbreak" | "hardbreak":
                found.append(token.type)
            case "fence":
                found += [token.info] if token.info not in OUR_FENCES else []
            case "text":
                found += [f"{token.content!r} pings"] if PINGS.search(token.content) else []
    if opened:
        found.append("unbalanced details")
    if HIDDEN.search(body):
        found.append("hidden characters")
    if dialect == "gitlab" and re.search(r"^/[A-Za-z]", body, re.MULTILINE):
        found.append("a line that GitLab carries out")
    return found


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_stays_text(text: str) -> None:
    for dialect, body in everything(text):
        assert foreign(dialect, body) == [], body


@settings(max_examples=120, deadline=None)
@given(hostile)
def test_nothing_but_our_own_constructs_appears(text: str) -> None:
    for dialect, body in everything(text):
        assert foreign(dialect, body) == [], body
