"""Reading people, projects, tokens and settings."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, F, QuerySet

from lib.crypto import digest_of_token
from orgs.models import ApiToken, AssistantSettings, Membership, Project, Team, Viewer
from tenancy.directory import across_organizations


def memberships_of(user_id: int) -> list[Membership]:
    """Return a person's memberships in all organizations, by the organization's name."""
    with across_organizations():
        return list(
            Membership.every_organization.filter(user_id=user_id)
            .select_related("organization")
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


def members() -> QuerySet[Membership]:
    """Return the people of the organization in scope, by their e-mail addresses."""
    return Membership.objects.select_related("user").order_by("user__email")


def limited_members() -> QuerySet[Membership]:
    """Return the people who were limited to teams, each with the teams."""
    return members().filter(is_limited_to_teams=True).prefetch_related("teams__team")


def teams() -> QuerySet[Team]:
    """Return the organization's teams by name, each with how many people and projects it has."""
    return Team.objects.annotate(
        member_count=Count("members", distinct=True), project_count=Count("projects", distinct=True)
    ).order_by("name")


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


def sees_project_named(viewer: Viewer, name: str) -> bool:
    """Tell whether somebody sees the project of that name; who sees all may name one that is yet to be made."""
    return visible_project_ids(viewer) is None or projects_visible_to(viewer).filter(name=name).exists()


def project_names(viewer: Viewer, *, at_most: int) -> dict[int, str]:
    """Return the names of the projects that somebody sees by their ids, in the order of the names."""
    return dict(projects_visible_to(viewer).values_list("pk", "name")[:at_most])
