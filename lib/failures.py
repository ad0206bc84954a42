"""Failures that a later try may cure."""

from __future__ import annotations


class TemporaryFailure(Exception):
    """Work that cannot be done now; the Job waits `retry_after_seconds` (None: its usual back-off) and runs again.

    `spends_attempt=False` is for waiting one's turn: nothing failed, so it is not counted.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, spends_attempt: bool = True) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.spends_attempt = spends_attempt
