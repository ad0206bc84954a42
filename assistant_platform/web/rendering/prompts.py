"""What was sent to a model, as HTML: the values that were taken out are marked, and counted by their kind."""

from __future__ import annotations

import json
from collections import Counter

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from providers.redaction import placeholders_in
from providers.redaction.spans import Kind

_NAMES = {
    Kind.SECRET: ("secret", "secrets"),
    Kind.EMAIL: ("e-mail address", "e-mail addresses"),
    Kind.PERSON: ("name of a person", "names of people"),
    Kind.TEXT: ("text that looked like a placeholder", "texts that looked like placeholders"),
}


def with_hidden_values(text: str) -> SafeString:
    """Return a text in which each placeholder is marked, everything else escaped."""
    parts: list[SafeString] = []
    end = 0
    for start, stop, kind in placeholders_in(text):
        parts.append(format_html("{}", text[end:start]))
        title = f"A {_NAMES[kind][0]} stood here; it did not leave this server."
        parts.append(format_html('<mark class="hidden-value" title="{}">{}</mark>', title, text[start:stop]))
        end = stop
    parts.append(format_html("{}", text[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))


def hidden_kinds(text: str) -> list[str]:
    """Return how many different values of each kind were taken out of a text, in words."""
    different = {text[start:stop]: kind for start, stop, kind in placeholders_in(text)}
    counted = Counter(different.values())
    return [f"{count} {_NAMES[kind][count > 1]}" for kind, count in counted.items()]


def readable(reply: str) -> str:
    """Return an answer with its JSON on lines of their own; what is no JSON stays as it came."""
    try:
        return json.dumps(json.loads(reply), indent=2, ensure_ascii=False)
    except ValueError:
        return reply
