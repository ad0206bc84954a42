"""A comment as its host would show it: Markdown with the few tags of ours, cleaned before a browser sees it."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS = {"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "a", "details", "summary", "hr"} | {
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")


def comment(body: str) -> SafeString:
    """Return a comment of ours as clean HTML; its links lead out plainly."""
    cleaned = nh3.clean(
        _markdown().render(body),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308  (nh3 has just cleaned it)
