"""Reading and changing the settings of an organization and of its projects. Consent is given by people, on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import orgs.selectors
import orgs.services
from assistant_platform.api.base import OrgView
from orgs.models import Project, Viewer
from orgs.permissions import Permission
from orgs.selectors import EffectiveSettings
from orgs.settings.catalogue import BY_NAME, PER_PROJECT, SETTINGS, Setting, Shape, Value, WrongValue

ANSWER = OpenApiResponse(
    OpenApiTypes.OBJECT, description="Each setting with its `value` and its `origin`: organization or project"
)
WRONG = OpenApiResponse(OpenApiTypes.OBJECT, description="What is wrong, by setting; nothing was changed")


class _SettingsView(OrgView):
    read_permission: ClassVar[Permission] = Permission.SETTINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.SETTINGS_MANAGE


class OrganizationSettingsView(_SettingsView):
    """The settings of an organization."""

    @extend_schema(operation_id="get_settings", responses={200: ANSWER})
    def get(self, request: Request, slug: str) -> Response:
        """Return every setting."""
        with self.scope(), transaction.atomic():
            return Response(_told(orgs.selectors.settings_of_organization(), SETTINGS))

    @extend_schema(operation_id="change_settings", request=OpenApiTypes.OBJECT, responses={200: ANSWER, 400: WRONG})
    def patch(self, request: Request, slug: str) -> Response:
        """Change the settings that are named, all or none."""
        changes = _checked(request.data, SETTINGS)
        with self.scope(), transaction.atomic():
            orgs.services.change_settings(actor=self.actor, changes=changes)
            return Response(_told(orgs.selectors.settings_of_organization(), SETTINGS))


class ProjectSettingsView(_SettingsView):
    """The settings that hold for a project."""

    @extend_schema(operation_id="get_project_settings", responses={200: ANSWER})
    def get(self, request: Request, slug: str, project_id: int) -> Response:
        """Return every setting as it holds for the project, and where it comes from."""
        with self.scope(), transaction.atomic():
            project = _project(self.token, project_id)
            return Response(_told(orgs.selectors.settings_for(project.pk), SETTINGS))

    @extend_schema(
        operation_id="change_project_settings", request=OpenApiTypes.OBJECT, responses={200: ANSWER, 400: WRONG}
    )
    def patch(self, request: Request, slug: str, project_id: int) -> Response:
        """Change the project's own values, all or none; null goes back to the organization's."""
        with self.scope(), transaction.atomic():
            project = _project(self.token, project_id)
            changes = _checked(request.data, PER_PROJECT, may_be_null=True)
            orgs.services.change_project_settings(project=project, actor=self.actor, changes=changes)
            return Response(_told(orgs.selectors.settings_for(project.pk), SETTINGS))


def _project(viewer: Viewer, project_id: int) -> Project:
    project = orgs.selectors.projects_visible_to(viewer).filter(pk=project_id).first()
    if project is None:
        raise NotFound("There is no such project in this deployment.")
    return project


def _told(settings: EffectiveSettings, shown: Iterable[Setting]) -> dict[str, dict[str, Any]]:
    return {
        setting.name: {
            "value": _as_json(setting, getattr(settings, setting.name)),
            "origin": settings.origin_of(setting.name),
        }
        for setting in shown
    }


def _as_json(setting: Setting, value: Value) -> Value | list[str]:
    return str(value).split() if setting.shape is Shape.CWES else value


def _checked(sent: Any, allowed: Iterable[Setting], *, may_be_null: bool = False) -> dict[str, Any]:
    """Return what was sent, each value as it is stored. Raises ValidationError that says what is wrong with each."""
    if not isinstance(sent, Mapping):
        raise ValidationError("Send an object of settings and values.")
    names = {setting.name for setting in allowed}
    problems: dict[str, str] = {}
    checked: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in names:
            problems[name] = "This holds for the organization only." if name in BY_NAME else "There is no such setting."
        elif value is None and may_be_null:
            checked[name] = None
        else:
            try:
                checked[name] = BY_NAME[name].checked(value)
            except WrongValue as problem:
                problems[name] = str(problem)
    if problems:
        raise ValidationError(problems)
    return checked
