"""The comments, part by part, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notifications.messages import (
    CommentPlace,
    Decided,
    FindingComment,
    FlowStep,
    GroupComment,
    GroupedPlace,
    GuidanceStep,
    Replies,
    ReplyAnswer,
    Standing,
)
from notifications.rendering import escaping
from notifications.rendering.fixes import Dialect, coloured, fix_of
from notifications.rendering.footer import footer_of

MOST_FLOW_STEPS = 30
MOST_PLACES = 100
SHORTENED = "*This comment was shortened to what the host takes; the finding's page has all of it.*"
_ROLES = {"source": "Source", "intermediate": "Step", "sink": "Sink"}


@dataclass(frozen=True)
class _Part:
    """A part of a comment. Where the whole is too long, the part with the highest `given_up` goes first; 0 stays."""

    text: str
    given_up: int = 0


def finding_comment(message: FindingComment, *, dialect: Dialect, longest: int) -> str:
    """Return the comment on one finding."""
    is_open = message.standing is Standing.OPEN
    parts = [
        _Part(_headline(message.rule, message.severity, message.standing, message)),
        _Part(_where(message)),
        _Part(_standing(message.standing, message.decided)),
        _Part(escaping.paragraphs(message.message), given_up=1),
        _Part(_doubt(message), given_up=1) if is_open else _Part(""),
        _Part(fix_of(message, dialect=dialect), given_up=2) if is_open else _Part(""),
        _Part(_guidance(message.summary, message.steps, path=message.path), given_up=4),
        _Part(_flow(message.flow), given_up=3),
        _Part(_how_to_reply(message.replies, message.standing)),
        _Part(
            _last_line("Open this finding", message.link, message.memories_used, customize_link=message.customize_link)
        ),
        _Part(footer_of(message.footer)),
        _Part(message.marker),
    ]
    return _fitted(parts, longest)


def group_comment(message: GroupComment, *, longest: int) -> str:
    """Return the one comment on many equal findings."""
    places = message.places
    is_open = any(place.standing is Standing.OPEN for place in places)
    is_gone = all(place.standing is Standing.FIXED for place in places)
    standing = Standing.OPEN if is_open else Standing.FIXED if is_gone else Standing.IGNORED
    parts = [
        _Part(_headline(message.rule, message.severity, standing, message, count=len(places))),
        _Part(escaping.paragraphs(message.message), given_up=1),
        _Part(_doubt(message), given_up=1) if is_open else _Part(""),
        _Part(_places(places), given_up=2),
        _Part(_guidance(message.summary, message.steps, path=places[0].path if places else ""), given_up=4),
        _Part(_how_to_reply(message.replies, standing, count=len(places))),
        _Part(_last_line("Open these findings", message.link, message.memories_used)),
        _Part(footer_of(message.footer)),
        _Part(message.marker),
    ]
    return _fitted(parts, longest)


def reply_answer(message: ReplyAnswer) -> str:
    """Return one line below somebody's command."""
    quoted = escaping.code(message.quoted, most_characters=200)
    sentence = escaping.line(message.sentence, most_characters=1000)
    return f"{sentence} {quoted}".strip()


def _fitted(parts: Sequence[_Part], longest: int) -> str:
    body = _joined(parts)
    for given_up in (4, 3, 2, 1):
        if len(body.encode()) <= longest:
            break
        parts = [_Part("") if part.given_up == given_up else part for part in parts]
        body = _joined([*parts[:-1], _Part(SHORTENED), parts[-1]])
    return body


def _joined(parts: Sequence[_Part]) -> str:
    return "\n\n".join(part.text for part in parts if part.text) + "\n"


def _headline(
    rule: str, severity: str, standing: Standing, message: FindingComment | GroupComment, *, count: int = 1
) -> str:
    named = f"{escaping.code(rule, most_characters=200)} ({escaping.line(severity)} severity)"
    if standing is Standing.FIXED:
        return f"**Fixed:** {named}"
    if standing is Standing.IGNORED:
        return f"**Ignored:** {named}"
    words = "Blocking issue" if message.is_blocking else "Issue"
    if count > 1:
        words = f"{count} equal {words.lower()}s"
    if message.may_be_ignored:
        words = f"{words}, which may be safe to ignore" if message.is_blocking or count > 1 else "May be safe to ignore"
    return f"**{words}:** {named}"


def _standing(standing: Standing, decided: Decided | None) -> str:
    if standing is Standing.FIXED:
        return "The last scan of this pull request no longer finds it."
    if decided is None:
        return ""
    by = escaping.code(decided.by, most_characters=200)
    said = escaping.line(decided.comment, most_characters=3000)
    return f"*{escaping.line(decided.words)}*" + (f" by {by}." if by else ".") + (f" {said}" if said else "")


def _doubt(message: FindingComment | GroupComment) -> str:
    if not message.may_be_ignored:
        return ""
    sure = f" (the Assistant, {message.confidence} confidence)" if message.confidence else " (the Assistant)"
    reason = escaping.paragraphs(message.reason) or "The Assistant gave no reason."
    if message.replies.feedback:
        otherwise = "If that is wrong, reply `/assistant disagree` with your reason, and fix it as below."
    else:
        otherwise = "If that is wrong, say so on the finding's page, and fix it as below."
    return f"**Why this may be safe to ignore**{sure}\n\n{reason}\n\n{otherwise}"


def _guidance(summary: str, steps: Sequence[GuidanceStep], *, path: str) -> str:
    written = escaping.line(summary)
    if not steps:
        return written
    items = [_step(number, step, path) for number, step in enumerate(steps, 1)]
    return "\n\n".join(part for part in (written, _folded("Step-by-step instructions", "\n\n".join(items))) if part)


def _step(number: int, step: GuidanceStep, path: str) -> str:
    item = f"{number}. {escaping.line(step.text)}"
    if not step.code.strip():
        return item
    margin = len(f"{number}. ")
    return f"{item}\n\n{escaping.block(step.code, language=coloured(path), indent=margin)}"


def _flow(steps: Sequence[FlowStep]) -> str:
    if not steps:
        return ""
    shown = [*steps[: MOST_FLOW_STEPS - 1], steps[-1]] if len(steps) > MOST_FLOW_STEPS else steps
    lines = [_flow_line(number, step) for number, step in enumerate(shown, 1)]
    if len(steps) > len(shown):
        lines.insert(-1, f"{len(shown)}. … {len(steps) - len(shown)} steps left out …")
        lines[-1] = _flow_line(len(shown) + 1, steps[-1])
    return _folded("Where the value comes from, and where it goes", "\n".join(lines))


def _flow_line(number: int, step: FlowStep) -> str:
    text = escaping.code(step.text, most_characters=200)
    place = escaping.code(f"{step.path}:{step.line}")
    return f"{number}. {_ROLES.get(step.role, 'Step')} at {place}" + (f": {text}" if text else "")


def _where(message: FindingComment) -> str:
    """Return the finding's own place, where the comment could not be put there."""
    place = message.place
    stands_there = place is not None and place.path == message.path and _covers(place, message.start_line)
    return "" if stands_there else f"At {escaping.code(f'{message.path}:{message.start_line}')}."


def _covers(place: CommentPlace, line: int) -> bool:
    return place.first_line <= line <= place.line


def _places(places: Sequence[GroupedPlace]) -> str:
    lines = [_place(place) for place in places[:MOST_PLACES]]
    if len(places) > MOST_PLACES:
        lines.append(f"- and {len(places) - MOST_PLACES} more, in the list of findings")
    return "\n".join(lines)


def _place(place: GroupedPlace) -> str:
    target = escaping.address(place.link)
    where = escaping.code(f"{place.path}:{place.line}")
    entry = f"[{where}]({target})" if target else where
    return f"- {entry}" + ("" if place.standing is Standing.OPEN else f" ({place.standing.value})")


def _folded(title: str, content: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{content}\n\n</details>"


def _how_to_reply(replies: Replies, standing: Standing, *, count: int = 1) -> str:
    it = "it" if count == 1 else f"all {count}"
    lines = []
    if replies.triage and standing is Standing.OPEN:
        lines = [
            f"- `/fp` and why: ignore {it} as a false positive",
            f"- `/ar` and why: ignore {it} as an acceptable risk",
            f"- `/other` and why: ignore {it} for another reason",
        ]
    if replies.triage and standing is Standing.IGNORED:
        lines = [f"- `/open`: open {it} again"]
    if replies.feedback and standing is not Standing.FIXED:
        lines.append("- `/assistant agree` or `/assistant disagree`, and why: say whether the Assistant is right")
    if not lines:
        return ""
    return _folded("Reply to decide", "With write access to this repository, reply with:\n\n" + "\n".join(lines))


def _last_line(label: str, link: str, memories_used: int, *, customize_link: str = "") -> str:
    parts = [escaping.link(label, link)] if escaping.address(link) else []
    if escaping.address(customize_link):
        parts.append(escaping.link("Customize fix", customize_link))
    if memories_used:
        parts.append("1 memory was used" if memories_used == 1 else f"{memories_used} memories were used")
    return " · ".join(parts)
