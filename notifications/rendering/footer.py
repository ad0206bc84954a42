"""The organization's own last lines: Markdown, of which paragraphs, bold, code and links are taken."""

from __future__ import annotations

import re

from notifications.rendering import escaping

_LINK_OR_BOLD = re.compile(
    r"\[(?P<label>[^\[\]\n]{1,300})\]\(<?(?P<url>https?://[^\s()<>]{1,1000})>?\)|\*\*(?P<bold>[^*\n]{1,300})\*\*"
)
_SIGNS = re.compile(r"[.,;:!?]{1,3}(?=\s|$)")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")


def footer_of(text: str) -> str:
    """Return the footer below a rule, empty where there is none. Everything but what is taken is shown as text."""
    written = [one for part in _PARAGRAPH.split(text.replace("\r\n", "\n")) if (one := _paragraph(part))]
    return "\n\n".join(["---", *written]) if written else ""


def _paragraph(text: str) -> str:
    pieces: list[str] = []
    end = 0
    for found in _LINK_OR_BOLD.finditer(text):
        pieces.append(escaping.line(text[end : found.start()]))
        after = _SIGNS.match(text, found.end())
        pieces.append(_kept(found) + (after[0] if after else ""))
        end = after.end() if after else found.end()
    pieces.append(escaping.line(text[end:]))
    return " ".join(piece for piece in pieces if piece)


def _kept(found: re.Match[str]) -> str:
    if found["bold"] is not None:
        bold = escaping.line(found["bold"])
        return f"**{bold}**" if bold else ""
    return escaping.link(found["label"], found["url"])
