"""Every address declares who may use it: a system check, so that a forgotten declaration stops the start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

OWN_ACCOUNT = "one's own account; asks for sign-in itself"
# Addresses without an organization: by name, each with the reason why no permission is needed.
PUBLIC = {
    "home": "only says where to go; asks for sign-in itself",
    "sign-on": "signing in: asks for an address, says where its people sign in",
    "sign-on-hint": "signing in: the same beside the address",
    "sign-on-start": "signing in: goes to an identity provider",
    "sign-on-callback": "signing in: comes back from one",
    "sign-on-acs": "signing in: comes back from one, by its form",
    "sign-on-acs-finish": "signing in: the same with the browser's cookies",
    "sign-on-metadata": "our SAML metadata, which identity providers fetch",
    "hook-github": "GitHub's webhooks, which prove themselves by their signature",
    "hook-gitlab": "GitLab's webhooks, which prove themselves by their secret",
    "hook-slack-actions": "buttons pressed in Slack, which prove themselves by their signature",
    "hook-slack-events": "Slack's events, which prove themselves by their signature",
    "healthz": "tells that the process answers, nothing else",
    "readyz": "tells which part is not reachable, nothing else",
    "api-schema": "describes the API, the same for everybody",
    "api-docs": "describes the API, the same for everybody",
    "help-settings": "says what is in the repository's docs",
    "organization-new": "for everybody who is signed in, where the operator allows it",
    "priority-emails-unsubscribe": "for whoever holds the link of a mail, which is signed",
    "invitation": "for whoever holds the link, which nobody can guess",
    "account_login": "signing in",
    "account_logout": "signing out",
    "account_inactive": "says that an account is closed",
    "account_signup": "making an account, as far as SIGN_UP allows",
    "account_email_verification_sent": "says that a mail was sent",
    "account_confirm_email": "for whoever holds the link",
    "account_reset_password": "asking for the link; says the same for every address",
    "account_reset_password_done": "says that a mail was sent",
    "account_reset_password_from_key": "for whoever holds the link",
    "account_reset_password_from_key_done": "says that the password was changed",
    "mfa_authenticate": "the second step of signing in",
    "mfa_login_webauthn": "signing in with a passkey",
    **dict.fromkeys(
        (
            "account_profile",
            "account_organizations",
            "account_reauthenticate",
            "account_email",
            "account_change_password",
            "account_set_password",
            "usersessions_list",
            "mfa_index",
            "mfa_reauthenticate",
            "mfa_activate_totp",
            "mfa_deactivate_totp",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_download_recovery_codes",
            "mfa_list_webauthn",
            "mfa_add_webauthn",
            "mfa_reauthenticate_webauthn",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
        ),
        OWN_ACCOUNT,
    ),
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
