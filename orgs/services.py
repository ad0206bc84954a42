"""Writing people, projects, tokens and settings."""

# ruff: noqa: PLC0414  (settings have a package of their own; callers find them here with the rest)
from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings as platform
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, ActorKind, Kind
from events.services import record
from lib.crypto import digest_of_token
from orgs.models import ApiToken, AssistantSettings, Membership, Project, RetentionLimit
from orgs.permissions import Role, Scope
from orgs.settings.changes import change_careful_cwes as change_careful_cwes
from orgs.settings.changes import change_project_settings as change_project_settings
from orgs.settings.changes import change_settings as change_settings
from orgs.settings.changes import give_consent as give_consent
from orgs.settings.changes import withdraw_consent as withdraw_consent
from orgs.settings.consent import CONSENT_TEXT_VERSION as CONSENT_TEXT_VERSION
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for

TOKEN_BYTES = 32  # as 64 hexadecimal digits, the only form that Semgrep's client calls well-formed
LAST_USED_RESOLUTION = timedelta(minutes=1)
LONGEST_USERNAME = 150


def actor_of(user: AbstractBaseUser) -> Actor:
    """Return a person as the actor of an event."""
    assert isinstance(user, User)
    return Actor(ActorKind.PERSON, user.get_full_name() or user.email or user.username, user.pk)


def person(email: str, *, password: str | None = None) -> User:
    """Return the person with an e-mail address, made on first mention. Raises ValidationError where it is none."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}) from error
    with transaction.atomic():
        proved = EmailAddress.objects.filter(email=address, verified=True).select_related("user").first()
        if proved is not None:
            user, is_new = proved.user, False
        else:
            user, is_new = User.objects.get_or_create(email=address, defaults={"username": _username_for(address)})
        if is_new or password is not None:
            user.set_password(password)  # None: nobody can sign in with a password yet
            user.save(update_fields=["password"])
            # Whoever names an address here vouches for it; not for one that somebody else may have signed up with.
            EmailAddress.objects.update_or_create(
                user=user, email=address, defaults={"verified": True, "primary": user.email == address}
            )
    assert isinstance(user, User)
    return user


def _username_for(address: str) -> str:
    # Django wants one besides the address, and shorter: two long addresses may differ at their ends only.
    if len(address) <= LONGEST_USERNAME:
        return address
    return hashlib.sha256(address.encode()).hexdigest()


def create_organization(*, slug: str, name: str, admin: User, time_zone: str = "UTC") -> Organization:
    """Make an organization with its first Admin and default settings."""
    organization = Organization(slug=slug, name=name, time_zone=time_zone)
    organization.full_clean(validate_unique=False, validate_constraints=False)
    with transaction.atomic():
        with across_organizations():
            organization.save(force_insert=True)
        with acting_for(organization.pk):
            Membership.objects.create(user=admin, role=Role.ADMIN)
            AssistantSettings.objects.create()
            RetentionLimit.objects.create(days=platform.RETENTION_MAX_DAYS)
            record(Kind.ORGANIZATION_CREATED, actor=actor_of(admin), name=name)
    return organization


def change_organization(
    *, organization: Organization, name: str, time_zone: str, requires_second_factor: bool, actor: Actor
) -> None:
    """Save what an organization is called and asks of its people; its slug stays, since addresses contain it."""
    organization.name, organization.time_zone = name, time_zone
    organization.priorities_due_at = None  # Monday begins at another moment there
    organization.requires_second_factor = requires_second_factor
    organization.full_clean(validate_unique=False, validate_constraints=False)
    with transaction.atomic():
        organization.save(update_fields=["name", "time_zone", "requires_second_factor", "priorities_due_at"])
        record(
            Kind.ORGANIZATION_CHANGED,
            actor=actor,
            name=name,
            time_zone=time_zone,
            requires_second_factor=requires_second_factor,
        )


def add_member(*, user: User, role: Role, actor: Actor) -> Membership:
    """Let a person into the organization in scope."""
    with transaction.atomic():
        membership = Membership.objects.create(user=user, role=role)
        record(Kind.MEMBER_ADDED, actor=actor, email=user.email, role=role.value)
    return membership


def create_token(
    *, name: str, scopes: list[Scope], created_by: User, actor: Actor, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make an API token; its value is returned here and never again. Without `expires_at` it holds until revoked."""
    value = secrets.token_hex(TOKEN_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            name=name,
            digest=digest_of_token(value),
            first_characters=value[:8],
            scopes=[scope.value for scope in scopes],
            created_by=created_by,
            created_by_name=actor_of(created_by).name[:200],
            expires_at=expires_at,
        )
        record(
            Kind.TOKEN_CREATED,
            actor=actor,
            token=name,
            scopes=", ".join(scopes),
            expires=expires_at.date().isoformat() if expires_at else "",
        )
    return token, value


def revoke_token(*, token: ApiToken, actor: Actor) -> None:
    """End a token; one that was ended before stays as it is."""
    if token.revoked_at is not None:
        return
    with transaction.atomic():
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(Kind.TOKEN_REVOKED, actor=actor, token=token.name)


def note_use_of(token: ApiToken) -> None:
    """Remember when a token was last used, to the minute."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def project_named(name: str, *, actor: Actor) -> Project:
    """Return the project of that name, made on first mention. Needs a transaction."""
    project, is_new = Project.objects.get_or_create(name=name)
    if is_new:
        record(Kind.PROJECT_CREATED, actor=actor, project=name)
    return project


LONGEST_TAG = 60
MOST_TAGS = 20


class ProjectUnusable(Exception):
    """What a project is to be cannot be; the text says why."""


@dataclass(frozen=True)
class ProjectChanges:
    """What a project is to be from now on; None leaves it as it is. `ignored_paths` are globs, one a line."""

    primary_branch: str | None = None
    url: str | None = None
    tags: tuple[str, ...] | None = None
    ignored_paths: str | None = None


def change_project(*, project: Project, changes: ProjectChanges, actor: Actor) -> list[str]:
    """Save what differs of a project; returns the names of that. Needs a transaction.

    What follows from another primary branch is for `findings.services.change_project`, which is what to call.
    Raises ProjectUnusable.
    """
    if changes.url and not changes.url.startswith(("https://", "http://")):
        raise ProjectUnusable("The repository's address must begin with https:// or http://.")
    if changes.tags is not None and project.has_tags_file and list(changes.tags) != project.tags:
        raise ProjectUnusable("The tags come from .semgrepconfig.yml in the repository: change them there.")
    if changes.tags is not None and (len(changes.tags) > MOST_TAGS or any(len(t) > LONGEST_TAG for t in changes.tags)):
        raise ProjectUnusable(f"A project has at most {MOST_TAGS} tags of at most {LONGEST_TAG} characters each.")
    wanted = {
        "primary_branch": changes.primary_branch,
        "url": changes.url,
        "tags": None if changes.tags is None else list(changes.tags),
        "ignored_paths": changes.ignored_paths,
    }
    changed = [name for name, value in wanted.items() if value is not None and getattr(project, name) != value]
    if changed:
        before = project.primary_branch
        for name in changed:
            setattr(project, name, wanted[name])
        project.save(update_fields=changed)
        moved = f"primary_branch: {before} → {project.primary_branch}"
        told = [moved if name == "primary_branch" else name for name in changed]
        record(
            Kind.PROJECT_CHANGED,
            actor=actor,
            project_id=project.pk,
            project=project.name,
            changes=", ".join(told)[:500],
        )
    return changed


def describe_project(*, project: Project, url: str, tags: tuple[str, ...] | None) -> None:
    """Keep what CI says of a project; tags of its file stand above those set here. Needs a transaction."""
    said = {"url": url[:500]} if url else {}
    changes: dict[str, object] = {
        **said,
        "has_tags_file": tags is not None,
        **({} if tags is None else {"tags": list(tags)}),
    }
    changed = [name for name, value in changes.items() if getattr(project, name) != value]
    if changed:
        for name in changed:
            setattr(project, name, changes[name])
        project.save(update_fields=changed)


def change_ignored_paths(*, project: Project, ignored_paths: str, actor: Actor) -> Project:
    """Save which paths (globs, one a line) scans of a project leave out."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project.pk)
        if project.ignored_paths != ignored_paths:
            project.ignored_paths = ignored_paths
            project.save(update_fields=["ignored_paths"])
            lines = len(ignored_paths.splitlines())
            record(Kind.PROJECT_CHANGED, actor=actor, project_id=project.pk, project=project.name, ignored_paths=lines)
    return project
