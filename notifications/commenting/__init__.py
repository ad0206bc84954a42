"""Comments in pull requests: what is to stand there, kept in the database first, and the host made to agree with it.

`planning` decides and writes down, `agreeing` asks the host, `owing` knows which pull requests a change concerns.
"""

from __future__ import annotations

from notifications.commenting.agreeing import comment_on, give_up, tidy
from notifications.commenting.owing import (
    pull_requests_of_bulk,
    pull_requests_of_findings,
    pull_requests_of_reopened,
)
from notifications.commenting.telling import learn_of_pull_request

__all__ = [
    "comment_on",
    "give_up",
    "learn_of_pull_request",
    "pull_requests_of_bulk",
    "pull_requests_of_findings",
    "pull_requests_of_reopened",
    "tidy",
]
