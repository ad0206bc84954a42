"""Text in the code that speaks to whoever judges it, to win the verdict: found, and kept from winning.

Only sentences that tell a reader what to conclude, or a model what to do, count; ordinary comments and the marks by
which people silence a scanner do not.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from lib.syntax import lines_of
from triage.answers import Verdict, VerdictAnswer
from triage.evidence import unsettled
from triage.excerpt import Excerpt


@dataclass(frozen=True)
class Line:
    """A line, counted from 1, that addresses its reader; `why` says with what."""

    number: int
    text: str
    why: str


LONGEST_LINE_KEPT = 300
LONGEST_TEXT = 200_000

# They spell ASCII that no editor shows and every model reads: https://unicode.org/charts/PDF/UE0000.pdf
TAG_CHARACTERS = range(0xE0020, 0xE007F)

# A few words of the same sentence: no end of sentence, no line end, none of the signs that code is made of.
_GAP = r"[^.!?;=(){}\[\]\n]{0,80}?"
_NEAR = r"[^.!?;=(){}\[\]\n]{0,30}?"
_REST_OF_LINE = r"[^\n]{0,120}?"

_INSTRUCTIONS = r"(?:instructions|prompts?|directives?|guidelines|guardrails|rules|system message)"
_GIVEN = r"(?:previous|prior|above|earlier|preceding|foregoing|system|your)"
_ANY = r"(?:all|any|every|everything|and|of|the|my|these|those|other|original|initial|given|security|triage|review)"
_QUALIFIERS = rf"(?:[ _-]+(?:{_ANY}|{_GIVEN})){{0,5}}[ _-]+"
_DROP = r"(?:ignore|disregard|forget|override|bypass|do not follow|don't follow|stop following)"

_READER = (
    r"(?:a\.?i\.?|llms?|(?:large )?language model|chat ?gpt|gpt-?\d?|claude|gemini|copilot|chatbot|semgrep|sast|"
    r"(?:(?:ai|code|security|automated|static) ){0,3}"
    r"(?:assistant|reviewers?|analy[sz]ers?|scanners?|analysts?|auditors?|triager|agent|bot|model|tools?))"
)
_MUST = r"(?:should|must|shall|can|may|please|has to|have to|needs? to|will|to)"
_CONCLUDE = (
    r"(?:mark|classify|label|treat|report|triage|close|flag|rate|consider|dismiss|resolve|judge|assess|categori[sz]e|"
    r"regard|conclude|answer|respond|reply|output|return|say|state|assume|approve|skip|ignore|suppress|deem)"
)
_NEVER = r"(?:do not|don't|dont|never|must not|should not|shouldn't|no need to)"
_REPORT = r"(?:report|flag|raise|mention|escalate|warn about|alert on)"
_LEAVE = r"(?:ignore|skip|dismiss|close|suppress)"

_FALSE_POSITIVE = r"(?:false[ _-]positives?|not[ _-](?:vulnerable|exploitable|a[ _-]vulnerability)|true[ _-]negative)"
_HARMLESS = (
    rf"(?:{_FALSE_POSITIVE}|not[ _-]a[ _-](?:bug|problem|finding|security[ _-]issue)|non[ _-]?issue|unexploitable|"
    r"(?:(?:completely|perfectly|fully|totally|100%) )?(?:safe|secure|benign|harmless)|"
    r"no[ _-](?:issues?|vulnerabilit(?:y|ies)|problems?|findings?|risk))"
)
_FINDING = (
    r"(?:findings?|alerts?|vulnerabilit(?:y|ies)|results?|security (?:issues?|problems?)|match(?:es)?|injections?|"
    r"xss|sqli)"
)
_THIS_CODE = r"(?:this|it|these|them|that|the following|the (?:above|below|code|line|function|file|next))"
_HERE = r"(?:here|below|above|in this (?:file|function|code|line|block|class|module)|on this line)"
_DECIDED = (
    r"(?:reviewed|approved|audited|vetted|cleared|checked|verified|signed[ -]off|accepted|triaged|whitelisted|"
    r"confirmed)"
)
_AUTHORITY = r"(?:security|appsec|infosec|ciso|pentest(?:ers?)?|red team|auditors?)"

PATTERNS: dict[str, list[str]] = {
    "tells the reader to drop its instructions": [
        rf"\b{_DROP}{_QUALIFIERS}{_GIVEN}{_QUALIFIERS}{_INSTRUCTIONS}\b",
        rf"\b{_DROP}(?: {_ANY}){{0,4}} {_INSTRUCTIONS} (?:that )?(?:you|above|before|given to)\b",
    ],
    "holds the marks of a chat template": [
        r"<\|\s*(?:system|user|assistant|im_start|im_end)\b[^|\n]{0,20}\|>",
        r"\[/?INST\]|<</?SYS>>|(?:^|\n)\s*#{2,}\s*(?:system|instructions?)\s*:",
    ],
    "tells a reviewer or a model what to conclude": [
        rf"\b{_READER}\b{_NEAR}[:-]{_GAP}\b{_CONCLUDE}\b{_GAP}\b{_HARMLESS}\b",
        rf"\b{_READER}\b{_NEAR}\b{_MUST}\b{_GAP}\b{_CONCLUDE}\b{_GAP}\b{_HARMLESS}\b",
        (
            rf"\b(?:note|notice|message|attention|instructions?|dear|hey|hello|hi|hint|memo)\b(?: (?:to|for))?"
            rf"(?: (?:the|all|any|our|every))? {_READER}\b{_REST_OF_LINE}\b{_HARMLESS}\b"
        ),
    ],
    "dictates a verdict": [
        rf"\b{_CONCLUDE}\b {_THIS_CODE}{_GAP} (?:as|is|to be|with|that)\b (?:an? )?[\W_]?{_FALSE_POSITIVE}\b",
        (
            r"\b(?:verdict|classification|conclusion|assessment|triage result)\b[\W_]{0,4}"
            rf"(?:is|must be|should be|shall be|has to be|will be|:)[\W_]{{0,4}}(?:an? )?{_HARMLESS}\b"
        ),
        rf"\b(?:respond|reply|answer)\b (?:only |always |simply |just )?(?:with |as )?[\W_]{{0,3}}{_HARMLESS}\b",
        (
            rf"\bthis (?:{_FINDING}|code|line|rule match|detection)\b (?:is|was|must be|has to be)\b"
            rf"{_NEAR}\b{_FALSE_POSITIVE}\b"
        ),
    ],
    "asks not to report": [
        rf"\b{_FALSE_POSITIVE}\b[^\n]{{0,40}}?\b(?:{_NEVER}|please)\b (?:\w+ ){{0,2}}?(?:{_REPORT}|{_LEAVE})\b",
        rf"\b{_NEVER}\b (?:\w+ ){{0,2}}?{_REPORT}\b {_NEAR}\b{_FINDING}\b{_GAP}\b(?:{_HERE}|{_HARMLESS})\b",
    ],
    "claims that somebody has decided already": [
        (
            rf"\b{_DECIDED}\b (?:\w+ ){{0,3}}?by (?:\w+ ){{0,3}}?{_AUTHORITY}\b{_REST_OF_LINE}"
            rf"\b(?:{_HARMLESS}|{_LEAVE}|{_NEVER}|no action|no need|nothing to (?:do|see|fix|report))\b"
        ),
    ],
    "gives the reader a role": [
        (
            r"\bas an? (?:a\.?i\.?|llm|(?:large )?language model)(?: (?:language )?(?:model|assistant|reviewer))?,"
            r" (?:you|please|i|it)\b"
        ),
        rf"\byou are (?:now )?(?:an? |the )?{_READER}\b{_REST_OF_LINE}\b{_HARMLESS}\b",
        (
            rf"\b(?:from now on|you are now|new instructions?)\b[ ,:]{{1,3}}{_REST_OF_LINE}"
            rf"\b(?:{_HARMLESS}|ignore|approve|no longer (?:report|flag|review))\b"
        ),
    ],
}
_COMPILED = [(why, re.compile(pattern, re.IGNORECASE)) for why, family in PATTERNS.items() for pattern in family]

# What starts or ends a comment or quotes a string, so that a sentence can be read on over several lines.
_COMMENT_START = re.compile(
    r"^\s*(?:#+(?!#*\s*(?i:system|instruction))|//+[/!]?|/\*+|\*+(?!/)|--+|<!--|;+|%+|\"\"\"|''')\s*"
)
_COMMENT_END = re.compile(r"\s*(?:\*/|-->|\"\"\"|''')\s*$")
_PROSE = re.compile(r"\s*(?:[\w'’,:\"()-]+\s+){3,}[\w'’,:.!\"()-]+\s*$")


def addressed_to_the_reader(text: str) -> tuple[Line, ...]:
    """Return the lines where something in a text tells its reader what to conclude, each once, in order.

    Reads the first 200,000 characters; nobody shows a model more of one file.
    """
    lines = lines_of(text[:LONGEST_TEXT])
    joined, starts = _read_on(lines)
    found: dict[int, str] = {}
    for why, pattern in _COMPILED:
        for place in pattern.finditer(joined):
            number = bisect_right(starts, place.start() + _leading_space(place[0]))
            found.setdefault(number, why)
    return tuple(Line(number, lines[number - 1].strip()[:LONGEST_LINE_KEPT], found[number]) for number in sorted(found))


def in_excerpt(excerpt: Excerpt) -> tuple[Line, ...]:
    """Return the shown lines of the finding's own file that tell their reader what to conclude."""
    found = [
        Line(segment.start_line + line.number - 1, line.text, line.why)
        for segment in excerpt.segments
        if segment.path == excerpt.path
        for line in addressed_to_the_reader("\n".join(segment.lines))
    ]
    return tuple(sorted(found, key=lambda line: line.number))


def bar(answer: VerdictAnswer, lines: Sequence[Line]) -> VerdictAnswer:
    """Return the answer, unsure in place of a false positive where the code speaks to its reader."""
    if not lines or answer.verdict is not Verdict.FALSE_POSITIVE:
        return answer
    numbers = ", ".join(str(line.number) for line in lines[:3])
    where = f"line {numbers}" if len(lines) == 1 else f"lines {numbers}"
    return unsettled(answer, f"The code speaks to its reader ({where}), so the finding is not called a false positive.")


def _read_on(lines: Sequence[str]) -> tuple[str, list[int]]:
    """Return the text with comments that run over several lines put on one, and where each line starts in it."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    continues = False
    for line in lines:
        plain = _plain(line)
        comment = _COMMENT_START.match(plain)
        body = _COMMENT_END.sub("", plain[comment.end() :] if comment else plain)
        is_prose = bool(comment) or (len(plain) <= LONGEST_LINE_KEPT and bool(_PROSE.match(plain)))
        if parts:
            parts.append(" " if continues and is_prose else "\n")
            length += 1
        starts.append(length)
        parts.append(body)
        length += len(body)
        continues = is_prose
    return "".join(parts), starts


def _plain(line: str) -> str:
    """Return a line in ordinary letters: full-width and styled letters folded, invisible ones gone or made visible."""
    if line.isascii():
        return line
    shown = (_seen(character) for character in line)
    return unicodedata.normalize("NFKC", "".join(shown)).replace("’", "'")


def _seen(character: str) -> str:
    if ord(character) in TAG_CHARACTERS:
        return chr(ord(character) - TAG_CHARACTERS[0] + ord(" "))
    return "" if unicodedata.category(character) == "Cf" else character


def _leading_space(text: str) -> int:
    return len(text) - len(text.lstrip())
