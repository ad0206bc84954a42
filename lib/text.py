"""Small things done to text."""

from __future__ import annotations

import json


def json_object_in(text: str) -> str:
    """Return the first JSON object in a text, which may stand in prose or in a code block; ValueError without one."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start != -1:
        try:
            _, end = decoder.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        return text[start:end]
    raise ValueError("there is no JSON object in the answer" + (", or it was cut off" if "{" in text else ""))
