"""A code host that sends webhooks, and what it sends."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from assistant_platform.api.hooks import traffic
from scm.models import CodeHost
from scm.senders import forget_senders
from tenancy.models import Organization
from tests import factories

_numbers = itertools.count(1)
REPOSITORY = {
    "id": 186853002,
    "full_name": "acme/shop",
    "html_url": "https://github.example/acme/shop",
    "default_branch": "main",
    "private": True,
    "archived": False,
}


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with nothing remembered, and let a test write down what was counted, rather than a thread."""
    monkeypatch.setattr(traffic, "_counted", traffic._Counted())
    monkeypatch.setattr(traffic, "_write_later", lambda: None)
    forget_senders()
    yield
    forget_senders()


@pytest.fixture
def host(in_acme: Organization) -> CodeHost:
    """GitHub, as Acme has connected it."""
    return factories.a_code_host(account="assistant[bot]", account_id="99")


def signed(body: bytes, secret: str = "hook secret") -> dict[str, str]:
    """Return the headers of a delivery of `pull_request` that is like no other."""
    return {
        "X-GitHub-Delivery": f"delivery-{next(_numbers)}",
        "X-GitHub-Event": "pull_request",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def send(host: CodeHost, body: bytes | dict[str, Any], *, secret: str = "hook secret", **options: Any) -> Any:
    """Send a webhook to a host's address; `headers` take the place of the right ones, None leaves one out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {**signed(content, secret), **options.pop("headers", {})}
    headers = {name: value for name, value in given.items() if value is not None}
    address = f"/hooks/{options.pop('kind', host.kind)}/{options.pop('key', host.hook_key)}"
    content_type = options.pop("content_type", "application/json")
    return Client(headers=headers).post(address, content, content_type=content_type, **options)


def a_pull_request(action: str = "opened", **fields: Any) -> dict[str, Any]:
    """Return what GitHub says of a pull request."""
    pull_request = {
        "number": 7,
        "title": "Add orders",
        "state": "open",
        "draft": False,
        "merged_at": None,
        "head": {"ref": "orders", "sha": "a" * 40, "repo": {"id": 186853002}},
        "base": {"ref": "main", "sha": "b" * 40, "repo": {"id": 186853002}},
        "user": {"id": 5, "login": "mona", "type": "User"},
        "html_url": "https://github.example/acme/shop/pull/7",
        "updated_at": "2026-11-20T10:00:00Z",
        **fields,
    }
    return {"action": action, "pull_request": pull_request, "repository": REPOSITORY}


def a_comment(body: str = "/fp it is a constant", **author: Any) -> dict[str, Any]:
    """Return what GitHub says of a comment in a pull request's conversation."""
    return {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "https://github.example/pulls/7"}},
        "comment": {"id": 31, "body": body, "user": {"id": 5, "login": "mona", "type": "User", **author}},
        "repository": REPOSITORY,
    }
