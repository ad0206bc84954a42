"""Writing teams: who is in them, which projects they have, and who sees nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction

import orgs.selectors
from events.kinds import Actor, Kind
from events.services import record
from orgs.models import Membership, Project, Team, TeamMember, TeamProject
from orgs.permissions import Role

NAMES_TOLD = 20


def create_team(*, name: str, actor: Actor) -> Team:
    """Make a team without people and projects."""
    with transaction.atomic():
        team = Team.objects.create(name=name)
        record(Kind.TEAM_CHANGED, actor=actor, team_id=team.pk, team=name, change="created")
    return team


def rename_team(*, team: Team, name: str, actor: Actor) -> None:
    """Give a team another name."""
    if team.name == name:
        return
    with transaction.atomic():
        old, team.name = team.name, name
        team.save(update_fields=["name"])
        record(Kind.TEAM_CHANGED, actor=actor, team_id=team.pk, team=name, change=f"name: {old} → {name}")


def delete_team(*, team: Team, actor: Actor) -> None:
    """End a team; who is limited to teams no longer sees its projects, unless another team of theirs has them."""
    with transaction.atomic():
        record(Kind.TEAM_DELETED, actor=actor, team=team.name)
        team.delete()


def set_members(*, team: Team, members: Collection[Membership], actor: Actor) -> None:
    """Make these the people of a team."""
    with transaction.atomic():
        before = {member.pk: member for member in orgs.selectors.members_of(team)}
        chosen = {member.pk: member for member in members}
        added, removed = chosen.keys() - before.keys(), before.keys() - chosen.keys()
        TeamMember.objects.filter(team=team, membership__in=removed).delete()
        TeamMember.objects.bulk_create([TeamMember(team=team, membership_id=pk) for pk in added])
        _record_difference(
            team,
            actor,
            added=(chosen[pk].user.email for pk in added),
            removed=(before[pk].user.email for pk in removed),
            what="people",
        )


def set_projects(*, team: Team, projects: Collection[Project], actor: Actor) -> None:
    """Make these the projects of a team."""
    with transaction.atomic():
        before = {project.pk: project for project in orgs.selectors.projects_of(team)}
        chosen = {project.pk: project for project in projects}
        added, removed = chosen.keys() - before.keys(), before.keys() - chosen.keys()
        TeamProject.objects.filter(team=team, project__in=removed).delete()
        TeamProject.objects.bulk_create([TeamProject(team=team, project_id=pk) for pk in added])
        _record_difference(
            team,
            actor,
            added=(chosen[pk].name for pk in added),
            removed=(before[pk].name for pk in removed),
            what="projects",
        )


def _record_difference(team: Team, actor: Actor, *, added: Iterable[str], removed: Iterable[str], what: str) -> None:
    parts = [
        f"{verb} {_told(sorted(names))}"
        for verb, names in (("added", list(added)), ("removed", list(removed)))
        if names
    ]
    if parts:
        change = f"{what}: {'; '.join(parts)}"
        record(Kind.TEAM_CHANGED, actor=actor, team_id=team.pk, team=team.name, change=change)


def _told(names: list[str]) -> str:
    more = len(names) - NAMES_TOLD
    return ", ".join(names[:NAMES_TOLD]) + (f" and {more} more" if more > 0 else "")


class NotAllowed(Exception):
    """The change is not the actor's to make, or would mean nothing; the text says why."""


def set_limit(*, member: Membership, is_limited: bool, actor: Actor) -> None:
    """Let a person see the projects of their teams only, or every project. Raises NotAllowed for oneself and Admins."""
    if member.user_id == actor.user_id:
        raise NotAllowed("Nobody changes what they see themselves; ask another Manager or Admin.")
    if is_limited and member.role == Role.ADMIN:
        raise NotAllowed("An Admin sees every project. Change the role first.")
    if member.is_limited_to_teams == is_limited:
        return
    with transaction.atomic():
        member.is_limited_to_teams = is_limited
        member.save(update_fields=["is_limited_to_teams"])
        every, own = "every project", "the projects of their teams"
        record(
            Kind.ACCESS_CHANGED,
            actor=actor,
            email=member.user.email,
            old=every if is_limited else own,
            new=own if is_limited else every,
        )
