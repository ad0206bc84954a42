"""Webhooks as GitHub sends them: its own examples, with the ids and values of the state, signed."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.contracts import contract
from tests.vendors.github.shapes import Json, Shapes
from tests.vendors.github.state import Account, Installation, IssueComment, Pull, Repository, ReviewComment


@dataclass(frozen=True)
class Delivery:
    """What is posted to the webhook's address."""

    headers: Mapping[str, str]
    body: bytes


def example(event: str, action: str = "") -> Json:
    """Return GitHub's example of an event; skips the test where the examples were not fetched."""
    for each in contract("github-webhooks.json"):
        if each["name"] == event:
            found: list[Json] = [one for one in each["examples"] if not action or one.get("action") == action]
            assert found, f"GitHub has no example of {event} {action}"
            return copy.deepcopy(next((one for one in found if "installation" in one), found[0]))
    raise AssertionError(f"GitHub has no event {event}")


def delivery(event: str, payload: Mapping[str, Any], secret: str, *, delivery_id: str = "") -> Delivery:
    """Return a payload signed with a secret; the same `delivery_id` again is a redelivery."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": delivery_id or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return Delivery(headers, body)


class Payloads:
    """Fills GitHub's examples with what a server holds."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def pull_request(self, action: str, pull: Pull, *, sender: Account | None = None) -> Json:
        """Return `opened`, `synchronize`, `closed`, `edited`, `reopened`, `ready_for_review` of a pull request."""
        payload = self._standing("pull_request", action, pull.repository, sender or pull.author)
        return payload | {"number": pull.number, "pull_request": self._shapes.pull(pull)}

    def review_comment(self, action: str, pull: Pull, comment: ReviewComment) -> Json:
        """Return `created`, `edited`, `deleted` of a comment on a line."""
        payload = self._standing("pull_request_review_comment", action, pull.repository, comment.author)
        shape = self._shapes.review_comment(pull.repository, comment)
        return payload | {"pull_request": self._shapes.pull(pull), "comment": shape}

    def issue_comment(self, action: str, pull: Pull, comment: IssueComment) -> Json:
        """Return `created`, `edited`, `deleted` of a comment in the conversation."""
        payload = self._standing("issue_comment", action, pull.repository, comment.author)
        shape, link = self._shapes.pull(pull), self._shapes.pull(pull)["url"]
        told = {"url": link, "html_url": shape["html_url"], "diff_url": shape["diff_url"]}
        issue = payload["issue"] | {
            **{name: shape[name] for name in ("number", "title", "user", "state", "html_url", "body")},
            "pull_request": told,
        }
        return payload | {"issue": issue, "comment": self._shapes.issue_comment(pull.repository, comment)}

    def repository(self, action: str, repository: Repository) -> Json:
        """Return `renamed`, `archived`, `deleted`, `privatized`, ... of a repository."""
        return self._standing("repository", action, repository, repository.owner)

    def installation(self, action: str, installation: Installation) -> Json:
        """Return `created`, `deleted`, `suspend`, `unsuspend`, `new_permissions_accepted` of an installation."""
        payload = example("installation", action) | {"sender": self._shapes.account(installation.account)}
        return payload | {"action": action, "installation": self._shapes.installation(installation)}

    def repositories_chosen(
        self,
        installation: Installation,
        *,
        added: tuple[Repository, ...] = (),
        removed: tuple[Repository, ...] = (),
    ) -> Json:
        """Return `added` or `removed` of `installation_repositories`."""
        action = "added" if added else "removed"
        payload = example("installation_repositories", action) | {
            "action": action,
            "installation": self._shapes.installation(installation),
        }
        return payload | {
            "repositories_added": [self._short(each) for each in added],
            "repositories_removed": [self._short(each) for each in removed],
        }

    def _short(self, repository: Repository) -> Json:
        shape = self._shapes.repository(repository)
        return {name: shape[name] for name in ("id", "node_id", "name", "full_name", "private")}

    def _standing(self, event: str, action: str, repository: Repository, sender: Account) -> Json:
        actions = {one.get("action") for each in contract("github-webhooks.json") for one in each["examples"]}
        payload = example(event, action if action in actions and _has(event, action) else "")
        return payload | {
            "action": action,
            "repository": self._shapes.repository(repository),
            "sender": self._shapes.account(sender),
        }


def _has(event: str, action: str) -> bool:
    return any(
        one.get("action") == action
        for each in contract("github-webhooks.json")
        if each["name"] == event
        for one in each["examples"]
    )
