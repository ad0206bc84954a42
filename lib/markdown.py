"""Text of others in Markdown, so that neither GitHub nor GitLab makes more of it than letters.

Both hosts look for mentions, references and addresses in the *rendered* text, so that neither a backslash nor an entity
keeps `@name` or `#12` from pinging somebody; what stands in code they leave alone. So a word is written as it is only
if it is of a harmless form; every other word becomes code, where it can be read and copied and does nothing.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from lib.text import printable

# After `printable`: letters and digits of ASCII, and everything beyond it. No host gives meaning to what is not ASCII.
_LETTER = r"[A-Za-z0-9\u0080-\U0010ffff]"
_HARMLESS = re.compile(rf"""[("']{{0,2}}{_LETTER}+(?:[-'.,/]{_LETTER}+)*(?:\(s\))?[)"'.,;:!?%]{{0,4}}""")
# Of harmless form, and still made into links: addresses, commits, and keys of trackers (GH-1, ABC-12, CWE-79).
_LINKED = re.compile(r"www\.|(?<![a-z0-9])[0-9a-f]{7,}(?![a-z0-9])|[a-z0-9]-[0-9]", re.IGNORECASE)
_LONE_SIGNS = frozenset({"-", "+", "=", "&", "/", "*", ",", ".", "...", "--"})
_NUMBER_OF_A_LIST = re.compile(r"^([0-9]{1,9})([.)])")
_ASCII_SIGN = re.compile(r"([!-/:-@\[-`{-~])")

_CODE_BY_AUTHOR = r"""(?<!\S)(?P<before>[("']{0,2})`(?P<code>[^`]+)`(?P<after>(?:'s)?[)"'.,;:!?]{0,4})(?!\S)"""
_PIECE = re.compile(rf"{_CODE_BY_AUTHOR}|(?P<word>\S+)")
_WRAPPED = re.compile(r"""(?P<before>[("'])(?P<code>.+)(?P<after>[)"'])(?P<end>[.,;:!?]{0,3})""")
_PAIRS = {("(", ")"), ('"', '"'), ("'", "'")}
_ENDED = re.compile(r"(?P<code>.+?)(?P<end>[.,;:!?]{0,3})")
_BACKTICKS = re.compile(r"`+")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\(<?(https?://[^\s()<>]{1,1000})>?\)")
_EMPHASIS = re.compile(r"\*\*(?=\S)([^*\n]{1,500}?)(?<=\S)\*\*|(?<!\w)__(?=\S)([^_\n]{1,500}?)(?<=\S)__(?!\w)")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")

MOST_CHARACTERS = 12_000  # of one text; more is no explanation


def line(text: str, *, most_characters: int = MOST_CHARACTERS) -> str:
    """Return a text on one line: harmless words as they are, everything else as code."""
    text = _MARKDOWN_LINK.sub(r"\1 (\2)", cut(text, most_characters))
    text = _EMPHASIS.sub(lambda found: found[1] or found[2], text)
    text = " ".join(printable(word) for word in text.split())
    return " ".join(_piece(found) for found in _PIECE.finditer(text))


def paragraphs(text: str, *, most_characters: int = MOST_CHARACTERS) -> str:
    """Return a text of several paragraphs, each of which is one line."""
    parts = _PARAGRAPH.split(cut(text, most_characters).replace("\r\n", "\n"))
    return "\n\n".join(written for part in parts if (written := line(part)))


def code(text: str, *, most_characters: int = 500) -> str:
    """Return a text as a code span on one line; empty where it has nothing to show."""
    text = printable(" ".join(cut(text, most_characters).split()))
    if not text:
        return ""
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def block(text: str, *, language: str = "", indent: int = 1) -> str:
    """Return lines of code in a fence that nothing inside can close.

    Every line is set in by at least one blank, which Markdown takes off again: a line of a note that begins with a
    slash is a command to GitLab, in code blocks too where older versions mistake where these end.
    """
    lines = [printable(one.removesuffix("\r")) for one in text.strip("\n").split("\n")]
    fence = fence_for(lines)
    margin = " " * max(indent, 1)
    return "\n".join((margin + one).rstrip() for one in (f"{fence}{language}", *lines, fence))


def fence_for(lines: list[str]) -> str:
    """Return backticks, more than stand together anywhere in the lines."""
    return "`" * max(3, max((_longest_run(one) for one in lines), default=0) + 1)


def link(label: str, url: str) -> str:
    """Return a link of ours; only its label where the address is none that a browser would open. `label` is escaped."""
    target = address(url)
    return f"[{line(label)}]({target})" if target else line(label)


def address(url: str) -> str:
    """Return an address as it can stand in a link, empty where it is not one of http or https."""
    if any(character.isspace() for character in url) or printable(url) != url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    return quote(url, safe=":/?#@!$&*+,;=%~-._")  # the brackets of Markdown are percent-encoded, and quotes


def cut(text: str, most_characters: int) -> str:
    """Return the start of a text that is too long, with three dots."""
    return text if len(text) <= most_characters else text[: most_characters - 1].rstrip() + "…"


def _piece(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None:
        return f"{found['before']}{code(found['code'])}{found['after']}"
    if word in _LONE_SIGNS:
        return _ASCII_SIGN.sub(r"\\\1", word)
    if _HARMLESS.fullmatch(word) and not _LINKED.search(word):
        return _NUMBER_OF_A_LIST.sub(r"\1\\\2", word)
    return _as_code(word)


def _as_code(word: str) -> str:
    wrapped = _WRAPPED.fullmatch(word)
    if wrapped and (wrapped["before"], wrapped["after"]) in _PAIRS:
        return f"{wrapped['before']}{code(wrapped['code'])}{wrapped['after']}{wrapped['end']}"
    ended = _ENDED.fullmatch(word)
    if ended and not word.endswith(("...", "::")):
        return f"{code(ended['code'])}{ended['end']}"
    return code(word)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
