"""People in an organization, its projects, its tokens and how the Assistant is set up for it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property

from orgs.permissions import NOT_WHILE_LIMITED, PERMISSIONS_OF_ROLE, PERMISSIONS_OF_SCOPE, Permission, Role, Scope
from orgs.settings.consent import OLDEST_SUFFICIENT_TEXT
from tenancy.models import OwnedByOrganization


class Membership(OwnedByOrganization):
    """A person in an organization, with a role."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    is_limited_to_teams = models.BooleanField(default=False)  # sees only the projects of the own teams
    gets_priority_emails = models.BooleanField(default=True)  # as an Admin, unless the person has unsubscribed
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_person"),
            models.UniqueConstraint(fields=["organization", "id"], name="membership_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def may(self, permission: Permission | str) -> bool:
        """Tell whether the role has a permission, and the person sees enough for it."""
        return permission in PERMISSIONS_OF_ROLE[self.role] and not (
            self.is_limited and permission in NOT_WHILE_LIMITED
        )

    @property
    def is_limited(self) -> bool:
        """Whether only the projects of the own teams are seen; an Admin sees all, whatever was chosen."""
        return self.is_limited_to_teams and self.role != Role.ADMIN

    @cached_property
    def ids_of_team_projects(self) -> frozenset[int]:
        """The projects of the own teams, read once for the life of this object: a request."""
        return frozenset(
            TeamProject.objects.filter(team__members__membership=self.pk).values_list("project_id", flat=True)
        )


class Project(OwnedByOrganization):
    """One scanned codebase."""

    name = models.CharField(max_length=200)
    primary_branch = models.CharField(max_length=255, blank=True)
    url = models.CharField(max_length=500, blank=True)  # of the repository, as CI says
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    has_tags_file = models.BooleanField(default=False)  # `.semgrepconfig.yml` names them, and stands above the page
    ignored_paths = models.TextField(blank=True)  # globs, one a line: what `semgrep ci` leaves out
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
    created_by_name = models.CharField(max_length=200, blank=True)  # the account may be gone
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.first_characters}…)"

    def may(self, permission: Permission | str) -> bool:
        """Tell whether one of the scopes has a permission."""
        return any(permission in PERMISSIONS_OF_SCOPE[scope] for scope in self.scopes)

    @property
    def made_by(self) -> str:
        """Who made it, also when that account is gone; empty where nobody remembers."""
        return self.created_by_name or (self.created_by.email if self.created_by else "")

    @property
    def is_expired(self) -> bool:
        """Whether its last day is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


Viewer = Membership | ApiToken  # who reads: a person, or a machine of the organization, which sees every project


class Invitation(OwnedByOrganization):
    """An e-mail address that may join, in a role, until it expires; the link's value is stored as a digest only."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    delivery_error = models.CharField(max_length=200, blank=True)  # why the mail has not left yet
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"

    @property
    def is_expired(self) -> bool:
        """Whether it is too late to accept it."""
        return self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.revoked_at is None and not self.is_expired


class Team(OwnedByOrganization):
    """People and the projects they work on; who is limited to teams sees no other project."""

    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="team_name_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="team_of_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(OwnedByOrganization):
    """A person in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="members")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="teams")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "membership"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.membership} in {self.team}"


class TeamProject(OwnedByOrganization):
    """A project of a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="projects")
    project = models.ForeignKey(Project, models.CASCADE, related_name="teams")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "project"], name="team_project_once")]

    def __str__(self) -> str:
        return f"{self.project} of {self.team}"


class FixConfidence(models.TextChoices):
    """From which confidence up a fix is shown."""

    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class NoiseFilterMode(models.TextChoices):
    """What becomes of the comment on a likely false positive."""

    HIDE = "hide", "Don't leave a PR/MR comment"
    NOTIFY = "notify", "Include a notification in the PR/MR comment"


# Weak cryptography, randomness and cookie flags: what models most often call harmless by mistake (product 5.5).
CAREFUL_CWES = "CWE-78 CWE-327 CWE-328 CWE-501 CWE-614"
LONGEST_RETENTION_DAYS = 180
LONGEST_FOOTER = 2000


class AssistantSettings(OwnedByOrganization):
    """What the Assistant does for an organization; one row each.

    Defaults: everything on once a provider works, the noise filter off. No code leaves for an external provider before
    `consented_at`. A project may differ where ProjectSettings has the same column.
    """

    is_enabled = models.BooleanField(default=True)
    auto_triage = models.BooleanField(default=True)
    auto_triage_in_comments = models.BooleanField(default=True)
    auto_triage_in_slack = models.BooleanField(default=True)
    remediation = models.BooleanField(default=True)
    fix_confidence = models.CharField(max_length=10, choices=FixConfidence, default=FixConfidence.LOW)
    noise_filter = models.BooleanField(default=False)
    noise_filter_mode = models.CharField(max_length=10, choices=NoiseFilterMode, default=NoiseFilterMode.HIDE)
    weekly_priority_emails = models.BooleanField(default=True)
    customize_with_memories = models.BooleanField(default=True)
    pull_request_comments = models.BooleanField(default=True)
    analyses_all_severities = models.BooleanField(default=False)
    pull_request_cap = models.PositiveSmallIntegerField(default=10)
    test_paths_decide = models.BooleanField(default=False)
    careful_cwes = models.CharField(max_length=1000, default=CAREFUL_CWES, blank=True)  # separated by spaces
    verdict_wait_seconds = models.PositiveSmallIntegerField(default=300)
    commands_in_replies = models.BooleanField(default=True)
    comment_footer = models.TextField(max_length=LONGEST_FOOTER, blank=True)  # Markdown
    retention_days = models.PositiveSmallIntegerField(default=LONGEST_RETENTION_DAYS)
    consented_at = models.DateTimeField(null=True, blank=True)
    consented_by = models.CharField(max_length=254, blank=True)
    consent_text_version = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="assistant_settings_once")]

    def __str__(self) -> str:
        return "Assistant settings"

    @property
    def has_consent(self) -> bool:
        """Whether an Admin accepted a text that covers sending code to an external provider."""
        return self.consented_at is not None and (self.consent_text_version or 0) >= OLDEST_SUFFICIENT_TEXT


class RetentionLimit(OwnedByOrganization):
    """How long an organization's texts may be kept at most, as its Admins were told; one row each.

    A longer limit of the operator's (RETENTION_MAX_DAYS) is announced here first, and holds from `in_force_from`.
    """

    days = models.PositiveSmallIntegerField(default=LONGEST_RETENTION_DAYS)
    announced_days = models.PositiveSmallIntegerField(null=True, blank=True)
    in_force_from = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="retention_limit_once"),
            models.CheckConstraint(
                condition=models.Q(announced_days=None, in_force_from=None)
                | models.Q(announced_days__gt=models.F("days"), in_force_from__isnull=False),
                name="retention_limit_announced_is_longer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.days} days"


class ProjectSettings(OwnedByOrganization):
    """Where a project differs from its organization's AssistantSettings; None means as the organization."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="settings")
    is_enabled = models.BooleanField(null=True, blank=True)
    auto_triage = models.BooleanField(null=True, blank=True)
    auto_triage_in_comments = models.BooleanField(null=True, blank=True)
    auto_triage_in_slack = models.BooleanField(null=True, blank=True)
    remediation = models.BooleanField(null=True, blank=True)
    fix_confidence = models.CharField(max_length=10, choices=FixConfidence, null=True, blank=True)  # noqa: DJ001
    noise_filter = models.BooleanField(null=True, blank=True)
    noise_filter_mode = models.CharField(max_length=10, choices=NoiseFilterMode, null=True, blank=True)  # noqa: DJ001
    customize_with_memories = models.BooleanField(null=True, blank=True)
    pull_request_comments = models.BooleanField(null=True, blank=True)
    analyses_all_severities = models.BooleanField(null=True, blank=True)
    pull_request_cap = models.PositiveSmallIntegerField(null=True, blank=True)
    test_paths_decide = models.BooleanField(null=True, blank=True)
    commands_in_replies = models.BooleanField(null=True, blank=True)

    def __str__(self) -> str:
        return f"settings of {self.project}"


class AnsweredRequest(OwnedByOrganization):
    """A write that a token sent with an `Idempotency-Key`, and what was answered; kept for a day.

    `token_number` is the token's id, and no foreign key: a day's memory must not hold a token.
    """

    token_number = models.BigIntegerField()
    key = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)  # of method, address and body
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # None: under way
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(default=bytes)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "token_number", "key"], name="answered_request_once")
        ]
        indexes = [models.Index(fields=["organization", "started_at"], name="answered_request_by_age")]

    def __str__(self) -> str:
        return self.key


class Protocol(models.TextChoices):
    """How an identity provider and we speak."""

    OIDC = "oidc", "OpenID Connect"
    SAML = "saml", "SAML 2.0"


class SignOn(OwnedByOrganization):
    """An identity provider that signs in the people of an organization; which ones, its SignOnDomains say.

    `issuer` is OpenID Connect's issuer or SAML's entity id of the identity provider. The columns of the other protocol
    stay empty.
    """

    key = models.CharField(max_length=32, unique=True)  # in our addresses, which strangers see: random, no number
    name = models.CharField(max_length=60)
    protocol = models.CharField(max_length=10, choices=Protocol)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255, blank=True)
    sealed_secret = models.TextField(max_length=4000, blank=True)
    sso_url = models.CharField(max_length=1000, blank=True)
    certificates = models.TextField(max_length=20_000, blank=True)  # base64 of X.509, one a line, any may have signed
    metadata_url = models.CharField(max_length=1000, blank=True)
    id_attribute = models.CharField(max_length=200, default="id", blank=True)
    email_attribute = models.CharField(max_length=200, default="email")
    first_name_attribute = models.CharField(max_length=200, default="firstName", blank=True)
    last_name_attribute = models.CharField(max_length=200, default="lastName", blank=True)
    may_begin_there = models.BooleanField(default=False)  # SAML: sign-in that the identity provider begins
    default_role = models.CharField(
        max_length=10,
        choices=[(role.value, role.label) for role in (Role.READ_ONLY, Role.MEMBER, Role.MANAGER)],
        default=Role.MEMBER,
    )
    is_enforced = models.BooleanField(default=False)
    tested_at = models.DateTimeField(null=True, blank=True)  # the last test that would have let the person in
    last_test = models.JSONField(default=dict, blank=True)  # what the identity provider said of the Admin who tried
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="sign_on_of_organization"),
            models.CheckConstraint(condition=~models.Q(default_role=Role.ADMIN), name="sign_on_makes_nobody_admin"),
            models.CheckConstraint(
                condition=models.Q(is_enforced=False) | models.Q(tested_at__isnull=False),
                name="sign_on_enforced_only_when_tested",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SignOnDomain(OwnedByOrganization):
    """An e-mail domain that an organization claims; it counts once it is proved, for one organization at a time."""

    domain = models.CharField(max_length=253)
    sign_on = models.ForeignKey(SignOn, models.SET_NULL, null=True, blank=True, related_name="domains")
    token = models.CharField(max_length=64)  # what the TXT record must say
    proved_at = models.DateTimeField(null=True, blank=True)
    proved_by = models.CharField(max_length=20, blank=True)  # "DNS" or "operator"
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "domain"], name="sign_on_domain_claimed_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(proved_at__isnull=False), name="sign_on_domain_proved_once"
            ),
            models.CheckConstraint(condition=models.Q(domain=Lower("domain")), name="sign_on_domain_in_lower_case"),
        ]

    def __str__(self) -> str:
        return self.domain


class UsedAssertion(OwnedByOrganization):
    """A SAML assertion that has signed somebody in: it does so once."""

    sign_on = models.ForeignKey(SignOn, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sign_on", "digest"], name="assertion_used_once")]

    def __str__(self) -> str:
        return self.digest[:12]
