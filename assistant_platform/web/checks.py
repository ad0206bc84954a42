"""Every address declares who may use it: a system check, so that a forgotten declaration stops the start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

# Addresses without an organization: by name, each with the reason why no permission is needed.
PUBLIC = {
    "home": "only says where to go; asks for sign-in itself",
    "account_login": "signing in",
    "account_logout": "signing out",
    "healthz": "tells that the process answers, nothing else",
    "readyz": "tells which part is not reachable, nothing else",
    "api-schema": "describes the API, the same for everybody",
    "api-docs": "describes the API, the same for everybody",
    "cli-login": "asks for sign-in itself, and which organization",
    "ci-token-request": "hands out the token that an Admin left under a random key, once",
    "ci-check-version": "tells semgrep's client that its version will do",
    "ci-rule-lints": "tells `semgrep validate` that there are no rules about rules",
    "ci-fail-open": "takes note that some client failed",
}


@register()
def every_address_declares_its_permission(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report each address whose view declares no permission and is not public."""
    return undeclared(get_resolver().url_patterns)


def undeclared(patterns: Sequence[URLPattern | URLResolver]) -> list[CheckMessage]:
    """Return an error for each address below `patterns` that declares nothing."""
    return [
        Error(
            f"{pattern.pattern} declares no permission",
            hint="decorate the page with org_page(Permission.…), or name it in assistant_platform.web.checks.PUBLIC",
            id="assistant.E001",
        )
        for pattern in _all(patterns)
        if pattern.name not in PUBLIC and not _declares_permission(pattern.callback)
    ]


def _all(patterns: Sequence[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _all(pattern.url_patterns)
        else:
            yield pattern


def _declares_permission(view: Any) -> bool:
    # Pages carry `permission`; the API's classes one for reading and one for writing, or only one of them.
    holder = getattr(view, "cls", view)
    return any(getattr(holder, name, None) for name in ("permission", "read_permission", "write_permission"))
