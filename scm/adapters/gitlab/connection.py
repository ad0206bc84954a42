"""How GitLab is reached, and what its refusals mean: python-gitlab over our guarded session."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import gitlab
import requests

from lib.http.policy import OutboundError
from lib.http.sessions import guarded_session
from lib.http.ways import Way
from scm.adapters.base import NotAllowed, NotThere, RateLimited, Refused, ScmError, WrongCredentials
from scm.adapters.values import HostAccess

TIMEOUT_SECONDS = 30.0
PER_PAGE = 100  # the most that GitLab gives
SCOPE = "api"
WAIT_SECONDS = 60.0  # where GitLab does not say how long; its limits are by the minute
LONGEST_WAIT_SECONDS = 3600.0
MOST_WORDS = 300
BAD_REQUEST, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, SERVER_ERROR = 400, 408, 429, 500

WRONG_TOKEN = (
    "GitLab refuses the token (401): it is wrong, has expired or was revoked. Make another one there with the scope "
    f"{SCOPE}, and enter it here."
)
NO_SCOPE = f"The token may not do this (403): it lacks the scope {SCOPE}. Make one that has it, and enter it here."
NO_ROLE = (
    "GitLab does not allow this (403). The token's user needs the role Developer in the project; for webhooks, "
    "Maintainer."
)
HIDDEN = "GitLab knows nothing there, or hides it from the token (404)"
A_PAGE = (
    "This address answers with a web page, not with GitLab's API ({status}). Check the address; where something stands "
    "in front of GitLab that asks people to sign in, it must let requests to /api/v4 through."
)
NO_JSON = "GitLab's answer cannot be read: it is not JSON. Check the address."


class Connection(gitlab.Gitlab):
    """python-gitlab as we use it: nothing is tried again, nothing waits, and every error is a ScmError.

    Its own errors keep no headers, and it would sleep where GitLab asks for a pause; so answers are judged in a hook of
    the session, before it sees them.
    """

    def __init__(self, access: HostAccess) -> None:
        way = Way(proxy_url=access.proxy_url, ca_bundle=access.ca_bundle)
        session = guarded_session(timeout_seconds=TIMEOUT_SECONDS, way=way)
        session.hooks["response"].append(_judge)
        super().__init__(
            access.base_url.rstrip("/"),
            private_token=access.token,
            timeout=TIMEOUT_SECONDS,
            per_page=PER_PAGE,
            retry_transient_errors=False,
            keep_base_url=True,  # the token goes nowhere but to the address that was typed
            session=session,
        )

    def http_request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return an answer that is a success, or raise ScmError."""
        try:
            return super().http_request(*args, **kwargs)
        except requests.RequestException as error:
            raise _unreachable(error) from error
        except gitlab.GitlabError as error:
            raise ScmError(f"GitLab could not be asked: {error.error_message}"[:MOST_WORDS], permanent=True) from error


def _judge(response: requests.Response, *args: object, **kwargs: object) -> None:
    """Raise the ScmError that an answer means, or leave it as it is."""
    if response.is_redirect:
        _check_redirect(response)
        return
    status, kind = response.status_code, response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status == TOO_MANY_REQUESTS:
        raise RateLimited(
            "GitLab asks us to wait: there were too many requests (429).", retry_after_seconds=_pause(response.headers)
        )
    if status >= SERVER_ERROR:
        raise ScmError(f"GitLab has trouble of its own ({status}). It will be asked again.", permanent=False)
    if kind == "text/html":
        raise ScmError(A_PAGE.format(status=status), permanent=True)
    if status >= BAD_REQUEST:
        raise _refusal(response)
    if response.content:
        _check_json(response, kind)


def _check_json(response: requests.Response, kind: str) -> None:
    try:
        is_json = kind == "application/json" and json.loads(response.content) is not None
    except (ValueError, RecursionError):
        is_json = False
    if not is_json:
        raise ScmError(NO_JSON, permanent=True)


def _check_redirect(response: requests.Response) -> None:
    """Let a renamed project lead on to its number, and nothing lead elsewhere: the token would go there too."""
    here, there = urlsplit(str(response.url)), urlsplit(urljoin(str(response.url), response.headers["Location"]))
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        origin = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"[:200]
        raise ScmError(f"This address sends us on to {origin}. Enter the address that is meant.", permanent=True)
    if response.request.method not in {"GET", "HEAD"}:
        raise NotThere("The project has another name on GitLab now (301).")


def _refusal(response: requests.Response) -> ScmError:
    said = _object(response)
    words = _words(said)
    match response.status_code:
        case 401:
            return WrongCredentials(WRONG_TOKEN)
        case 403 if said.get("error") == "insufficient_scope":
            return NotAllowed(NO_SCOPE, missing=SCOPE)
        case 403:
            return NotAllowed(NO_ROLE)
        case 404 | 410:
            return NotThere(f"{HIDDEN}: {words}." if words else f"{HIDDEN}.")
        case 400 | 409 | 413 | 422 | 423:
            return Refused(f"GitLab refuses it ({response.status_code}): {words or response.reason}.")
        case status:
            return ScmError(
                f"GitLab refuses it ({status}): {words or response.reason}.", permanent=status != REQUEST_TIMEOUT
            )


def _object(response: requests.Response) -> Mapping[str, Any]:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _words(said: Mapping[str, Any]) -> str:
    """Return what GitLab said: a sentence, a list of them, or lists of them by field."""
    message = said.get("message") or said.get("error_description") or said.get("error") or ""
    if isinstance(message, dict):
        message = "; ".join(f"{field}: {_joined(why)}" for field, why in message.items())
    return _joined(message)[:MOST_WORDS].rstrip(". ")


def _joined(words: object) -> str:
    return ", ".join(map(str, words)) if isinstance(words, list) else str(words)


def _pause(headers: Mapping[str, str]) -> float:
    """Return how many seconds GitLab asks us to wait: `Retry-After`, or until its count begins anew."""
    now = time.time()
    waits = (
        _seconds(headers.get("Retry-After", "")),
        _moment(headers.get("Retry-After", ""), now),
        _seconds(headers.get("RateLimit-Reset", ""), since=now),
    )
    wait = next((each for each in waits if each is not None and each >= 0), WAIT_SECONDS)
    return min(max(wait, 1.0), LONGEST_WAIT_SECONDS)


def _seconds(value: str, *, since: float = 0.0) -> float | None:
    return float(value) - since if value.strip().isdecimal() else None


def _moment(value: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() - now
    except ValueError:
        return None


def _unreachable(error: requests.RequestException) -> ScmError:
    cause = error.__cause__
    if isinstance(cause, OutboundError):
        return ScmError(str(cause), permanent=cause.permanent)
    if isinstance(error, requests.Timeout | requests.ConnectionError):
        return ScmError("GitLab cannot be reached.", permanent=False)
    return ScmError("GitLab cannot be asked: check the address and the token's characters.", permanent=True)
