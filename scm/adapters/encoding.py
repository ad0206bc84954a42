"""The bytes of a file as text, and a changed text as bytes again, in the encoding that the file had."""

from __future__ import annotations

import codecs

from scm.adapters.base import FileUnreadable, Refused

BYTE_ORDER_MARK = codecs.BOM_UTF8


def decoded(content: bytes, path: str) -> str:
    """Return the text of a file, without a byte-order mark. Raise FileUnreadable where it is none."""
    if b"\0" in content:
        raise FileUnreadable(path, "it is not text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # decodes anything; older sources are nearly always that


def encoded(text: str, before: bytes | None, path: str) -> bytes:
    """Return a text as bytes so that what was not changed keeps every byte; `before` is None for a new file.

    Raise Refused where the file's encoding has no such character.
    """
    if before is None:
        return text.encode()
    try:
        before.decode()
    except UnicodeDecodeError:
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError as error:
            why = f"it is not in UTF-8, and its encoding has no {text[error.start]}"
            raise Refused(f"{path} cannot be written: {why}.") from error
    return BYTE_ORDER_MARK + text.encode() if before.startswith(BYTE_ORDER_MARK) else text.encode()
