"""Writing people, projects, tokens and settings."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, ActorKind, Kind
from events.services import record
from lib.crypto import digest_of_token
from orgs.models import ApiToken, AssistantSettings, Membership, Project
from orgs.permissions import Role, Scope
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import acting_for

TOKEN_BYTES = 32  # as 64 hexadecimal digits, the only form that Semgrep's client calls well-formed
CONSENT_TEXT_VERSION = 1
LAST_USED_RESOLUTION = timedelta(minutes=1)
LONGEST_USERNAME = 150
CHANGEABLE_SETTINGS = frozenset(
    {
        "is_enabled",
        "auto_triage",
        "remediation",
        "fix_confidence",
        "analyses_all_severities",
        "pull_request_cap",
        "test_paths_decide",
    }
)


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
    user, is_new = User.objects.get_or_create(email=address, defaults={"username": _username_for(address)})
    if is_new or password is not None:
        user.set_password(password)  # None: nobody can sign in with a password yet
        user.save(update_fields=["password"])
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
            record(Kind.ORGANIZATION_CREATED, actor=actor_of(admin), name=name)
    return organization


def add_member(*, user: User, role: Role, actor: Actor) -> Membership:
    """Let a person into the organization in scope."""
    with transaction.atomic():
        membership = Membership.objects.create(user=user, role=role)
        record(Kind.MEMBER_ADDED, actor=actor, email=user.email, role=role.value)
    return membership


def create_token(*, name: str, scopes: list[Scope], created_by: User, actor: Actor) -> tuple[ApiToken, str]:
    """Make an API token; its value is returned here and never again."""
    value = secrets.token_hex(TOKEN_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            name=name,
            digest=digest_of_token(value),
            first_characters=value[:8],
            scopes=[scope.value for scope in scopes],
            created_by=created_by,
        )
        record(Kind.TOKEN_CREATED, actor=actor, token=name, scopes=", ".join(scopes))
    return token, value


def revoke_token(*, token: ApiToken, actor: Actor) -> None:
    """End a token."""
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


def describe_project(*, project: Project, url: str, tags: tuple[str, ...] | None) -> None:
    """Keep what CI says of a project; tags of its file stand above those set here. Needs a transaction."""
    said = {"url": url[:500]} if url else {}
    changes: dict[str, object] = {**said, **({} if tags is None else {"tags": list(tags)})}
    changed = [name for name, value in changes.items() if getattr(project, name) != value]
    if changed:
        for name in changed:
            setattr(project, name, changes[name])
        project.save(update_fields=changed)


MOST_TAGS = 50
CHANGEABLE_OF_PROJECT = frozenset({"name", "primary_branch", "tags", "ignored_paths"})


class ProjectNameTaken(Exception):
    """Another project has the name; the text says so."""


def change_project(*, project: Project, changes: Mapping[str, str | list[str]], actor: Actor) -> None:
    """Save what differs of a project; the log names each with its new value. Raises ProjectNameTaken.

    `tags` are kept once each, in order; `ignored_paths` is a list of globs.
    """
    if unknown := changes.keys() - CHANGEABLE_OF_PROJECT:
        raise ValueError(f"not changeable: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        wanted = {name: _of_project(name, value) for name, value in changes.items()}
        changed = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
        if "name" in changed and Project.objects.filter(name=changed["name"]).exists():
            raise ProjectNameTaken(f"There is a project {changed['name']} already.")
        for name, value in changed.items():
            setattr(project, name, value)
        if changed:
            project.save(update_fields=list(changed))
            told = "; ".join(f"{name}: {value}" for name, value in changed.items())
            record(Kind.PROJECT_CHANGED, actor=actor, project_id=project.pk, project=project.name, changes=told[:500])


def _of_project(name: str, value: str | list[str]) -> str | list[str]:
    if name == "tags":
        return list(dict.fromkeys(value))[:MOST_TAGS]
    return "\n".join(value) if name == "ignored_paths" else value


def give_consent(*, actor: Actor) -> AssistantSettings:
    """Record that an Admin accepts sending code to the AI provider: who, when, and which text."""
    return _change_consent(Kind.CONSENT_GIVEN, actor=actor, is_given=True)


def withdraw_consent(*, actor: Actor) -> AssistantSettings:
    """Record that no code may be sent any more."""
    return _change_consent(Kind.CONSENT_WITHDRAWN, actor=actor, is_given=False)


def _change_consent(kind: Kind, *, actor: Actor, is_given: bool) -> AssistantSettings:
    with transaction.atomic():
        settings = _settings_to_change()
        settings.consented_at = timezone.now() if is_given else None
        settings.consented_by = actor.name if is_given else ""
        settings.consent_text_version = CONSENT_TEXT_VERSION if is_given else None
        settings.save(update_fields=["consented_at", "consented_by", "consent_text_version"])
        record(kind, actor=actor, text_version=CONSENT_TEXT_VERSION)
    return settings


def change_settings(*, actor: Actor, changes: Mapping[str, bool | int | str]) -> AssistantSettings:
    """Save what differs of the Assistant's settings; the log names each setting with its new value."""
    if unknown := changes.keys() - CHANGEABLE_SETTINGS:
        raise ValueError(f"not a setting: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        settings = _settings_to_change()
        changed = {name: value for name, value in changes.items() if getattr(settings, name) != value}
        if changed:
            for name, value in changed.items():
                setattr(settings, name, value)
            settings.save(update_fields=list(changed))
            record(
                Kind.SETTINGS_CHANGED,
                actor=actor,
                changes=", ".join(f"{name}: {value}" for name, value in changed.items()),
            )
    return settings


def _settings_to_change() -> AssistantSettings:
    """Return the organization's row, locked: whoever saves a copy read earlier would take back what changed since."""
    AssistantSettings.objects.bulk_create([AssistantSettings()], ignore_conflicts=True)
    return AssistantSettings.objects.select_for_update().get()
