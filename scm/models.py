"""Where a project's code is read from: files that CI sent with a scan, and a folder of this machine."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from orgs.models import Project
from tenancy.models import OwnedByOrganization


class Repository(OwnedByOrganization):
    """The place of a project's code; today a folder that the operator allowed (LOCAL_CODE_ROOTS)."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="repository")
    folder = models.CharField(max_length=1024)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="repository_of_organization")]

    def __str__(self) -> str:
        return self.folder


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
