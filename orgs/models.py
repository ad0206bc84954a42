"""People in an organization, its projects, its tokens and how the Assistant is set up for it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from orgs.permissions import PERMISSIONS_OF_ROLE, PERMISSIONS_OF_SCOPE, Permission, Role, Scope
from tenancy.models import OwnedByOrganization


class Membership(OwnedByOrganization):
    """A person in an organization, with a role."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def may(self, permission: Permission | str) -> bool:
        """Tell whether the role has a permission."""
        return permission in PERMISSIONS_OF_ROLE[self.role]


class Project(OwnedByOrganization):
    """One scanned codebase."""

    name = models.CharField(max_length=200)
    primary_branch = models.CharField(max_length=255, blank=True)
    latest_scan_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="project_name_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="project_of_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(OwnedByOrganization):
    """A key for machines: belongs to the organization, is shown once, and outlives its maker."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    first_characters = models.CharField(max_length=12)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.first_characters}…)"

    def may(self, permission: Permission | str) -> bool:
        """Tell whether one of the scopes has a permission."""
        return any(permission in PERMISSIONS_OF_SCOPE[scope] for scope in self.scopes)


class FixConfidence(models.TextChoices):
    """From which confidence up a fix is shown."""

    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class AssistantSettings(OwnedByOrganization):
    """What the Assistant does for an organization; one row each.

    Defaults: everything on once a provider works. No code leaves for an external provider before `consented_at`.
    """

    is_enabled = models.BooleanField(default=True)
    auto_triage = models.BooleanField(default=True)
    remediation = models.BooleanField(default=True)
    fix_confidence = models.CharField(max_length=10, choices=FixConfidence, default=FixConfidence.LOW)
    analyses_all_severities = models.BooleanField(default=False)
    pull_request_cap = models.PositiveSmallIntegerField(default=10)
    test_paths_decide = models.BooleanField(default=False)
    consented_at = models.DateTimeField(null=True, blank=True)
    consented_by = models.CharField(max_length=254, blank=True)
    consent_text_version = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="assistant_settings_once")]

    def __str__(self) -> str:
        return "Assistant settings"

    @property
    def has_consent(self) -> bool:
        """Whether code may be sent to an external provider."""
        return self.consented_at is not None
