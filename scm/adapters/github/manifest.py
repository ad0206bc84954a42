"""GitHub Apps made from a manifest: what is asked for, and what GitHub hands back when somebody has made one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pydantic

from lib.http.client import send
from lib.http.policy import OutboundError
from lib.http.ways import Way
from scm.adapters.base import NotThere, ScmError
from scm.adapters.github.addresses import api_address
from scm.adapters.values import HostAccess

MOST_NAME = 34  # https://docs.github.com/apps/creating-github-apps/registering-a-github-app/registering-a-github-app
TIMEOUT_SECONDS = 20.0
# `contents: write` is for fix pull requests, and GitHub asks for it to resolve a thread.
PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "checks": "write",
    "statuses": "write",
}
# An App is told of `installation` and `installation_repositories` without asking.
EVENTS = ("pull_request", "pull_request_review_comment", "issue_comment", "repository")


@dataclass(frozen=True)
class CreatedApp:
    """A GitHub App that was made from our manifest; the secrets are shown this once."""

    app_id: str
    slug: str
    name: str
    web_url: str
    client_id: str
    client_secret: str = field(repr=False)
    private_key: str = field(repr=False)  # PEM
    webhook_secret: str = field(repr=False)


class _Conversion(pydantic.BaseModel):
    """What GitHub says of an App that was just made."""

    id: int
    slug: str
    name: str
    html_url: str
    client_id: str
    client_secret: str
    pem: str
    webhook_secret: str | None


def manifest(*, name: str, public_url: str, hook_url: str, redirect_url: str) -> dict[str, Any]:
    """Return the manifest of an App that only its owner can install; to be posted to GitHub as JSON.

    `public_url` is where people reach us, `redirect_url` where GitHub sends them back with the code.
    """
    return {
        "name": name[:MOST_NAME].strip(),
        "url": public_url,
        "description": "Judges static-analysis findings, comments on pull requests and proposes fixes.",
        "hook_attributes": {"url": hook_url, "active": True},
        "redirect_url": redirect_url,
        "callback_urls": [redirect_url],
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }


def form_address(base_url: str, *, organization: str = "") -> str:
    """Return where the manifest is posted to by the person's browser; GitHub wants `?state=` behind it."""
    owner = f"organizations/{organization}/" if organization else ""
    return f"{base_url.rstrip('/')}/{owner}settings/apps/new"


def exchange_code(access: HostAccess, code: str) -> CreatedApp:
    """Return the App that a code stands for; it holds for an hour, and once. Raise ScmError."""
    if not code.isalnum():
        raise NotThere("GitHub's answer has no code that could be right. Begin again.")
    way = Way(access.proxy_url, access.ca_bundle)
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "semgrep-assistant"}
    url = f"{api_address(access.base_url)}/app-manifests/{code}/conversions"
    try:
        answer = send(url, method="POST", headers=headers, timeout_seconds=TIMEOUT_SECONDS, way=way)
        if answer.status == 404:  # noqa: PLR2004
            raise NotThere("GitHub does not know this code: it holds for an hour, and once. Make the App again.")
        if not answer.is_success:
            raise ScmError(f"GitHub answered {answer.status} when asked for the new App.", permanent=False)
        made = _Conversion.model_validate(answer.json())
    except OutboundError as error:
        raise ScmError(str(error), permanent=error.permanent) from error
    except pydantic.ValidationError as error:
        raise ScmError("GitHub's answer describes no App.", permanent=True) from error
    return CreatedApp(
        app_id=str(made.id),
        slug=made.slug,
        name=made.name,
        web_url=made.html_url,
        client_id=made.client_id,
        client_secret=made.client_secret,
        private_key=made.pem,
        webhook_secret=made.webhook_secret or "",
    )
