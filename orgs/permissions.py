"""Who may do what: one table, read by pages, API and command line alike."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """A person's role in an organization, weakest first."""

    READ_ONLY = "read_only", "Read-only"
    MEMBER = "member", "Member"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


class Scope(models.TextChoices):
    """What an API token may do."""

    API_READ = "api:read", "Read through the API"
    API_WRITE = "api:write", "Write through the API"
    CI = "ci", "Upload scans"


class Permission(models.TextChoices):
    """One thing that can be allowed; every page and endpoint declares the one it needs."""

    FINDINGS_VIEW = "findings.view", "See findings"
    SCANS_VIEW = "scans.view", "See scans"
    FINDINGS_TRIAGE = "findings.triage", "Triage findings"
    FINDINGS_ANALYZE = "findings.analyze", "Have findings analysed"
    SCANS_UPLOAD = "scans.upload", "Upload scans"
    PROJECTS_MANAGE = "projects.manage", "Manage projects"
    PEOPLE_INVITE = "people.invite", "See and invite people"
    PEOPLE_MANAGE = "people.manage", "Change roles and remove people"
    TEAMS_MANAGE = "teams.manage", "Manage teams"
    TOKENS_MANAGE = "tokens.manage", "Manage API tokens"
    SIGN_ON_MANAGE = "sign_on.manage", "Manage single sign-on"
    SETTINGS_VIEW = "settings.view", "See settings"
    SETTINGS_MANAGE = "settings.manage", "Change settings"
    PROVIDER_MANAGE = "provider.manage", "Choose the AI provider and its budget"
    USAGE_VIEW = "usage.view", "See what the AI provider costs"
    MODEL_CALLS_VIEW = "model_calls.view", "See prompts and answers"
    CODE_HOSTS_MANAGE = "code_hosts.manage", "Connect code hosts and choose repositories"
    MEMORIES_VIEW = "memories.view", "See memories"
    MEMORIES_SUGGEST = "memories.suggest", "Suggest memories"
    MEMORIES_MANAGE = "memories.manage", "Approve, change and remove memories"
    DESTINATIONS_MANAGE = "destinations.manage", "Connect Slack and outgoing webhooks"
    VERDICTS_AUDIT = "verdicts.audit", "Check verdicts drawn at random"
    FIX_PULL_REQUESTS_OPEN = "fix_pull_requests.open", "Open fix pull requests"
    POLICIES_MANAGE = "policies.manage", "Manage rules and what they may do"
    AUDIT_VIEW = "audit.view", "See the audit log"


_OF_READ_ONLY = frozenset({Permission.FINDINGS_VIEW, Permission.SCANS_VIEW, Permission.MEMORIES_VIEW})
_OF_MEMBER = _OF_READ_ONLY | {
    Permission.FINDINGS_TRIAGE,
    Permission.FINDINGS_ANALYZE,
    Permission.SCANS_UPLOAD,
    Permission.FIX_PULL_REQUESTS_OPEN,
    Permission.MEMORIES_SUGGEST,
    Permission.VERDICTS_AUDIT,
}
_OF_MANAGER = _OF_MEMBER | {Permission.PROJECTS_MANAGE, Permission.PEOPLE_INVITE, Permission.TEAMS_MANAGE}
_OF_ADMIN = frozenset(Permission)

PERMISSIONS_OF_ROLE: dict[str, frozenset[Permission]] = {
    Role.READ_ONLY: _OF_READ_ONLY,
    Role.MEMBER: _OF_MEMBER,
    Role.MANAGER: _OF_MANAGER,
    Role.ADMIN: _OF_ADMIN,
}

# Who sees only the projects of some teams must not decide who sees which: these could widen one's own view.
NOT_WHILE_LIMITED = frozenset({Permission.PEOPLE_INVITE, Permission.TEAMS_MANAGE})

_OF_API_READ = frozenset(
    {
        Permission.FINDINGS_VIEW,
        Permission.SCANS_VIEW,
        Permission.SETTINGS_VIEW,
        Permission.USAGE_VIEW,
        Permission.MEMORIES_VIEW,
    }
)

PERMISSIONS_OF_SCOPE: dict[str, frozenset[Permission]] = {
    Scope.API_READ: _OF_API_READ,
    # An Admin makes it, so it may set up the organization; people, tokens and prompts stay with people.
    Scope.API_WRITE: _OF_API_READ
    | {
        Permission.FINDINGS_TRIAGE,
        Permission.FINDINGS_ANALYZE,
        Permission.PROJECTS_MANAGE,
        Permission.SETTINGS_MANAGE,
        Permission.PROVIDER_MANAGE,
        Permission.POLICIES_MANAGE,
        Permission.CODE_HOSTS_MANAGE,
        Permission.FIX_PULL_REQUESTS_OPEN,
        Permission.MEMORIES_SUGGEST,
        Permission.MEMORIES_MANAGE,
        Permission.DESTINATIONS_MANAGE,
    },
    Scope.CI: frozenset({Permission.SCANS_UPLOAD, Permission.SCANS_VIEW}),
}


def roles_with(permission: Permission) -> list[str]:
    """Return the names of the roles that have a permission, so that a refusal can say who can."""
    return [role.label for role in Role if permission in PERMISSIONS_OF_ROLE[role]]


def roles_given_by(role: str) -> list[Role]:
    """Return the roles that somebody of a role may give to those they invite: none above the own."""
    if Permission.PEOPLE_INVITE not in PERMISSIONS_OF_ROLE[role]:
        return []
    in_order = list(Role)
    return in_order[: in_order.index(Role(role)) + 1]
