"""What templates need beyond `if` and `for`: icons, times, pills, text from outside."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from assistant_platform.web.rendering import prompts, prose
from lib.standards import cwe_title, owasp_title

register = template.Library()

register.filter("markdown", prose.markdown)
register.filter("plain", prose.plain)
register.filter("plain_line", prose.plain_line)
register.filter("with_hidden_values", prompts.with_hidden_values)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of the sprite; without a label it is only for the eye."""
    return _icon(name, label)


@lru_cache(maxsize=256)
def _icon(name: str, label: str) -> SafeString:
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>',
        spoken,
        static("vendor/feather-sprite.svg"),
        name,
    )


@register.simple_tag
def ago(at: datetime | None, nothing: str = "never") -> SafeString:
    """Return a time as people say it, with the exact one as its title."""
    if at is None:
        return format_html("{}", nothing)
    exact = localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S %Z}", naturaltime(at)
    )


@register.simple_tag
def query(pairs: list[tuple[str, str]], **more: object) -> str:
    """Return a query string of pairs and what is added to them; empty where there is nothing."""
    added = [(name, str(value)) for name, value in more.items() if value not in (None, "")]
    return f"?{urlencode([*pairs, *added])}" if pairs or added else "?"


@register.filter
def with_title(standard: str) -> str:
    """Return a CWE or OWASP category with what the standard calls it, as far as we know it."""
    number = standard.removeprefix("CWE-")
    title = cwe_title(int(number)) if number.isdigit() else owasp_title(standard)
    return f"{standard}: {title}" if title else standard


@register.filter
def seconds(milliseconds: int) -> str:
    """Return a duration in seconds."""
    return f"{milliseconds / 1000:.1f} s"


@register.filter
def dollars(amount: Decimal) -> str:
    """Return US dollars with the digits that matter: cents, or four places below a dollar."""
    if not amount:
        return "US$ 0"
    if amount < Decimal("0.0001"):
        return "less than US$ 0.0001"
    return f"US$ {amount:,.4f}" if amount < 1 else f"US$ {amount:,.2f}"


@register.filter
def short_commit(revision: str) -> str:
    """Return a commit as people write it."""
    return revision if revision.startswith("scan-") else revision[:10]
