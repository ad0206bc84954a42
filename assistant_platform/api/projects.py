"""Projects: what is scanned, with Semgrep's field names."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

import findings.services
import orgs.selectors
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.problems import Unprocessable
from orgs.models import Project
from orgs.permissions import Permission
from orgs.services import MOST_TAGS, ProjectChanges, ProjectUnusable

LARGEST_PAGE = 3000
LAST_PAGE = 10_000


class _TagField(serializers.RegexField):
    """A word for a project."""

    def __init__(self) -> None:
        super().__init__(r"^[\w .:/@+-]{1,60}$", help_text="Letters, digits, spaces and . : / @ + - _")


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project; `default_branch` and `primary_branch` are the same here."""

    default_branch = serializers.CharField(source="primary_branch")
    ignored_paths = serializers.SerializerMethodField(help_text="Globs that `semgrep ci` leaves out.")

    class Meta:
        model = Project
        fields = (
            "id",
            "name",
            "url",
            "tags",
            "created_at",
            "latest_scan_at",
            "primary_branch",
            "default_branch",
            "ignored_paths",
        )
        read_only_fields = fields

    def get_ignored_paths(self, project: Project) -> list[str]:
        """Return the globs, one each."""
        return project.ignored_paths.split("\n") if project.ignored_paths else []


class ProjectAnswerSerializer(serializers.Serializer[Any]):
    """A project, as Semgrep wraps it."""

    project = ProjectSerializer()


class ProjectsSerializer(serializers.Serializer[Any]):
    """A page of projects by name."""

    projects = ProjectSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ProjectChangesSerializer(serializers.Serializer[Any]):
    """What of a project is to be changed; what is left out stays."""

    primary_branch = serializers.CharField(max_length=255, required=False, allow_blank=True)
    tags = serializers.ListField(child=_TagField(), max_length=MOST_TAGS, required=False)
    ignored_paths = serializers.ListField(
        child=serializers.CharField(max_length=500), max_length=500, required=False, help_text="Globs, one each."
    )

    def validate_primary_branch(self, name: str) -> str:
        """Refuse what no branch is called."""
        return _one_line(name)

    def validate_ignored_paths(self, globs: list[str]) -> list[str]:
        """Refuse what would be more than one glob."""
        return [_one_line(glob) for glob in globs]


class TagsSerializer(serializers.Serializer[Any]):
    """Tags to add to a project, or to take away."""

    tags = serializers.ListField(child=_TagField(), min_length=1, max_length=MOST_TAGS)


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise serializers.ValidationError("Use printable characters, on one line.")
    return text


def _changes(sent: dict[str, Any]) -> ProjectChanges:
    globs, tags = sent.get("ignored_paths"), sent.get("tags")
    return ProjectChanges(
        primary_branch=sent.get("primary_branch"),
        tags=None if tags is None else tuple(dict.fromkeys(tags)),
        ignored_paths=None if globs is None else "\n".join(globs),
    )


class _ProjectsView(OrgView):
    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.PROJECTS_MANAGE

    def project(self, name: str) -> Project:
        """Return the project of an address. Needs a transaction."""
        project = orgs.selectors.projects_visible_to(self.token).filter(name=name).first()
        if project is None:
            raise NotFound("There is no such project in this deployment.")
        return project

    def change(self, project: Project, changes: dict[str, Any]) -> Response:
        """Change a project and answer it."""
        try:
            findings.services.change_project(project=project, changes=_changes(changes), actor=self.actor)
        except ProjectUnusable as problem:
            raise Unprocessable(str(problem)) from problem
        project.refresh_from_db()
        return Response({"project": ProjectSerializer(project).data})


class ProjectsView(_ProjectsView):
    """The projects of a deployment."""

    query = (
        paging.CURSOR,
        OpenApiParameter(
            "page_size", int, description=f"1 to {LARGEST_PAGE}; {paging.DEFAULT_PAGE_SIZE} if not given."
        ),
        OpenApiParameter("page", int, description="Semgrep's numbered pages, from 0. `cursor` is quicker far behind."),
    )

    @extend_schema(operation_id="list_projects", responses={200: ProjectsSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the projects by name."""
        size = paging.size_of(request, largest=LARGEST_PAGE)
        number = paging.number_of(request, "page", default=0, smallest=0, largest=LAST_PAGE)
        with self.scope(), transaction.atomic():
            page = paging.page_of(
                orgs.selectors.projects_visible_to(self.token),
                request,
                order=(("name", str),),
                is_descending=False,
                size=size,
                skipped=number * size,
            )
            return paging.answer(request, "projects", ProjectSerializer(page.rows, many=True).data, page)


class ProjectView(_ProjectsView):
    """One project, by its name, which may hold slashes."""

    @extend_schema(operation_id="get_project", responses={200: ProjectAnswerSerializer})
    def get(self, request: Request, slug: str, project_name: str) -> Response:
        """Return a project."""
        with self.scope(), transaction.atomic():
            return Response({"project": ProjectSerializer(self.project(project_name)).data})

    @extend_schema(
        operation_id="change_project", request=ProjectChangesSerializer, responses={200: ProjectAnswerSerializer}
    )
    def patch(self, request: Request, slug: str, project_name: str) -> Response:
        """Change what is named of a project."""
        with self.scope(), transaction.atomic():
            project = self.project(project_name)
            sent = ProjectChangesSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            return self.change(project, sent.validated_data)


class ProjectTagsView(_ProjectsView):
    """The tags of a project."""

    @extend_schema(operation_id="add_project_tags", request=TagsSerializer, responses={200: ProjectAnswerSerializer})
    def put(self, request: Request, slug: str, project_name: str) -> Response:
        """Add tags to those that a project has."""
        with self.scope(), transaction.atomic():
            project = self.project(project_name)
            return self.change(project, {"tags": [*project.tags, *self._sent(request)]})

    @extend_schema(operation_id="remove_project_tags", request=TagsSerializer, responses={200: ProjectAnswerSerializer})
    def delete(self, request: Request, slug: str, project_name: str) -> Response:
        """Take tags away; one that the project does not have is no mistake."""
        with self.scope(), transaction.atomic():
            project = self.project(project_name)
            taken = set(self._sent(request))
            return self.change(project, {"tags": [tag for tag in project.tags if tag not in taken]})

    def _sent(self, request: Request) -> list[str]:
        sent = TagsSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        tags: list[str] = sent.validated_data["tags"]
        return tags
