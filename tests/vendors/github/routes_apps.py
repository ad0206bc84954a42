"""Apps, their installations, accounts, and which repositories they see."""

from __future__ import annotations

from datetime import timedelta

from tests.vendors.github.routing import Asked, Refusal, Reply, forbidden, not_found, page_of, route, suspended
from tests.vendors.github.shapes import time_of
from tests.vendors.github.state import Account, Installation, Repository, now


@route("GET", "/app", is_by_app=True)
def app(asked: Asked) -> Reply:
    assert asked.app is not None
    return Reply(body=asked.shapes.app(asked.app))


@route("GET", "/app/installations", is_by_app=True)
def installations(asked: Asked) -> Reply:
    found = [each for each in asked.server.installations.values() if each.app is asked.app]
    return page_of(asked, [asked.shapes.installation(each) for each in found])


@route("GET", "/app/installations/{installation_id}", is_by_app=True)
def installation(asked: Asked) -> Reply:
    return Reply(body=asked.shapes.installation(_installation(asked)))


@route("POST", "/app/installations/{installation_id}/access_tokens", is_by_app=True)
def access_token(asked: Asked) -> Reply:
    found = _installation(asked)
    if found.suspended_at is not None:
        raise Refusal(suspended())
    expires_at = now() + timedelta(seconds=asked.server.token_seconds)
    token = asked.server.new_token(
        found.app.bot, prefix="ghs", permissions=found.permissions, installation=found, expires_at=expires_at
    )
    body = {"token": token.value, "expires_at": time_of(expires_at), "permissions": found.permissions}
    return Reply(201, {**body, "repository_selection": "all" if found.repository_ids is None else "selected"})


@route("POST", "/app-manifests/{code}/conversions")
def conversion(asked: Asked) -> Reply:
    """Turn a code into an App, once."""
    made = asked.server.manifest_codes.pop(asked.parts["code"], None)
    if made is None:
        raise Refusal(not_found())
    secrets = {"client_secret": made.client_secret, "webhook_secret": made.webhook_secret, "pem": made.private_key}
    return Reply(201, {**asked.shapes.app(made), "client_id": made.client_id, **secrets})


@route("GET", "/user")
def user(asked: Asked) -> Reply:
    assert asked.token is not None
    if asked.token.installation is not None:
        raise Refusal(forbidden("", by="integration"))
    return Reply(body=asked.shapes.user(asked.account))


@route("GET", "/users/{username}")
def somebody(asked: Asked) -> Reply:
    found = asked.server.accounts.get(asked.parts["username"].lower())
    if found is None:
        raise Refusal(not_found())
    return Reply(body=asked.shapes.user(found))


@route("GET", "/user/repos")
def repositories_of_user(asked: Asked) -> Reply:
    seen = [each for each in asked.server.repositories.values() if may_read(each, asked.account)]
    return page_of(asked, [asked.shapes.repository(each) for each in seen])


@route("GET", "/installation/repositories", needs="metadata:read")
def repositories_of_installation(asked: Asked) -> Reply:
    assert asked.token is not None
    found = asked.token.installation
    if found is None:
        raise Refusal(forbidden("", by="personal access token"))
    seen = [
        asked.shapes.repository(each)
        for each in asked.server.repositories.values()
        if each.owner == found.account and (found.repository_ids is None or each.id in found.repository_ids)
    ]
    return page_of(asked, seen, wrap=lambda page: {"total_count": len(seen), "repositories": page})


def may_read(repository: Repository, account: Account) -> bool:
    """Tell whether somebody owns a repository or works on it."""
    return repository.owner == account or account.login in repository.collaborators


def _installation(asked: Asked) -> Installation:
    found = asked.server.installations.get(int(asked.parts["installation_id"]))
    if found is None or found.app is not asked.app:
        raise Refusal(not_found())
    return found
