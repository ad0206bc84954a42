"""What holds for a project: its own values, else its organization's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from django.db.models import Count, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from orgs.models import AssistantSettings, ProjectSettings
from orgs.settings.catalogue import PER_PROJECT


class Origin(StrEnum):
    """Who set a value."""

    ORGANIZATION = "organization"
    PROJECT = "project"


@dataclass(frozen=True)
class EffectiveSettings:
    """Every setting's value as it holds; `own` names those that the project has set itself."""

    is_enabled: bool
    auto_triage: bool
    auto_triage_in_comments: bool
    auto_triage_in_slack: bool
    remediation: bool
    fix_confidence: str
    noise_filter: bool
    noise_filter_mode: str
    weekly_priority_emails: bool
    customize_with_memories: bool
    pull_request_comments: bool
    analyses_all_severities: bool
    pull_request_cap: int
    test_paths_decide: bool
    careful_cwes: str
    verdict_wait_seconds: int
    commands_in_replies: bool
    comment_footer: str
    own: frozenset[str] = frozenset()

    def origin_of(self, name: str) -> Origin:
        """Tell where a setting's value comes from."""
        return Origin.PROJECT if name in self.own else Origin.ORGANIZATION

    @property
    def judges_new_findings(self) -> bool:
        """Whether new findings are judged without being asked."""
        return self.is_enabled and self.auto_triage

    @property
    def writes_advice(self) -> bool:
        """Whether guidance and fixes are written."""
        return self.is_enabled and self.remediation


_NAMES = tuple(field.name for field in fields(EffectiveSettings) if field.name != "own")
_OF_PROJECT = tuple(setting.name for setting in PER_PROJECT)


def settings_of_organization() -> EffectiveSettings:
    """Return the settings of the organization in scope, with the defaults where none were saved."""
    return _effective(AssistantSettings.objects.first() or AssistantSettings(), {})


def settings_for(project_id: int) -> EffectiveSettings:
    """Return the settings that hold for a project of the organization in scope, in one query."""
    own = ProjectSettings.objects.filter(project_id=project_id).values(
        json=JSONObject(**{name: name for name in _OF_PROJECT})
    )
    row = AssistantSettings.objects.annotate(of_project=Subquery(own)).first()
    if row is None:  # the organization never saved any
        settings = ProjectSettings.objects.filter(project_id=project_id).first()
        return _effective(AssistantSettings(), {name: getattr(settings, name, None) for name in _OF_PROJECT})
    return _effective(row, row.of_project or {})


def _effective(organization: AssistantSettings, project: Mapping[str, Any]) -> EffectiveSettings:
    own = {name: value for name, value in project.items() if value is not None}
    values: dict[str, Any] = {name: getattr(organization, name) for name in _NAMES}
    return EffectiveSettings(**{**values, **own}, own=frozenset(own))


def own_values_by_project() -> QuerySet[ProjectSettings]:
    """Return the settings of each project that has any of its own, by the project's name."""
    has_own = Q()
    for name in _OF_PROJECT:
        has_own |= Q(**{f"{name}__isnull": False})
    return ProjectSettings.objects.filter(has_own).select_related("project").order_by("project__name")


def differing_counts() -> dict[str, int]:
    """Return for each setting how many projects have a value of their own."""
    return ProjectSettings.objects.aggregate(**{name: Count(name) for name in _OF_PROJECT})
