"""Messages as Slack's blocks: within its limits, and harmless whatever the texts in them say.

Nothing but our own links is a link, and nobody is notified: Slack reads `<…>`, `&` and its own marks in what it calls
mrkdwn, so code, rules, paths, names and the model's words are escaped, and a mark in them stays a letter.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from lib.text import printable
from notifications.announcements import (
    Announcement,
    NewFindings,
    Place,
    Ref,
    RuleFound,
    Suggestion,
    SuggestionList,
    TestMessage,
)
from notifications.channels.base import Written

# https://docs.slack.dev/reference/block-kit/blocks
LONGEST_SECTION = 3000
LONGEST_VALUE = 2000

ACTION_AGREE, ACTION_DISAGREE, ACTION_UNDO, ACTION_VIEW = "agree", "disagree", "undo", "view"
LONGEST_REASON = 1200
LONGEST_NAME = 120
LONGEST_PATH = 200
# A letter that shows nothing: after it `@` and `#` begin no name, and `*`, `_`, `~` and a backtick no mark.
BREAKS = "\N{WORD JOINER}"
MARKS = "*_~`"

Block = dict[str, Any]


def written(message: Announcement) -> Written:
    """Return a message as Slack takes it."""
    match message:
        case Suggestion():
            return _suggestion(message)
        case SuggestionList():
            return _suggestion_list(message)
        case NewFindings():
            return _new_findings(message)
        case TestMessage():
            return _test_message(message)


def plain(text: str, limit: int) -> str:
    """Return somebody's text on one line of mrkdwn that says it and does nothing, in at most so many characters."""
    pieces = [_harmless(character) for character in printable(" ".join(text[: limit + 1].split()))]
    if sum(map(len, pieces)) <= limit and len(text) <= limit:
        return "".join(pieces)
    kept: list[str] = []
    room = limit - 1
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return f"{''.join(kept).rstrip()}…"


def _harmless(character: str) -> str:
    match character:
        case "&":
            return "&amp;"
        case "<":
            return "&lt;"
        case ">":
            return "&gt;"
        case "@" | "#" | ":":
            # Slack makes names, channels, emoji and bare addresses of these.
            return f"{character}{BREAKS}"
        case _:
            return f"{BREAKS}{character}{BREAKS}" if character in MARKS else character


def _link(address: str, words: str) -> str:
    """Return a link to an address of ours, or of a code host, as mrkdwn; only the words where it is no web address."""
    if urlsplit(address).scheme not in {"http", "https"}:
        return words
    # Neither the end of the link nor its words may be within the address.
    return f"<{quote(address, safe=':/?#[]@!$&()*+,;=%~-._').replace('&', '&amp;')}|{words}>"


def _place(place: Place) -> str:
    return _link(place.link, f"{plain(place.path, LONGEST_PATH)}:{place.line}")


def _where(project: str, ref: Ref) -> str:
    words = plain(ref.words, LONGEST_NAME)
    where = _link(ref.link, words) if ref.link else words
    return f"{plain(project, LONGEST_NAME)}, {where}" if where else plain(project, LONGEST_NAME)


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}]}


def _button(words: str, action: str, *, value: str = "", link: str = "", style: str = "") -> Block:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": words},
        "action_id": action,
        **({"value": value[:LONGEST_VALUE]} if value else {}),
        **({"url": link} if link else {}),
        **({"style": style} if style else {}),
    }


def _suggestion(told: Suggestion) -> Written:
    rule = plain(told.rule, LONGEST_NAME)
    head = f"*{rule}* in {_place(told.place)} may be safe to ignore"
    blocks = [_section(f"{head}\n{plain(told.reason, LONGEST_REASON)}")]
    view = _button("View finding", ACTION_VIEW, link=told.place.link)
    if told.answered is not None:
        blocks.append(_section(_answer(told)))
        undo = [_button("Undo", ACTION_UNDO, value=told.undo)] if told.answered.can_undo and told.undo else []
        blocks.append({"type": "actions", "elements": [*undo, view]})
    else:
        buttons = [
            _button("Agree", ACTION_AGREE, value=told.agree, style="primary"),
            _button("Disagree", ACTION_DISAGREE, value=told.disagree, style="danger"),
        ]
        blocks.append({"type": "actions", "elements": [*(buttons if told.agree and told.disagree else []), view]})
    severity = told.severity.lower()
    blocks.append(
        _context(
            f"{_where(told.project, told.ref)} · {plain(severity, 20)} severity · the Assistant,"
            f" {plain(told.confidence, 20)} confidence. Agreeing ignores the finding as a false positive."
        )
    )
    return Written(f"{rule} in {plain(told.place.path, LONGEST_PATH)}:{told.place.line} may be safe to ignore", blocks)


def _answer(told: Suggestion) -> str:
    assert told.answered is not None
    by = f" by {plain(told.answered.by, LONGEST_NAME)}" if told.answered.by else ""
    # Slack shows the time in the reader's own zone; what follows the bar is for where it cannot.
    when = f" <!date^{told.answered.when}^{{date_short_pretty}} at {{time}}|earlier>" if told.answered.when else ""
    return f"{told.answered.words}{by}{when}"


def _suggestion_list(told: SuggestionList) -> Written:
    title = f"{told.count} findings may be safe to ignore"
    lines = [f"• *{plain(each.rule, LONGEST_NAME)}* in {_place(each.place)}" for each in told.shown]
    if told.count > len(told.shown):
        lines.append(f"and {told.count - len(told.shown)} more")
    blocks = [
        _section(f"*{title}*"),
        *_sections(lines),
        {"type": "actions", "elements": [_button("View findings", ACTION_VIEW, link=told.link, style="primary")]},
        _context(f"{_where(told.project, told.ref)} · told together, since one scan brought so many"),
    ]
    return Written(f"{title}: {plain(told.project, LONGEST_NAME)}", blocks)


def _new_findings(told: NewFindings) -> Written:
    title = f"{told.count:,} new finding{'' if told.count == 1 else 's'}"
    lines = [_rule_line(each) for each in told.rules]
    if told.findings_left:
        lines.append(f"and {told.findings_left:,} more")
    likely = f" · {told.likely_false:,} of them likely false positives" if told.likely_false else ""
    blocks = [
        _section(f"*{title}* in {_where(told.project, told.ref)}"),
        *_sections(lines),
        {"type": "actions", "elements": [_button("View findings", ACTION_VIEW, link=told.link, style="primary")]},
        _context(f"Found for the first time by this scan{likely}"),
    ]
    return Written(f"{title} in {plain(told.project, LONGEST_NAME)}", blocks)


def _rule_line(told: RuleFound) -> str:
    places = ", ".join(_place(each) for each in told.places)
    more = f" and {told.count - len(told.places):,} more" if told.count > len(told.places) else ""
    return f"• *{plain(told.rule, LONGEST_NAME)}* ({plain(told.severity.lower(), 20)}): {places}{more}"


def _sections(lines: list[str]) -> list[Block]:
    """Return lines in as few sections as hold them; one line is never cut, as that could cut a link."""
    sections: list[list[str]] = []
    room = 0
    for line in lines:
        if len(line) > LONGEST_SECTION:
            continue
        if room < len(line) + 1:
            sections.append([])
            room = LONGEST_SECTION
        sections[-1].append(line)
        room -= len(line) + 1
    return [_section("\n".join(each)) for each in sections]


def _test_message(told: TestMessage) -> Written:
    words = f"Test message of {plain(told.organization, LONGEST_NAME)}: the Assistant reaches this channel."
    return Written(
        words,
        [
            _section(words),
            _context(f"{plain(told.about, LONGEST_NAME)} · sent by {plain(told.by, LONGEST_NAME)}"),
        ],
    )
