"""Proving that a code host lets us in, and asking what we may do there. No transaction may be open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from scm.adapters import new_adapter
from scm.adapters.base import NotAllowed, NotThere, ScmError, WrongCredentials
from scm.adapters.values import HostAccess, Identity, InstallationFacts, PermissionCheck
from scm.drafts import HostRefused
from scm.models import HostKind
from tenancy.waiting import let_go_of_connection

SHORTEST_HIDDEN = 8
# As the adapters name them: GitHub's permission, and GitLab's scope.
NEEDED_TO_READ = {"contents: read", "api"}


@dataclass(frozen=True)
class Proof:
    """What a host said: who we are there, what we may do, and where the App is installed (nothing for a token)."""

    identity: Identity
    checks: list[PermissionCheck]
    installations: list[InstallationFacts]

    @property
    def missing(self) -> list[PermissionCheck]:
        """What we may not do."""
        return [check for check in self.checks if check.granted is False]

    @property
    def may_not_read(self) -> bool:
        """Whether the host lets us in, and then read no code: nothing of the Assistant works without that."""
        return any(check.name in NEEDED_TO_READ for check in self.missing)


class Unproved(HostRefused):
    """The host was asked and it did not work; `is_passing` where it may by itself."""

    def __init__(self, message: str, *, field: str, is_passing: bool) -> None:
        super().__init__(message, field=field)
        self.is_passing = is_passing


def prove(kind: HostKind, access: HostAccess) -> Proof:
    """Ask a host who we are and what we may do there, or raise Unproved without any secret in it."""
    let_go_of_connection()
    with told_in_words(access):
        adapter = new_adapter(kind, access)
        try:
            identity = adapter.whoami()
            checks = adapter.check()
            installations = adapter.installations() if access.app_id else []
        finally:
            adapter.close()
    proof = Proof(identity, checks, installations)
    if proof.may_not_read:
        lacking = ", ".join(check.name for check in proof.missing)
        raise Unproved(
            f"The host knows {proof.identity.account}, but does not let it read code. Missing: {lacking}.",
            field=_secret_of(access),
            is_passing=False,
        )
    return proof


@contextmanager
def told_in_words(access: HostAccess) -> Iterator[None]:
    """Turn an adapter's error into Unproved, beside the field that it is about."""
    try:
        yield
    except ScmError as error:
        # `from None`: what a vendor's exception says may hold a secret, and must not reach a log.
        words = hidden_in(str(error), {"token": access.token, "key": access.private_key})
        raise Unproved(words, field=_field_of(error, access), is_passing=not error.permanent) from None


def hidden_in(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text without any of these secrets, as hosts repeat what they were sent."""
    for secret in secrets.values():
        if len(secret) >= SHORTEST_HIDDEN:
            text = text.replace(secret, "•••")
    return text.replace("\0", "")


def _field_of(error: ScmError, access: HostAccess) -> str:
    match error:
        case WrongCredentials() | NotAllowed():
            return _secret_of(access)
        case NotThere():
            return "app_id" if access.app_id else "base_url"
        case _:
            return "base_url"


def _secret_of(access: HostAccess) -> str:
    return "private_key" if access.app_id else "token"
