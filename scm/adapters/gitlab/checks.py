"""What a token may do on GitLab, permission by permission."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scm.adapters.base import NotAllowed, NotThere
from scm.adapters.gitlab.connection import SCOPE, Connection
from scm.adapters.gitlab.shapes import Project, Token, User, read, read_all
from scm.adapters.values import PermissionCheck

DEVELOPER, MAINTAINER = 30, 40
GRANULAR = "granular"  # such a token has permissions one by one, which it does not tell
SOON = timedelta(days=14)

FOR_ALL = "everything: reading code and merge requests, writing comments and statuses, opening merge requests"
FOR_DEVELOPER = "commenting, resolving threads, showing a status, opening merge requests with fixes"
FOR_MAINTAINER = "adding the webhook by itself; otherwise add it by hand in the project's or group's settings"
FOR_EXPIRY = "working on without a new token"


def checks_of(connection: Connection) -> list[PermissionCheck]:
    """Ask GitLab who the token is of, what it may do, and in how many projects. Raise ScmError."""
    found = [*_token_checks(connection)]
    if any(check.name == SCOPE and check.granted is False for check in found):
        return [*found, *(_unknown(name, why) for name, why in _ROLES)]
    return [
        *found,
        _role_check(connection, "Developer", DEVELOPER, FOR_DEVELOPER),
        _role_check(connection, "Maintainer", MAINTAINER, FOR_MAINTAINER),
    ]


_ROLES = (("Developer", FOR_DEVELOPER), ("Maintainer", FOR_MAINTAINER))


def _token_checks(connection: Connection) -> list[PermissionCheck]:
    try:
        token = read(Token, connection.personal_access_tokens.get("self"))
    except (NotThere, NotAllowed):  # GitLab before 15.5, or a token that may not ask about itself
        return [_unknown(SCOPE, FOR_ALL), _unknown("expiry", FOR_EXPIRY)]
    is_granted = None if GRANULAR in token.scopes else SCOPE in token.scopes
    scopes = PermissionCheck(SCOPE, FOR_ALL, is_granted, f"The token has: {', '.join(token.scopes) or 'nothing'}.")
    return [scopes, _expiry_check(token)]


def _expiry_check(token: Token) -> PermissionCheck:
    if token.expires_at is None:
        return PermissionCheck("expiry", FOR_EXPIRY, True, "The token does not expire.")
    left = token.expires_at - datetime.now(UTC).date()
    return PermissionCheck("expiry", FOR_EXPIRY, left > SOON, f"The token expires on {token.expires_at}.")


def _role_check(connection: Connection, role: str, level: int, needed_for: str) -> PermissionCheck:
    """Tell whether there is a project where the token's user has a role; one entry is asked for, and the count."""
    found = connection.projects.list(membership=True, archived=False, min_access_level=level, per_page=1, iterator=True)
    first = next(read_all(Project, found), None)
    if first is None:
        return PermissionCheck(
            role, needed_for, False, f"The token's user has this role in no project: give it {role}."
        )
    others = (getattr(found, "total", None) or 1) - 1
    more = f" and {others} more" if others else ""
    return PermissionCheck(role, needed_for, True, f"In {first.path_with_namespace}{more}.")


def _unknown(name: str, needed_for: str) -> PermissionCheck:
    return PermissionCheck(name, needed_for, None, "GitLab does not say.")


def user_of(connection: Connection) -> User:
    """Return whose token it is."""
    return read(User, connection.http_get("/user"))
