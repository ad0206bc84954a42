"""From what goes wrong between us and GitHub to what an Admin reads, and whether asking again can help.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import jwt
import pydantic
import requests
from github import GithubException

from lib.http.policy import OutboundError
from scm.adapters.base import NotAllowed, NotThere, RateLimited, Refused, ScmError, WrongCredentials

LIMIT_SECONDS = 60.0  # what GitHub asks for where it says nothing
LONGEST_WAIT_SECONDS = 7200.0  # its limits begin anew every hour
LONGEST_WORDS = 300
FORBIDDEN_BY_GRAPHQL = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})
GRAPHQL_ERROR = 400  # PyGithub's own: GraphQL tells errors with 200


class Unprocessable(Refused):
    """GitHub understood and cannot do it (422); `words` are its own."""

    def __init__(self, words: str) -> None:
        super().__init__(f"GitHub refuses: {words}")
        self.words = words


@contextmanager
def translated() -> Iterator[None]:
    """Raise ScmError for whatever PyGithub and the network raise inside."""
    try:
        yield
    except GithubException as error:
        raise _said_no(error) from error
    except requests.RequestException as error:
        cause = error.__cause__
        permanent = isinstance(cause, OutboundError) and cause.permanent
        raise ScmError(str(error)[:LONGEST_WORDS], permanent=permanent) from error
    except pydantic.ValidationError as error:
        raise ScmError(f"GitHub's answer lacks what was asked for: {_places(error)}.", permanent=False) from error
    except jwt.PyJWTError as error:
        raise WrongCredentials("The GitHub App's private key cannot be used. Generate another and enter it.") from error
    except (AssertionError, RuntimeError) as error:
        # PyGithub follows no link to another address than it was given.
        raise ScmError(
            f"GitHub leads to another address than the one that was entered. Check it. ({error})"[:LONGEST_WORDS],
            permanent=True,
        ) from error
    except ValueError as error:
        raise ScmError("The answer is no JSON: is this GitHub's address?", permanent=False) from error


def _said_no(error: GithubException) -> ScmError:
    headers = {name.lower(): str(value) for name, value in (error.headers or {}).items()}
    words = _words(error)
    if error.status == GRAPHQL_ERROR and _graphql_kinds(error):
        return _graphql_error(_graphql_kinds(error), words, headers)
    limit = _limit(error.status, words, headers)
    if limit is not None:
        return limit
    return _by_status(error.status, words, headers)


def _by_status(status: int, words: str, headers: Mapping[str, str]) -> ScmError:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return WrongCredentials(f"GitHub does not accept our credentials: {words}. Enter new ones.")
        case HTTPStatus.FORBIDDEN:
            return _forbidden(words, headers)
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            return NotThere(f"GitHub shows us nothing there ({words}): it is gone, or we may not see it.")
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return Unprocessable(words)
        case HTTPStatus.CONFLICT:
            return Refused(f"GitHub refuses: {words}")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ScmError(f"GitHub has a problem of its own ({status}): {words}", permanent=False)
        case _:
            return ScmError(f"GitHub answers {status}: {words}", permanent=True)


def _limit(status: int, words: str, headers: Mapping[str, str]) -> RateLimited | None:
    """Return how long to wait where GitHub had too many requests of us, None where that is not what it says.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    seconds: float | None = None
    if headers.get("retry-after", "").isdigit():
        seconds = float(headers["retry-after"])
    elif headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        seconds = max(1.0, float(headers["x-ratelimit-reset"]) - time.time())
    elif status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in words.lower():
        seconds = LIMIT_SECONDS
    if seconds is None:
        return None
    seconds = min(seconds, LONGEST_WAIT_SECONDS)
    return RateLimited(f"GitHub wants us to wait {seconds:.0f} seconds: {words}", retry_after_seconds=seconds)


def _forbidden(words: str, headers: Mapping[str, str]) -> ScmError:
    lower = words.lower()
    if "archived" in lower:
        return Refused(f"The repository is archived, so nothing can be written: {words}")
    if "suspended" in lower:
        return NotAllowed("The GitHub App is suspended there. An owner of the account can unsuspend it.")
    if sign_on := headers.get("x-github-sso"):
        return NotAllowed(f"The organization wants the token to be authorized for single sign-on: {sign_on}"[:500])
    missing = headers.get("x-accepted-github-permissions", "") or _missing_scope(headers)
    if missing:
        return NotAllowed(f"GitHub does not allow it; what is missing is {missing}. ({words})", missing=missing)
    return NotAllowed(f"GitHub does not allow it: {words}")


def _missing_scope(headers: Mapping[str, str]) -> str:
    """Return the scopes of which a classic token needs one, empty where it has one or GitHub does not say."""
    accepted = _split(headers.get("x-accepted-oauth-scopes", ""))
    has = _split(headers.get("x-oauth-scopes", ""))
    return "" if accepted & has else ", ".join(sorted(accepted))


def _split(scopes: str) -> set[str]:
    return {scope.strip() for scope in scopes.split(",")} - {""}


def _words(error: GithubException) -> str:
    """Return GitHub's own words with the reasons behind them, on one line."""
    data: Any = error.data
    if not isinstance(data, dict):
        return str(error.message or error.status)[:LONGEST_WORDS]
    parts = [data["message"]] if isinstance(data.get("message"), str) else []
    reasons = data.get("errors")
    for reason in reasons if isinstance(reasons, list) else [reasons] if reasons else []:
        if isinstance(reason, dict):
            told = reason.get("message") or " ".join(
                str(reason[name]) for name in ("resource", "field", "code") if reason.get(name)
            )
            parts.append(str(told))
        else:
            parts.append(str(reason))
    return " ".join("; ".join(dict.fromkeys(parts)).split())[:LONGEST_WORDS] or str(error.status)


def _graphql_kinds(error: GithubException) -> set[str]:
    data: Any = error.data
    if not isinstance(data, dict) or not isinstance(data.get("errors"), list):
        return set()
    return {str(each.get("type", "")) for each in data["errors"] if isinstance(each, dict)}


def _graphql_error(kinds: set[str], words: str, headers: Mapping[str, str]) -> ScmError:
    if "RATE_LIMITED" in kinds:
        limit = _limit(HTTPStatus.TOO_MANY_REQUESTS, words, headers)
        assert limit is not None  # 429 always is one
        return limit
    if kinds & FORBIDDEN_BY_GRAPHQL:
        return NotAllowed(f"GitHub does not allow it: {words}")
    if kinds == {"NOT_FOUND"}:
        return NotThere(f"GitHub shows us nothing there ({words}): it is gone, or we may not see it.")
    # Without a type, it is mostly GitHub that could not finish in time.
    return ScmError(f"GitHub could not answer: {words}", permanent=kinds != {""})


def _places(error: pydantic.ValidationError) -> str:
    return ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
