"""Our own documentation as HTML, each heading with the anchor that it has in the repository."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt


@dataclass(frozen=True)
class ManualPage:
    """A page with its title, its text, and its headings as (level, anchor, words)."""

    title: str
    html: SafeString
    headings: tuple[tuple[int, str, str], ...]


@lru_cache(maxsize=16)
def manual_page(path: Path) -> ManualPage:
    """Return a Markdown file of docs/; its first heading is the title."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(path.read_text(encoding="utf-8"))
    title = tokens[1].content
    headings: list[tuple[int, str, str]] = []
    taken: Counter[str] = Counter()
    for opening, words in pairwise(tokens[3:]):
        if opening.type == "heading_open":
            word = slugify(words.content)
            anchor = f"{word}-{taken[word]}" if taken[word] else word  # as code hosts number equal headings
            taken[word] += 1
            opening.attrSet("id", anchor)
            headings.append((int(opening.tag[1]), anchor, words.content))
    html = parser.renderer.render(tokens[3:], parser.options, {})
    return ManualPage(title, mark_safe(html), tuple(headings))  # noqa: S308  (a file of ours, and no HTML in it)
