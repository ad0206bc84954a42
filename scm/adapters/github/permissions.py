"""What we may do on a GitHub host, permission by permission: as GitHub tells it, or by asking for what cannot be done.

An App's installation has a list, a classic token scopes. Of a fine-grained token GitHub tells nothing: there we send
requests that nobody could fulfil, and see whether they are refused for lack of permission (403) or for their nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scm.adapters.base import NotAllowed, NotThere, RateLimited, Refused, ScmError, WrongCredentials
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import translated
from scm.adapters.values import PermissionCheck

LEVELS = {"read": 1, "write": 2, "admin": 3}
# (permission, level, what it is needed for)
NEEDED = (
    ("metadata", "read", "to see repositories, and who may write to them"),
    ("contents", "read", "to read the code around a finding"),
    ("contents", "write", "to push the branch of a fix pull request, and to resolve the thread of a comment"),
    ("pull_requests", "write", "to comment on pull requests and to open them"),
)
CHECKS = ("checks", "write", "to show a check with remarks at a pull request's commit")
STATUSES = ("statuses", "write", "to show a status at a pull request's commit")
HOOKS = ("repository_hooks", "write", "to be told of pull requests and replies; without it, set up webhooks by hand")
NOBODY = "0" * 40  # no commit has this id
NO_BRANCH = "semgrep-assistant/asks-what-it-may-do"

# Which scopes of a classic token stand for a permission.
# https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
SCOPES = {
    "statuses": frozenset({"repo", "repo:status", "public_repo"}),
    "repository_hooks": frozenset({"repo", "public_repo", "admin:repo_hook", "write:repo_hook"}),
}
SCOPES_FOR_CODE = frozenset({"repo", "public_repo"})


def of_installation(permissions: Mapping[str, str]) -> list[PermissionCheck]:
    """Return what the list of an App, or of its installation, says."""
    return [
        PermissionCheck(
            name=f"{permission}: {level}",
            needed_for=needed_for,
            granted=_covers(permissions, permission, level),
            detail="" if _covers(permissions, permission, level) else "Change the App's permissions, then accept them.",
        )
        for permission, level, needed_for in (*NEEDED, CHECKS)
    ]


def _covers(permissions: Mapping[str, str], permission: str, level: str) -> bool:
    return LEVELS.get(permissions.get(permission, ""), 0) >= LEVELS[level]


def of_token(api: Api) -> list[PermissionCheck]:
    """Return what a token may do. Raise ScmError where GitHub cannot be asked, or does not know it."""
    headers, _ = api.get_with_headers("/user")
    scopes = headers.get("x-oauth-scopes")
    if scopes is None:
        return _probed(api)
    return _by_scopes({scope.strip() for scope in str(scopes).split(",")} - {""})


def _by_scopes(scopes: set[str]) -> list[PermissionCheck]:
    checks = []
    for permission, level, needed_for in (*NEEDED, STATUSES, HOOKS):
        has = scopes & SCOPES.get(permission, SCOPES_FOR_CODE)
        detail = f"The token has the scope {', '.join(sorted(has))}." if has else "Give the token the scope repo."
        if has == {"public_repo"}:
            detail = "The token has the scope public_repo: it sees public repositories only."
        checks.append(PermissionCheck(f"{permission}: {level}", needed_for, bool(has), detail))
    return checks


def _probed(api: Api) -> list[PermissionCheck]:
    with translated():
        first = next((answers.Repository.model_validate(told) for told in api.pages("/user/repos")), None)
    wanted = (*NEEDED, STATUSES, HOOKS)
    if first is None:
        return [
            PermissionCheck(
                f"{permission}: {level}", needed_for, None, "The token sees no repository, so this cannot be tried."
            )
            for permission, level, needed_for in wanted
        ]
    outcomes = dict(_outcomes(api, first))
    return [
        PermissionCheck(f"{permission}: {level}", needed_for, *outcomes[permission, level])
        for permission, level, needed_for in wanted
    ]


def _outcomes(api: Api, repository: answers.Repository) -> Iterator[tuple[tuple[str, str], tuple[bool | None, str]]]:
    at = f"/repos/{repository.full_name}"
    requests: Mapping[tuple[str, str], tuple[str, str, Mapping[str, object] | None]] = {
        ("metadata", "read"): ("GET", at, None),
        ("contents", "read"): ("GET", f"{at}/branches?per_page=1", None),
        ("contents", "write"): ("POST", f"{at}/git/refs", {"ref": f"refs/heads/{NO_BRANCH}", "sha": NOBODY}),
        ("pull_requests", "write"): (
            "POST",
            f"{at}/pulls",
            {"title": "No branch, no pull request", "head": NO_BRANCH, "base": repository.default_branch},
        ),
        ("statuses", "write"): ("POST", f"{at}/statuses/{NOBODY}", {"state": "success"}),
        ("repository_hooks", "write"): ("POST", f"{at}/hooks", {"config": {}}),
    }
    for needed, (verb, path, body) in requests.items():
        granted, detail = _outcome(api, verb, path, body)
        yield needed, (granted, f"{detail} Tried at {repository.full_name}.".strip())


def _outcome(api: Api, verb: str, path: str, body: Mapping[str, object] | None) -> tuple[bool | None, str]:
    try:
        api.send(verb, path, body)
    except NotAllowed as error:
        return False, str(error)
    except NotThere:
        # Hidden rather than forbidden; webhooks of a repository where one is no administrator, for instance.
        return False, "GitHub does not show it to this token."
    except Refused:
        return True, ""
    except (RateLimited, WrongCredentials):
        raise
    except ScmError as error:
        return None, str(error)
    return True, ""
