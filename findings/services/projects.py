"""Changing a project where its findings follow: which branch is the primary one decides what is in production."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

import orgs.services
from events.kinds import Actor
from findings.ingest import merging
from findings.models import Finding, NotAnalysed
from findings.services.analysing import withdraw
from orgs.models import Project
from orgs.services import ProjectChanges


def change_project(*, project: Project, changes: ProjectChanges, actor: Actor) -> list[str]:
    """Save what differs, and bring the findings in line with another primary branch. Returns what was changed.

    Raises ProjectUnusable.
    """
    with transaction.atomic():
        # As an import does, so that neither derives from what the other is about to change.
        project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        changed = orgs.services.change_project(project=project, changes=changes, actor=actor)
        if "primary_branch" in changed:
            _derive(project)
            withdraw(Finding.objects.filter(project=project, is_present=False), why=NotAnalysed.FIXED)
    return changed


def _derive(project: Project) -> None:
    parameters: dict[str, Any] = {
        "org": project.organization_id,
        "project": project.pk,
        "primary": project.primary_branch,
    }
    with connection.cursor() as cursor:
        cursor.execute(merging.LOCK_PROJECT, parameters)
        cursor.execute(merging.DERIVE_PROJECT, parameters)
