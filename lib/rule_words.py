"""What rules and reports say in many spellings: texts within limits, confidence, CWE and OWASP entries."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_WORD = 200
MAX_ENTRIES = 20
CONFIDENCES = ("low", "medium", "high")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 lone surrogates
_CWE = re.compile(r"(?<![a-z0-9])cwe[-_ /:]{0,2}0*([1-9]\d{0,4})(?!\d)", re.IGNORECASE)
_OWASP = re.compile(r"(?<![A-Za-z0-9])(A|API|LLM)0?(\d{1,2})[:_-](20\d\d)(?!\d)")


def text_of(value: object, *, limit: int) -> str:
    """Return a text without what the database refuses and cut to `limit`; empty for anything that is no text."""
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("", value[: limit * 2])[:limit]


def texts_of(value: object, *, limit: int = MAX_WORD) -> tuple[str, ...]:
    """Return the texts of a list, or the one text that stands in its place; distinct, at most `MAX_ENTRIES`."""
    entries = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    texts = (text_of(entry, limit=limit).strip() for entry in entries)
    return tuple(dict.fromkeys(text for text in texts if text))[:MAX_ENTRIES]


def confidence_of(word: object) -> str:
    """Return a rule's confidence as low, medium or high; empty for anything else."""
    lowered = word.strip().lower().removeprefix("very-") if isinstance(word, str) else ""
    return lowered if lowered in CONFIDENCES else ""


def cwe_in(texts: Iterable[object]) -> tuple[str, ...]:
    """Return the CWE entries that texts name in any spelling (`external/cwe/cwe-079`, `CWE-79: ...`) as `CWE-79`."""
    found = (f"CWE-{number}" for text in texts if isinstance(text, str) for number in _CWE.findall(text))
    return tuple(dict.fromkeys(found))[:MAX_ENTRIES]


def owasp_in(texts: Iterable[object]) -> tuple[str, ...]:
    """Return the OWASP entries that texts name as `A03:2021`, the newest list first; also `API1:2023`, `LLM01:2025`."""
    found = {
        (-int(year), f"{kind}{int(number) if kind == 'API' else f'{int(number):02}'}:{year}")
        for text in texts
        if isinstance(text, str)
        for kind, number, year in _OWASP.findall(text)
    }
    return tuple(entry for _, entry in sorted(found))[:MAX_ENTRIES]
