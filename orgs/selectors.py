"""Reading people, projects, tokens and settings."""

# ruff: noqa: PLC0414  (settings have a package of their own; callers find them here with the rest)
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet
from django.utils import timezone

from lib.crypto import digest_of_token
from orgs.models import ApiToken, AssistantSettings, Invitation, Membership, Project, RetentionLimit, Team, Viewer
from orgs.permissions import Role
from orgs.settings.effective import EffectiveSettings as EffectiveSettings
from orgs.settings.effective import settings_for as settings_for
from orgs.settings.effective import settings_of_organization as settings_of_organization
from tenancy.directory import across_organizations


def memberships_of(user_id: int) -> list[Membership]:
    """Return a person's memberships in all organizations, by the organization's name."""
    with across_organizations():
        return list(
            Membership.every_organization.filter(user_id=user_id)
            .select_related("organization")
            .order_by("organization__name")
        )


def members() -> QuerySet[Membership]:
    """Return the organization's people by address, each with `has_second_factor`."""
    factors = Authenticator.objects.filter(
        user_id=OuterRef("user_id"), type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
    return Membership.objects.select_related("user").annotate(has_second_factor=Exists(factors)).order_by("user__email")


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Tell whether a person signs in with more than a password."""
    factors = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return bool(Authenticator.objects.filter(user=user, type__in=factors).exists())


def invitations() -> QuerySet[Invitation]:
    """Return the organization's invitations that were neither accepted nor revoked, the expired ones too."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None).select_related("invited_by").order_by("email")


def verified_addresses(user: AbstractBaseUser) -> list[str]:
    """Return the e-mail addresses that a person has proved to read."""
    return list(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


def invitation_by_value(value: str) -> Invitation | None:
    """Return the invitation that a link's value opens, whatever became of it, with its organization."""
    return invitation_by_digest(digest_of_token(value))


def invitation_by_digest(digest: str) -> Invitation | None:
    """Return the invitation with this digest, whatever became of it, with its organization."""
    with across_organizations():
        return Invitation.every_organization.filter(digest=digest).select_related("organization", "invited_by").first()


def invitations_of(user: AbstractBaseUser) -> list[Invitation]:
    """Return what a person can accept in any organization: the open invitations of the proved addresses."""
    addresses = [address.lower() for address in verified_addresses(user)]
    with across_organizations():
        return list(
            Invitation.every_organization.filter(
                email__in=addresses, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
            )
            .select_related("organization", "invited_by")
            .order_by("organization__name")
        )


def token_by_value(value: str) -> ApiToken | None:
    """Return the token with this value, with its organization, unless it was revoked; it may have expired."""
    with across_organizations():
        return (
            ApiToken.every_organization.filter(digest=digest_of_token(value), revoked_at=None)
            .select_related("organization")
            .first()
        )


def tokens() -> QuerySet[ApiToken]:
    """Return the organization's tokens with their makers, those that still open something first, then newest first."""
    return ApiToken.objects.select_related("created_by").order_by(F("revoked_at").desc(nulls_first=True), "-pk")


def has_token_named(name: str) -> bool:
    """Tell whether a token that was not revoked has this name, whatever its capitals."""
    return ApiToken.objects.filter(name__iexact=name, revoked_at=None).exists()


def limited_members() -> QuerySet[Membership]:
    """Return the people who were limited to teams, each with the teams."""
    return members().filter(is_limited_to_teams=True).prefetch_related("teams__team")


def teams() -> QuerySet[Team]:
    """Return the organization's teams by name, each with how many people and projects it has."""
    return Team.objects.annotate(
        member_count=Count("members", distinct=True), project_count=Count("projects", distinct=True)
    ).order_by("name")


def member_with(user_id: int) -> Membership | None:
    """Return a person's membership in the organization in scope, None for anybody else."""
    return Membership.objects.filter(user_id=user_id).first()


def members_of(team: Team) -> QuerySet[Membership]:
    """Return the people of a team, by their e-mail addresses."""
    return members().filter(teams__team=team)


def projects_of(team: Team) -> QuerySet[Project]:
    """Return the projects of a team, by name."""
    return Project.objects.filter(teams__team=team).order_by("name")


def assistant_settings() -> AssistantSettings:
    """Return the settings of the organization in scope, with the defaults where none were saved."""
    return AssistantSettings.objects.first() or AssistantSettings()


def has_consent() -> bool:
    """Tell whether an Admin accepted that code is sent to an external provider."""
    with transaction.atomic():
        return assistant_settings().has_consent


def retention_limit() -> int:
    """Return the most days that texts may be kept: the operator's limit, a longer one once it has been announced."""
    known = RetentionLimit.objects.first()
    limit: int = settings.RETENTION_MAX_DAYS
    return limit if known is None else min(known.days, limit)


def retention_days() -> int:
    """Return how many days the organization keeps texts: what its Admins chose, within the limit in force."""
    return min(assistant_settings().retention_days, retention_limit())


def code_retention_days() -> int:
    """Return how many days uploaded code and reports are kept: at least one, so that they can be analysed."""
    return max(retention_days(), 1)


def longer_retention_announced() -> RetentionLimit | None:
    """Return the longer limit that will hold, with the day from when on; None where none was announced."""
    return RetentionLimit.objects.filter(announced_days__isnull=False).first()


def emails_of_admins() -> list[str]:
    """Return the e-mail addresses of the organization's Admins who can sign in. Needs a transaction."""
    admins = Membership.objects.filter(role=Role.ADMIN, user__is_active=True).exclude(user__email="")
    return list(admins.order_by("user__email").values_list("user__email", flat=True))


def admins_for_priorities(*, joined_before: datetime) -> list[Membership]:
    """Return the Admins who get the weekly priorities, were there at that moment, and can sign in."""
    admins = Membership.objects.filter(role=Role.ADMIN, user__is_active=True, gets_priority_emails=True)
    there = admins.filter(created_at__lt=joined_before).exclude(user__email="")
    return list(there.select_related("user").order_by("pk"))


def visible_project_ids(viewer: Viewer) -> frozenset[int] | None:
    """Return the ids of the projects that somebody sees, None where it is every project of the organization.

    The one door: whatever is shown of projects, scans and findings asks here. It costs a query only for a person who
    is limited to teams, and then one a request.
    """
    if isinstance(viewer, Membership) and viewer.is_limited:
        return viewer.ids_of_team_projects
    return None


def projects_visible_to(viewer: Viewer) -> QuerySet[Project]:
    """Return the projects that somebody sees, by name."""
    found, ids = Project.objects.order_by("name"), visible_project_ids(viewer)
    return found if ids is None else found.filter(pk__in=ids)


def project_called(name: str) -> Project | None:
    """Return the project of that name: for work and for CI, never to show it to somebody."""
    return Project.objects.filter(name=name).first()


def sees_project_named(viewer: Viewer, name: str) -> bool:
    """Tell whether somebody sees the project of that name; who sees all may name one that is yet to be made."""
    return visible_project_ids(viewer) is None or projects_visible_to(viewer).filter(name=name).exists()


def names_of_projects(ids: Sequence[int]) -> dict[int, str]:
    """Return the names of projects by their ids, of those that somebody has been found to see."""
    return dict(Project.objects.filter(pk__in=ids).values_list("pk", "name"))


def project_names(viewer: Viewer, *, at_most: int) -> dict[int, str]:
    """Return the names of the projects that somebody sees by their ids, in the order of the names."""
    return dict(projects_visible_to(viewer).values_list("pk", "name")[:at_most])
