"""How an address finds its answer, and the words with which GitHub says no."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.vendors.github.shapes import Shapes
from tests.vendors.github.state import Account, App, Repository, Token

if TYPE_CHECKING:
    from tests.vendors.github_server import GitHubServer

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Reply:
    """What is sent back; `body` becomes JSON, None is no body at all."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Ends a route early."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass
class Asked:
    """A request on its way to an answer; `token` and `app` say who asks."""

    server: GitHubServer
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes
    parts: dict[str, str] = field(default_factory=dict)
    token: Token | None = None
    app: App | None = None

    @property
    def shapes(self) -> Shapes:
        return self.server.shapes

    @property
    def body(self) -> dict[str, Any]:
        found = json.loads(self.content) if self.content else {}
        return found if isinstance(found, dict) else {}

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query))

    @property
    def account(self) -> Account:
        assert self.token is not None
        return self.token.account

    @property
    def repository(self) -> Repository:
        """The repository of the address; a name that it had once leads to 301, as GitHub's does."""
        full_name = f"{self.parts['owner']}/{self.parts['repo']}"
        for repository in self.server.repositories.values():
            if repository.full_name.lower() == full_name.lower():
                if not self._may_see(repository):
                    break
                return repository
            if full_name in repository.former:
                rest = self.path.removeprefix(f"/repos/{full_name}")
                raise Refusal(moved(f"{self.shapes.api}/repositories/{repository.id}{rest}", self.method))
        raise Refusal(not_found())

    def _may_see(self, repository: Repository) -> bool:
        if self.token is None or (installation := self.token.installation) is None:
            may_all = self.token is not None and (self.token.scopes is None or "repo" in self.token.scopes)
            return may_all or not repository.is_private
        chosen = installation.repository_ids
        return repository.owner == installation.account and (chosen is None or repository.id in chosen)


Answer = Callable[[Asked], Reply]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    needs: tuple[str, str] | None  # a permission and its level
    answer: Answer
    is_by_app: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        deep = re.sub(r"\{(path|ref|branch)\}", r"(?P<\1>.+)", self.template)
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", deep) + "$"))


ROUTES: list[Route] = []


def route(method: str, template: str, *, needs: str = "", is_by_app: bool = False) -> Callable[[Answer], Answer]:
    """Have a function answer an address; `needs` is a permission such as `contents:write`."""
    permission, _, level = needs.partition(":")

    def added(answer: Answer) -> Answer:
        ROUTES.append(Route(method, template, (permission, level) if needs else None, answer, is_by_app))
        return answer

    return added


def page_of(asked: Asked, items: list[Any], *, wrap: Callable[[list[Any]], Any] | None = None) -> Reply:
    """Return one page of a list, with the Link header that leads to the others."""
    wanted = int(asked.parameters.get("per_page", "30"))
    size = min(wanted, 100, asked.server.most_per_page)
    number = int(asked.parameters.get("page", "1"))
    last = max(1, -(-len(items) // size))
    links = []
    for name, at in (("prev", number - 1), ("next", number + 1), ("first", 1), ("last", last)):
        if 1 <= at <= last and at != number:
            rest = "&".join(f"{key}={value}" for key, value in asked.parameters.items() if key != "page")
            links.append(f'<{asked.shapes.api}{asked.path}?{rest}{"&" if rest else ""}page={at}>; rel="{name}"')
    shown = items[(number - 1) * size : number * size]
    return Reply(body=wrap(shown) if wrap else shown, headers={"Link": ", ".join(links)} if links else {})


# --- How GitHub says no ----------------------------------------------------------------------------------------------


def said(status: int, message: str, *, headers: Mapping[str, str] | None = None, **more: object) -> Reply:
    """Return an error as GitHub words it."""
    body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status), **more}
    return Reply(status, body, headers or {})


def bad_credentials() -> Reply:
    return said(401, "Bad credentials")


def forbidden(permission: str = "pull_requests=write", *, by: str = "integration") -> Reply:
    """Return what a token gets that lacks a permission; `by` is integration or personal access token."""
    headers = {"X-Accepted-GitHub-Permissions": permission}
    return said(403, f"Resource not accessible by {by}", headers=headers)


def not_found() -> Reply:
    return said(404, "Not Found")


def gone() -> Reply:
    return said(410, "This issue was deleted")


def moved(location: str, method: str) -> Reply:
    """Return where a renamed repository is; what is written is to be sent there as it was (307)."""
    status = 301 if method == "GET" else 307
    return Reply(status, {"message": "Moved Permanently", "url": location}, {"Location": location})


def archived() -> Reply:
    return said(403, "Repository was archived so is read-only.")


def suspended() -> Reply:
    return said(403, "This installation has been suspended")


def unprocessable(*errors: object) -> Reply:
    """Return what a line outside the diff gets, and other things that GitHub cannot process."""
    return said(422, "Unprocessable Entity", errors=list(errors))


def invalid(resource: str, message: str, *, field_name: str = "base", code: str = "custom") -> Reply:
    error = {"resource": resource, "code": code, "field": field_name, "message": message}
    return said(422, "Validation Failed", errors=[error])


def primary_limit(*, reset_in_seconds: int = 600, status: int = 403) -> Reply:
    """Return what comes when the hour's requests are used up."""
    headers = {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + reset_in_seconds),
    }
    return said(status, "API rate limit exceeded for installation ID 1.", headers=headers)


def secondary_limit(*, retry_after_seconds: int | None = 60, status: int = 403) -> Reply:
    """Return what comes when too much was asked in too short a time."""
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return said(status, words, headers=headers)


def unavailable(status: int = 502) -> Reply:
    return said(status, "Server Error")


def is_over(moment: datetime) -> bool:
    """Tell whether a time has passed."""
    return moment <= datetime.now(UTC)
