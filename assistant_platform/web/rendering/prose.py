"""Text from outside as HTML: Markdown of rules is cleaned, text of models is escaped."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from lib.text import printable

_ALLOWED_TAGS = {"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "a", "blockquote"}
_CODE = re.compile(r"`([^`\n]+)`")


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # Raw HTML is shown as text; images would be fetched from elsewhere, headings would disturb the page's own.
    return MarkdownIt("commonmark", {"html": False, "breaks": False}).disable(
        ["image", "heading", "lheading", "html_block"]
    )


def markdown(text: str) -> SafeString:
    """Return a rule's Markdown as clean HTML: no scripts, styles, images or headings; links lead out plainly."""
    cleaned = nh3.clean(
        _markdown().render(text),
        tags=_ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308  (nh3 has just cleaned it)


def plain(text: str) -> SafeString:
    """Return a model's text as HTML: everything escaped, paragraphs kept, `code` between backticks set as code.

    Links stay text: a model may have been told by the code it read to place one.
    """
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = [_CODE.sub(r"<code>\1</code>", escape(printable(line))) for line in paragraph.split("\n")]
        paragraphs.append(f"<p>{'<br>'.join(lines)}</p>")
    return mark_safe("".join(paragraphs))  # noqa: S308  (every character was escaped above)


def plain_line(text: str) -> SafeString:
    """Return a model's text as one line of HTML, escaped, `code` between backticks set as code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(printable(" ".join(text.split())))))  # noqa: S308


_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)\1")


def unmarked(text: str, *, most_characters: int) -> str:
    """Return the start of a rule's Markdown as plain text on one line; still to be escaped."""
    line = " ".join(text.split())
    for marks, kept in ((_LINK, r"\1"), (_EMPHASIS, r"\2")):
        line = marks.sub(kept, line)
    return line if len(line) <= most_characters else line[: most_characters - 1].rstrip() + "…"
