"""PyGithub's requester, sent through our guarded client: where it may go, how long it may take, how it is redirected.

PyGithub keeps one connection for all threads and makes others for whatever address an answer names; both are made
here, on our own sessions. It neither retries nor waits of its own: when to ask again, the caller decides.
"""

from __future__ import annotations

import functools
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from github import BadCredentialsException, GithubException
from github.Auth import Auth
from github.GithubObject import NonCompletableGithubObject
from github.PaginatedList import PaginatedList
from github.Requester import Requester, RequestsResponse

from lib.http.sessions import guarded_session
from lib.http.ways import Way
from scm.adapters.base import with_an_end
from scm.adapters.github.errors import translated

TIMEOUT_SECONDS = 30
MOST_REDIRECTS = 3
PER_PAGE = 100
API_VERSION = "2022-11-28"
USER_AGENT = "semgrep-assistant"
REPEATED_AS_READ = frozenset({301, 302})
REPEATED_AS_IT_WAS = frozenset({307, 308})
VERBS = ("HEAD", "GET", "POST", "PATCH", "PUT", "DELETE")

# PyGithub's own name for a connection's arguments, in the order in which `request` takes them.
_Asked = tuple[str, str, Any, Mapping[str, str]]


class _Connection:
    """What PyGithub sends a request through; each thread has its own request on the way."""

    def __init__(
        self, scheme: str, session: requests.Session, host: str, port: int | None = None, **_ignored: Any
    ) -> None:
        self.host = host  # PyGithub reads it
        self._origin = f"{scheme}://{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
        self._session = session
        self._asked: threading.local = threading.local()

    def request(
        self,
        verb: str,
        url: str,
        input: Any,  # noqa: A002  (PyGithub's name)
        headers: Mapping[str, str],
        stream: bool = False,
    ) -> None:
        self._asked.request = (verb, url, input, headers)

    def getresponse(self) -> RequestsResponse:
        """Return the answer, after redirects to the same host: a renamed repository's address leads on by them.

        https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
        PyGithub itself follows fewer, and loses what stands behind the question mark.
        """
        verb, path, content, headers = self._asked.request
        url = f"{self._origin}{path}"
        for _ in range(MOST_REDIRECTS):
            response = self._session.request(
                verb, url, headers=headers, data=content, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
            further = self._further(verb, url, response)
            if further is None:
                response.encoding = "utf-8"  # JSON always is; without a word of the server's it would be guessed
                return RequestsResponse(response)
            url = further
        raise RuntimeError("redirected again and again")

    def _further(self, verb: str, url: str, response: requests.Response) -> str | None:
        location = response.headers.get("location")
        is_repeated = response.status_code in REPEATED_AS_IT_WAS or (
            response.status_code in REPEATED_AS_READ and verb in {"GET", "HEAD"}
        )
        if not location or not is_repeated:
            return None
        further = urljoin(url, location)
        before, after = urlsplit(url), urlsplit(further)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            # Our credentials are for the host that was typed.
            raise RuntimeError(f"redirected to {after.scheme}://{after.netloc}")
        return further if after.query or not before.query else f"{further}?{before.query}"

    def close(self) -> None:
        """Keep nothing: the session belongs to the requester."""


class GuardedRequester(Requester):
    """PyGithub's requester on a guarded session; safe to use from many threads."""

    def __init__(self, *, auth: Auth, address: str, way: Way) -> None:
        super().__init__(
            auth=auth,
            base_url=address,
            timeout=TIMEOUT_SECONDS,
            user_agent=USER_AGENT,
            per_page=PER_PAGE,
            verify=True,
            retry=None,
            pool_size=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
            api_version=API_VERSION,
        )
        session = guarded_session(timeout_seconds=TIMEOUT_SECONDS, way=way)
        http = functools.partial(_Connection, "http", session)
        https = functools.partial(_Connection, "https", session)
        # The classes of connections are PyGithub's for the whole process; there is no public way to set one object's.
        hidden: Any = self
        hidden._Requester__httpConnectionClass = http
        hidden._Requester__httpsConnectionClass = https
        hidden._Requester__connectionClass = https if self.scheme == "https" else http
        # It notes each request's time in a dictionary that other threads walk: all keys are there from the start.
        hidden._Requester__last_requests.update(dict.fromkeys(VERBS, 0.0))

    @classmethod
    def createException(cls, status: int, headers: dict[str, Any], output: Any) -> GithubException:  # noqa: N802  (PyGithub's)
        """Return the exception of an answer; PyGithub fails at one that is no object, as a proxy's may be."""
        return super().createException(
            status, headers, output if isinstance(output, dict) else {"message": str(output)}
        )

    def requestJsonAndCheck(self, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], Any]:  # noqa: N802  (PyGithub's)
        """Ask as PyGithub does; a token that GitHub does not take any more is renewed once, where we can."""
        try:
            return super().requestJsonAndCheck(*args, **kwargs)
        except BadCredentialsException:
            if not isinstance(self.auth, RenewableAuth) or not self.auth.renew():
                raise
        return super().requestJsonAndCheck(*args, **kwargs)


class RenewableAuth(Auth):
    """Credentials that can be had anew."""

    @abstractmethod
    def renew(self) -> bool:
        """Forget what GitHub no longer takes; tell whether asking again makes sense."""


class _Told(NonCompletableGithubObject):
    """One thing of a list as GitHub tells it, without PyGithub's reading of it: that asks again for what is absent."""

    def _initAttributes(self) -> None: ...  # noqa: N802

    def _useAttributes(self, attributes: dict[str, Any]) -> None: ...  # noqa: N802


class Api:
    """GitHub's API as JSON, with errors in our words."""

    def __init__(self, requester: GuardedRequester) -> None:
        self._requester = requester

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return what GitHub says at a path below the API's address. Raise ScmError."""
        return self.get_with_headers(path, parameters)[1]

    def get_with_headers(self, path: str, parameters: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], Any]:
        """Return the headers, in lower case, and the body."""
        with translated():
            return self._requester.requestJsonAndCheck("GET", path, parameters=dict(parameters or {}))

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return what GitHub says to a change. Raise ScmError."""
        with translated():
            return self._requester.requestJsonAndCheck(verb, path, input=None if body is None else dict(body))[1]

    def pages(
        self, path: str, parameters: Mapping[str, Any] | None = None, *, inside: str = "items"
    ) -> Iterator[dict[str, Any]]:
        """Yield every thing of a list, page by page; `inside` names the list where the answer is an object."""
        with translated():
            listed = PaginatedList(_Told, self._requester, path, dict(parameters or {}), list_item=inside)
            for told in with_an_end(listed):
                yield told.raw_data

    def graphql(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of a GraphQL query or mutation. Raise ScmError."""
        with translated():
            answer = self._requester.graphql_query(query, dict(variables))[1]
        found: dict[str, Any] = answer.get("data") or {}
        return found

    def close(self) -> None:
        """Close what PyGithub holds."""
        self._requester.close()
