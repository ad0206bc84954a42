"""The tenant, and the base of every row that belongs to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.validators import RegexValidator
from django.db import models

from tenancy.scope import current_organization_id

Row = TypeVar("Row", bound=models.Model)

SLUG = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", "Use 1 to 63 lower-case letters, digits and inner hyphens."
)


class Organization(models.Model):
    """The tenant: people, projects and findings that see nothing of anybody else's (Semgrep's deployment)."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")
    requires_second_factor = models.BooleanField(default=False)  # of everybody who opens one of its pages
    # When its week of priorities is looked at next; None: as soon as the clock ticks.
    priorities_due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["priorities_due_at"], name="organization_priorities_due")]

    def __str__(self) -> str:
        return self.name


class WrongOrganization(ValueError):
    """A row of another organization was about to be written."""


class OwnedManager(models.Manager[Row]):
    """Rows of the organization in scope; refuses to answer outside one."""

    def get_queryset(self) -> models.QuerySet[Row]:
        """Return the organization's rows, or raise NoOrganization."""
        return super().get_queryset().filter(organization_id=current_organization_id())

    def none(self) -> models.QuerySet[Row]:
        """Return no rows; needs no scope."""
        return super().get_queryset().none()

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        """Write many rows of the organization in scope, and none of another."""
        rows = list(objs)
        for row in rows:
            _require_own(row)
        return super().bulk_create(rows, *args, **kwargs)


class OwnedByOrganization(models.Model):
    """The base of every tenant's row."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")

    objects = OwnedManager()
    every_organization = models.Manager()  # the name is the warning: the directory only

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args and "organization" not in kwargs and "organization_id" not in kwargs:
            kwargs["organization_id"] = current_organization_id()
        super().__init__(*args, **kwargs)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, which must be of the organization in scope."""
        _require_own(self)
        super().save(*args, **kwargs)


def _require_own(row: models.Model) -> None:
    if getattr(row, "organization_id", None) != current_organization_id():
        raise WrongOrganization(f"{type(row).__name__} of organization {getattr(row, 'organization_id', None)}")
