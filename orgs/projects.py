"""Changing projects."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from events.kinds import Actor, Kind
from events.services import record
from orgs.models import Project

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
