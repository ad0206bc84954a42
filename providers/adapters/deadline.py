"""How long one question may take altogether, and how much may come back, whatever the provider does with its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import lib.http.deadline
from lib.http.deadline import AnswerTooLong, bind

__all__ = ["AnswerTooLong", "at_most", "bind"]

MOST_BYTES = 16 * 1024 * 1024


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let the requests inside, taken together, last that long at most."""
    with lib.http.deadline.at_most(seconds=seconds, most_bytes=MOST_BYTES):
        yield
