"""Proving that a provider answers, by a tiny real request, before anything is saved. No transaction may be open."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

from providers.adapters import new_adapter
from providers.adapters.base import Credentials, ProviderError
from tenancy.waiting import let_go_of_connection

# A thread of the web server waits meanwhile, and so does a person.
LONGEST_PROOF_SECONDS = 20.0
SHORTEST_TRY_SECONDS = 1.0


def deadline() -> float:
    """Return until when, by the monotonic clock, everything that is proved for one request has to have answered."""
    return time.monotonic() + LONGEST_PROOF_SECONDS


def prove(adapter: str, credentials: Credentials, *, until: float) -> None:
    """Ask a tiny question, or raise ProviderError without any secret in it."""
    let_go_of_connection()
    left = until - time.monotonic()
    if left < SHORTEST_TRY_SECONDS:
        raise ProviderError("There was no time left to try this one. Save fewer at once.", permanent=False)
    _prove_one(adapter, replace(credentials, timeout_seconds=min(left, credentials.timeout_seconds)))


def _prove_one(adapter: str, credentials: Credentials) -> None:
    # `from None`: what a vendor's exception says may hold the key, and must not reach a log.
    try:
        with closing(new_adapter(adapter, credentials)) as made:
            made.check()
    except ProviderError as error:
        raise ProviderError(
            credentials.hidden_in(str(error)),
            permanent=error.permanent,
            retry_after_seconds=error.retry_after_seconds,
            refused=error.refused,
            is_rate_limit=error.is_rate_limit,
            about=error.about,
        ) from None
