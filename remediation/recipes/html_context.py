"""Where in a piece of HTML a value lands: only as text, or in a quoted harmless attribute, does escaping suffice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from remediation.recipes.sql_text import Literal, Part, Value, decoded

TAG = re.compile(r"<[A-Za-z!/][^<>]*$")
IN_ATTRIBUTE = re.compile(r"\s([\w-]+)\s*=\s*([\"'])[^\"'<>]*$")
SCRIPTED_ATTRIBUTE = re.compile(r"(?:on\w+|href|src|action|formaction|style|srcdoc|data)$", re.IGNORECASE)
HTML = re.compile(r"<[A-Za-z!/][^<>]*>")


def is_html(parts: Sequence[Part]) -> bool:
    """Tell whether constant text of the parts has a tag in it."""
    return bool(HTML.search("".join(decoded(part.raw) if isinstance(part, Literal) else "x" for part in parts)))


def escaping_suffices(parts: Sequence[Part]) -> bool:
    """Tell whether every value stands where escaping `& < > " '` makes it harmless."""
    text = ""
    for part in parts:
        if isinstance(part, Literal):
            text += decoded(part.raw)
            continue
        if any(text.lower().rfind(f"<{tag}") > text.lower().rfind(f"</{tag}") for tag in ("script", "style")):
            return False
        open_tag = TAG.search(text)
        if open_tag is not None:
            attribute = IN_ATTRIBUTE.search(open_tag[0])
            if attribute is None or SCRIPTED_ATTRIBUTE.match(attribute[1]):
                return False
        text += "x"
    return any(isinstance(part, Value) for part in parts)
