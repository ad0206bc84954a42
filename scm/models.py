"""Code hosts, their repositories and pull requests, and the code that is read there or came with a scan."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from orgs.models import Project
from tenancy.models import OwnedByOrganization


class HostKind(models.TextChoices):
    """Which source code manager it is."""

    GITHUB = "github", "GitHub"
    GITLAB = "gitlab", "GitLab"


class CodeHost(OwnedByOrganization):
    """How an organization reaches a source code manager: as a GitHub App, or by a token.

    `base_url` is that of the pages people see, such as https://github.com. `sealed_secrets` is a JSON object, sealed by
    lib.crypto: `token`, `private_key` (PEM), `client_secret`, `webhook_secret`,
    and `proxy_url` where that has a name and a password in it.
    """

    kind = models.CharField(max_length=10, choices=HostKind)
    base_url = models.CharField(max_length=500)
    is_app = models.BooleanField(default=False)
    app_id = models.CharField(max_length=40, blank=True)
    app_slug = models.CharField(max_length=100, blank=True)
    client_id = models.CharField(max_length=100, blank=True)
    sealed_secrets = models.TextField(blank=True)
    hook_key = models.CharField(max_length=32, unique=True)  # in the address that webhooks are sent to; random
    proxy_url = models.CharField(max_length=500, blank=True)
    ca_bundle = models.TextField(max_length=100_000, blank=True)  # PEM, beside what the machine trusts
    account = models.CharField(max_length=200, blank=True)  # who we are there: the author of our comments
    account_id = models.CharField(max_length=40, blank=True)
    checks = models.JSONField(default=list)  # what the last test of the connection said of each permission
    checked_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)  # why it could not be reached, until it can again
    hook_seen_at = models.DateTimeField(null=True, blank=True)  # when it last sent a webhook that we took
    refused_count = models.PositiveIntegerField(default=0)  # webhooks that were forged, repeated or too large
    refused_at = models.DateTimeField(null=True, blank=True)
    refused_because = models.CharField(max_length=100, blank=True)
    saved_by = models.CharField(max_length=254, blank=True)
    saved_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="code_host_of_organization")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.base_url}"


class Installation(OwnedByOrganization):
    """A GitHub App installed on one account there, which chose the repositories that we may see."""

    host = models.ForeignKey(CodeHost, models.CASCADE, related_name="installations")
    external_id = models.CharField(max_length=40)
    account = models.CharField(max_length=200)
    is_suspended = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True, blank=True)
    permissions = models.JSONField(default=dict)  # as the host names them: {"contents": "write", ...}
    changed_at = models.DateTimeField(null=True, blank=True)  # as the host says, so that an older webhook is known
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "external_id"], name="installation_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="installation_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.account} ({self.external_id})"


class Repository(OwnedByOrganization):
    """The place of a project's code: a repository on a code host, or a folder that the operator allowed.

    `external_id` is the host's own number, which stays when people rename or move the repository.
    """

    project = models.OneToOneField(Project, models.CASCADE, related_name="repository")
    folder = models.CharField(max_length=1024, blank=True)
    host = models.ForeignKey(CodeHost, models.CASCADE, null=True, blank=True, related_name="repositories")
    installation = models.ForeignKey(Installation, models.SET_NULL, null=True, blank=True, related_name="repositories")
    external_id = models.CharField(max_length=40, blank=True)
    full_name = models.CharField(max_length=400, blank=True)
    web_url = models.CharField(max_length=500, blank=True)
    default_branch = models.CharField(max_length=255, blank=True)
    is_private = models.BooleanField(default=True)
    is_archived = models.BooleanField(default=False)
    hook_id = models.CharField(max_length=40, blank=True)  # of the webhook that we made there by token
    problem = models.CharField(max_length=500, blank=True)  # why it cannot be reached, until it can again
    connected_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="repository_of_organization"),
            models.UniqueConstraint(
                fields=["host", "external_id"], condition=models.Q(host__isnull=False), name="repository_once_per_host"
            ),
            models.CheckConstraint(
                condition=models.Q(host__isnull=True, external_id="", full_name="")
                | (models.Q(host__isnull=False, folder="") & ~models.Q(external_id="") & ~models.Q(full_name="")),
                name="repository_is_on_a_host_or_in_a_folder",
            ),
        ]

    @property
    def origin(self) -> str:
        """What stays the same when the repository is renamed, or connected anew; its host must have been read."""
        return f"{self.host.base_url}/{self.external_id}" if self.host is not None else ""

    def __str__(self) -> str:
        return self.full_name or self.folder


class PullRequestState(models.TextChoices):
    """What has become of a pull request."""

    OPEN = "open", "Open"
    MERGED = "merged", "Merged"
    CLOSED = "closed", "Closed"


class PullRequest(OwnedByOrganization):
    """A pull request of GitHub, or a merge request of GitLab; `number` is the one that people see there."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="pull_requests")
    number = models.CharField(max_length=64)
    title = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=PullRequestState, default=PullRequestState.OPEN)
    is_draft = models.BooleanField(default=False)
    is_from_fork = models.BooleanField(default=False)
    head_branch = models.CharField(max_length=255, blank=True)
    head_sha = models.CharField(max_length=64, blank=True)
    base_branch = models.CharField(max_length=255, blank=True)
    base_sha = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    web_url = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=600, blank=True)  # `Repository.origin`: another one's numbers mean others
    changed_at = models.DateTimeField(null=True, blank=True)  # as the host says, so that an older webhook is known
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="pull_request_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="pull_request_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} #{self.number}"


class WebhookDelivery(OwnedByOrganization):
    """A webhook that was verified and is to be worked on, once; its body is kept until that is done."""

    host = models.ForeignKey(CodeHost, models.CASCADE, related_name="deliveries", db_index=False)
    delivery_id = models.CharField(max_length=200)
    event = models.CharField(max_length=100)
    body = models.TextField(blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "delivery_id"], name="webhook_delivery_once")]
        indexes = [models.Index(fields=["organization", "received_at"], name="webhook_delivery_by_age")]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class Blob(OwnedByOrganization):
    """The text of a file, kept once however many scans bring it."""

    digest = models.BinaryField(max_length=32)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="blob_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="blob_of_organization"),
        ]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]


class CodeFile(OwnedByOrganization):
    """A file of a project at one revision (a commit, or a scan where the commit is unknown)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="code_files")
    revision = models.CharField(max_length=80)
    path = models.CharField(max_length=1024)
    blob = models.ForeignKey(Blob, models.CASCADE, related_name="+")
    kept_at = models.DateTimeField(default=timezone.now)  # when it came last; the text itself may have come before

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "revision", "path"], name="code_file_once_per_revision")
        ]
        indexes = [models.Index(fields=["organization", "kept_at"], name="code_file_by_age")]

    def __str__(self) -> str:
        return f"{self.path}@{self.revision[:12]}"
