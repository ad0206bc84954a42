"""Teams: people, their projects, and who sees only those."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
import orgs.teams
from assistant_platform.web.base import OrgRequest, org_page
from orgs.models import Membership, Project, Team
from orgs.permissions import Permission

OFFERED_AT_MOST = 200


class TeamNameForm(forms.Form):
    """What a team is called."""

    name = forms.CharField(max_length=100)

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team

    def clean_name(self) -> str:
        """Refuse a name that another team has."""
        name = str(self.cleaned_data["name"])
        if not name.isprintable():
            raise ValidationError("Use printable characters.")
        others = orgs.selectors.teams().filter(name=name)
        if (others.exclude(pk=self.team.pk) if self.team else others).exists():
            raise ValidationError("There is a team of this name.")
        return name


class ChangeForm(forms.Form):
    """Who or what is added (by id, or by its name) or removed (by id)."""

    add = forms.TypedMultipleChoiceField(coerce=int, required=False)
    add_named = forms.CharField(required=False, max_length=254)
    remove = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def __init__(self, *args: Any, offered: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["add"].choices = [(pk, str(pk)) for pk in offered]  # type: ignore[attr-defined]  # a ChoiceField


@require_safe
@org_page(Permission.TEAMS_MANAGE)
def teams_page(request: OrgRequest) -> HttpResponse:
    """List the teams, and who is limited to them."""
    return _render_teams(request, TeamNameForm())


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def create_team(request: OrgRequest) -> HttpResponse:
    """Make a team and go to its page, to fill it."""
    form = TeamNameForm(request.POST)
    if not form.is_valid():
        return _render_teams(request, form, status=422)
    team = orgs.teams.create_team(name=form.cleaned_data["name"], actor=request.actor)
    return _to_team(request, team)


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def change_limit(request: OrgRequest) -> HttpResponse:
    """Let a person see the projects of their teams only, or every project again."""
    email = request.POST.get("email", "").strip().replace("\0", "")
    member = orgs.selectors.members().filter(user__email__iexact=email).first()
    is_limited = request.POST.get("sees") == "teams"
    if member is None:
        messages.error(request, "Nobody here has that e-mail address.")
    else:
        try:
            orgs.teams.set_limit(member=member, is_limited=is_limited, actor=request.actor)
        except orgs.teams.NotAllowed as problem:
            messages.error(request, str(problem))
        else:
            seen = "the projects of their teams only" if is_limited else "every project"
            messages.success(request, f"{member.user.email} sees {seen}.")
    return redirect("settings-teams", slug=request.member.organization.slug)


@require_safe
@org_page(Permission.TEAMS_MANAGE)
def team_page(request: OrgRequest, team_id: int) -> HttpResponse:
    """Show a team with its people and projects."""
    team = _team(team_id)
    return _render_team(request, team, TeamNameForm(initial={"name": team.name}, team=team))


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def rename_team(request: OrgRequest, team_id: int) -> HttpResponse:
    """Give a team another name."""
    team = _team(team_id)
    form = TeamNameForm(request.POST, team=team)
    if not form.is_valid():
        return _render_team(request, team, form, status=422)
    orgs.teams.rename_team(team=team, name=form.cleaned_data["name"], actor=request.actor)
    messages.success(request, "Renamed.")
    return _to_team(request, team)


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def change_people(request: OrgRequest, team_id: int) -> HttpResponse:
    """Add people to a team, or remove one."""
    team = _team(team_id)
    present = list(orgs.selectors.members_of(team))
    others = orgs.selectors.members().exclude(pk__in=[member.pk for member in present])
    form = ChangeForm(request.POST, offered=list(others.values_list("pk", flat=True)))
    if not form.is_valid():
        messages.error(request, "Nothing changed: choose people of this organization who are not in the team.")
        return _to_team(request, team)
    added = list(others.filter(pk__in=form.cleaned_data["add"]))
    if email := form.cleaned_data["add_named"]:
        found = list(others.filter(user__email__iexact=email))
        added += [member for member in found if member not in added]
        if not found:
            messages.error(request, f"{email} is nobody here, or in the team already.")
    kept = [member for member in present if member.pk != form.cleaned_data["remove"]]
    orgs.teams.set_members(team=team, members=kept + added, actor=request.actor)
    return _to_team(request, team)


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def change_projects(request: OrgRequest, team_id: int) -> HttpResponse:
    """Add projects to a team, or remove one."""
    team = _team(team_id)
    present = list(orgs.selectors.projects_of(team))
    others = orgs.selectors.projects_visible_to(request.member).exclude(pk__in=[project.pk for project in present])
    form = ChangeForm(request.POST, offered=list(others.values_list("pk", flat=True)))
    if not form.is_valid():
        messages.error(request, "Nothing changed: choose projects that the team does not have.")
        return _to_team(request, team)
    added = list(others.filter(pk__in=form.cleaned_data["add"]))
    if name := form.cleaned_data["add_named"]:
        found = list(others.filter(name=name))
        added += [project for project in found if project not in added]
        if not found:
            messages.error(request, f"There is no project {name}, or the team has it already.")
    kept = [project for project in present if project.pk != form.cleaned_data["remove"]]
    orgs.teams.set_projects(team=team, projects=kept + added, actor=request.actor)
    return _to_team(request, team)


@require_POST
@org_page(Permission.TEAMS_MANAGE)
def delete_team(request: OrgRequest, team_id: int) -> HttpResponse:
    """Delete a team; its people and projects stay."""
    team = _team(team_id)
    orgs.teams.delete_team(team=team, actor=request.actor)
    messages.success(request, f"Deleted the team {team.name}. Its people and projects are still here.")
    return redirect("settings-teams", slug=request.member.organization.slug)


def _team(team_id: int) -> Team:
    return get_object_or_404(orgs.selectors.teams(), pk=team_id)


def _to_team(request: OrgRequest, team: Team) -> HttpResponse:
    return redirect("settings-teams-team", slug=request.member.organization.slug, team_id=team.pk)


def _render_teams(request: OrgRequest, form: TeamNameForm, *, status: int = 200) -> HttpResponse:
    limited = [member for member in orgs.selectors.limited_members() if member.is_limited]
    context = {"form": form, "teams": orgs.selectors.teams(), "limited": limited}
    context["others"] = orgs.selectors.members().exclude(is_limited_to_teams=True)[:OFFERED_AT_MOST]
    return render(request, "settings/teams.html", context, status=status)


def _render_team(request: OrgRequest, team: Team, form: TeamNameForm, *, status: int = 200) -> HttpResponse:
    people: list[Membership] = list(orgs.selectors.members_of(team))
    projects: list[Project] = list(orgs.selectors.projects_of(team))
    other_people = orgs.selectors.members().exclude(pk__in=[member.pk for member in people])
    other_projects = orgs.selectors.projects_visible_to(request.member).exclude(pk__in=[entry.pk for entry in projects])
    context = {
        "team": team,
        "form": form,
        "people": people,
        "projects": projects,
        "other_people": other_people[:OFFERED_AT_MOST],
        "other_projects": other_projects[:OFFERED_AT_MOST],
    }
    return render(request, "settings/team.html", context, status=status)
