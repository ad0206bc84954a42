"""The pages of an organization's settings, in the order of their menu, each with the permission that opens it."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.models import Membership
from orgs.permissions import Permission


@dataclass(frozen=True)
class SettingsPage:
    """One line of the settings' menu; `url_name` is the page's and begins the names of its forms' addresses."""

    label: str
    url_name: str
    icon: str
    permission: Permission


PAGES = (
    SettingsPage("Deployment", "settings-deployment", "sliders", Permission.SETTINGS_MANAGE),
    SettingsPage("Memories", "settings-memories", "bookmark", Permission.MEMORIES_VIEW),
    SettingsPage("AI provider", "settings-provider", "cpu", Permission.PROVIDER_MANAGE),
    SettingsPage("Code hosts", "settings-code-hosts", "git-pull-request", Permission.CODE_HOSTS_MANAGE),
    SettingsPage("Slack", "settings-slack", "slack", Permission.DESTINATIONS_MANAGE),
    SettingsPage("Webhooks", "settings-webhooks", "send", Permission.DESTINATIONS_MANAGE),
    SettingsPage("Usage and budget", "settings-usage", "bar-chart-2", Permission.USAGE_VIEW),
    SettingsPage("Prompts and answers", "settings-prompts", "message-square", Permission.MODEL_CALLS_VIEW),
    SettingsPage("Organization", "settings-organization", "home", Permission.SETTINGS_MANAGE),
    SettingsPage("People", "settings-people", "users", Permission.PEOPLE_INVITE),
    SettingsPage("Teams", "settings-teams", "users", Permission.TEAMS_MANAGE),
    SettingsPage("Single sign-on", "settings-sign-on", "log-in", Permission.SIGN_ON_MANAGE),
    SettingsPage("API tokens", "settings-tokens", "key", Permission.TOKENS_MANAGE),
    SettingsPage("Audit log", "settings-audit", "list", Permission.AUDIT_VIEW),
)


def pages_for(member: Membership) -> list[SettingsPage]:
    """Return the pages that a member may open, so that nobody sees settings they cannot change."""
    return [page for page in PAGES if member.may(page.permission)]
