"""Reading people, projects, tokens and settings."""

# ruff: noqa: PLC0414  (settings have a package of their own; callers find them here with the rest)
from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from lib.crypto import digest_of_token
from orgs.models import ApiToken, AssistantSettings, Invitation, Membership, Project, RetentionLimit
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
    """Return the live token with this value, with its organization."""
    with across_organizations():
        return (
            ApiToken.every_organization.filter(digest=digest_of_token(value), revoked_at=None)
            .select_related("organization")
            .first()
        )


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


def projects() -> QuerySet[Project]:
    """Return the organization's projects by name."""
    return Project.objects.order_by("name")


def project_names(*, at_most: int) -> dict[int, str]:
    """Return the names of the organization's projects by their ids, in the order of the names."""
    return dict(projects().values_list("pk", "name")[:at_most])


def emails_of_admins() -> list[str]:
    """Return the e-mail addresses of the organization's Admins who can sign in. Needs a transaction."""
    admins = Membership.objects.filter(role=Role.ADMIN, user__is_active=True).exclude(user__email="")
    return list(admins.order_by("user__email").values_list("user__email", flat=True))
