"""Memories: what people taught the Assistant. A token suggests, approves, changes, removes and tries them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import memories.services
import orgs.selectors
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.problems import Conflict
from memories import listing
from memories.models import LONGEST_TEXT, DryRun, Memory, MemoryChange, MemorySource, MemoryState, Purpose, Template
from memories.scopes import LONGEST_PREFIX, Scope, ScopeUnusable
from memories.services import MemoryUnusable
from orgs.permissions import Permission
from rules.models import Rule
from triage import dry_runs

REFUSED = OpenApiResponse(description="What is wrong; nothing was changed")
STATE = OpenApiParameter("state", str, enum=MemoryState.values, description="Of one state; with none: all but removed.")


class MemorySerializer(serializers.Serializer[Any]):
    """A memory. `project` and `rule` are names; what is empty asks nothing of a finding."""

    id = serializers.CharField(read_only=True)
    text = serializers.CharField(max_length=LONGEST_TEXT)
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.BOTH)
    state = serializers.ChoiceField(choices=MemoryState.choices, read_only=True)
    project = serializers.CharField(source="project.name", default="", allow_blank=True, max_length=200)
    project_tag = serializers.CharField(default="", allow_blank=True, max_length=60)
    rule = serializers.CharField(source="rule.identifier", default="", allow_blank=True, max_length=500)
    cwe = serializers.CharField(default="", allow_blank=True, max_length=12)
    path_prefix = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_PREFIX)
    template = serializers.ChoiceField(
        choices=Template.choices, default=Template.NONE, allow_blank=True, help_text="Set when it is suggested only."
    )
    expires_at = serializers.DateTimeField(default=None, allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # the stubs know only the argument of this name
        choices=MemorySource.choices, read_only=True
    )
    source_finding_id = serializers.CharField(read_only=True, allow_null=True)
    created_by = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    approved_by = serializers.CharField(read_only=True)
    approved_at = serializers.DateTimeField(read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True)
    use_count = serializers.IntegerField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, allow_null=True)


class MemoriesSerializer(serializers.Serializer[Any]):
    """A page of memories."""

    memories = MemorySerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class MemoryChangeSerializer(serializers.ModelSerializer[MemoryChange]):
    """A step of a memory's history, with what it was before and after."""

    id = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()

    class Meta:
        model = MemoryChange
        fields = ("id", "what", "by", "before", "after", "at")
        read_only_fields = fields


class MemoryHistorySerializer(serializers.Serializer[Any]):
    """A page of a memory's history."""

    history = MemoryChangeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class DryRunResultSerializer(serializers.Serializer[Any]):
    """What a dry run found for one finding: the verdicts without and with the memory, or why there is none."""

    finding = serializers.CharField(source="finding.pk")
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)
    explanation = serializers.CharField(allow_blank=True)
    problem = serializers.CharField(allow_blank=True)


class DryRunSerializer(serializers.Serializer[Any]):
    """A dry run: which verdicts a memory would change. Nothing was changed by it."""

    id = serializers.CharField(source="run.pk")
    state = serializers.CharField(source="run.state")
    version = serializers.IntegerField(source="run.version", help_text="Of the memory that was tried.")
    planned_count = serializers.IntegerField(source="run.planned_count")
    left_out_count = serializers.IntegerField(source="run.left_out_count")
    problem = serializers.CharField(source="run.problem", allow_blank=True)
    would_become = serializers.DictField(child=serializers.IntegerField())
    results = DryRunResultSerializer(many=True)


class MemoryBaseView(OrgView):
    """Something of memories."""

    read_permission: ClassVar[Permission] = Permission.MEMORIES_VIEW
    write_permission: ClassVar[Permission] = Permission.MEMORIES_MANAGE

    def memory(self, memory_id: int) -> Memory:
        """Return one memory, a removed one too."""
        found = listing.visible_to(self.token).filter(pk=memory_id).first()
        if found is None:
            raise NotFound("There is no such memory.")
        return found


class MemoriesView(MemoryBaseView):
    """Every memory."""

    write_permission: ClassVar[Permission] = Permission.MEMORIES_SUGGEST
    query = (STATE, *paging.PAGED)

    @extend_schema(operation_id="list_memories", responses={200: MemoriesSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """List memories, newest first."""
        size, state = paging.size_of(request), request.query_params.get("state", "")
        if state and state not in MemoryState.values:
            raise ValidationError({"state": [f"One of {', '.join(MemoryState.values)}."]})
        with self.scope(), transaction.atomic():
            found = listing.visible_to(self.token)
            found = found.filter(state=state) if state else found.exclude(state=MemoryState.REMOVED)
            page = paging.page_of(found, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "memories", MemorySerializer(page.rows, many=True).data, page)

    @extend_schema(
        operation_id="suggest_memory", request=MemorySerializer, responses={201: MemorySerializer, 400: REFUSED}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Suggest a memory; it shapes nothing until it is approved. The same one again is the one that is there."""
        sent = MemorySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        with self.scope(), refusals(), transaction.atomic():
            memory = memories.services.teach(
                text=given["text"],
                purpose=Purpose(given["purpose"]),
                scope=scope_of(given, self),
                source=MemorySource.PAGE,
                actor=self.actor,
                goes_live=False,
                template=Template(given["template"]),
                expires_at=given["expires_at"],
            )
            return Response(MemorySerializer(memory).data, status=status.HTTP_201_CREATED)


class MemoryView(MemoryBaseView):
    """One memory."""

    @extend_schema(operation_id="get_memory", responses={200: MemorySerializer})
    def get(self, request: Request, slug: str, memory_id: int) -> Response:
        """Return a memory."""
        with self.scope(), transaction.atomic():
            return Response(MemorySerializer(self.memory(memory_id)).data)

    @extend_schema(
        operation_id="change_memory", request=MemorySerializer, responses={200: MemorySerializer, 400: REFUSED}
    )
    def put(self, request: Request, slug: str, memory_id: int) -> Response:
        """Say anew what a memory says, where it holds and how long; it becomes a new version."""
        with self.scope(), refusals(), transaction.atomic():
            memory = self.memory(memory_id)
            sent = MemorySerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            given = sent.validated_data
            memory = memories.services.change(
                memory=memory,
                actor=self.actor,
                text=given["text"],
                purpose=Purpose(given["purpose"]),
                scope=scope_of(given, self),
                expires_at=given["expires_at"],
            )
            return Response(MemorySerializer(memory).data)

    @extend_schema(operation_id="remove_memory", responses={204: None})
    def delete(self, request: Request, slug: str, memory_id: int) -> Response:
        """Remove a memory; its history stays."""
        with self.scope(), refusals(), transaction.atomic():
            memories.services.remove(memory=self.memory(memory_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MemoryApprovalView(MemoryBaseView):
    """Whether a memory is in force."""

    @extend_schema(operation_id="approve_memory", request=None, responses={200: MemorySerializer, 400: REFUSED})
    def post(self, request: Request, slug: str, memory_id: int) -> Response:
        """Put a memory in force; one that was disabled or has expired too."""
        with self.scope(), refusals(), transaction.atomic():
            memory = self.memory(memory_id)
            is_new = memory.state == MemoryState.SUGGESTED
            act = memories.services.approve if is_new else memories.services.enable
            return Response(MemorySerializer(act(memory=memory, actor=self.actor)).data)

    @extend_schema(operation_id="disable_memory", responses={200: MemorySerializer, 400: REFUSED})
    def delete(self, request: Request, slug: str, memory_id: int) -> Response:
        """Take a memory out of force; it can be approved again."""
        with self.scope(), refusals(), transaction.atomic():
            memory = memories.services.disable(memory=self.memory(memory_id), actor=self.actor)
            return Response(MemorySerializer(memory).data)


class MemoryHistoryView(MemoryBaseView):
    """What became of a memory."""

    query = paging.PAGED

    @extend_schema(operation_id="list_memory_history", responses={200: MemoryHistorySerializer})
    def get(self, request: Request, slug: str, memory_id: int) -> Response:
        """Return who made what of a memory, newest first."""
        size = paging.size_of(request)
        with self.scope(), transaction.atomic():
            steps = self.memory(memory_id).history.all()
            page = paging.page_of(steps, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "history", MemoryChangeSerializer(page.rows, many=True).data, page)


class MemoryDryRunView(MemoryBaseView):
    """What a memory would change."""

    @extend_schema(operation_id="get_memory_dry_run", responses={200: DryRunSerializer, 409: REFUSED})
    def get(self, request: Request, slug: str, memory_id: int) -> Response:
        """Return the newest dry run of a memory, as far as it is; 409 where none was asked for."""
        with self.scope(), transaction.atomic():
            run = dry_runs.latest(self.memory(memory_id))
            if run is None:
                raise Conflict("Nobody has tried this memory out yet. POST here does.")
            return Response(self._shown(run))

    @extend_schema(operation_id="try_memory", request=None, responses={202: DryRunSerializer, 400: REFUSED})
    def post(self, request: Request, slug: str, memory_id: int) -> Response:
        """Try a memory on findings that it concerns, in the background; no verdict is changed by it."""
        with self.scope(), refusals(), transaction.atomic():
            run = dry_runs.request_dry_run(memory=self.memory(memory_id), actor=self.actor)
            return Response(self._shown(run), status=status.HTTP_202_ACCEPTED)

    def _shown(self, run: DryRun) -> Any:
        found = dry_runs.outcomes(run, viewer=self.token)
        shown = {"run": run, "would_become": dry_runs.would_become(found), "results": found}
        return DryRunSerializer(shown).data


@contextmanager
def refusals() -> Iterator[None]:
    """Answer what services refuse in their words."""
    try:
        yield
    except (MemoryUnusable, ScopeUnusable, dry_runs.NotTriable) as problem:
        raise ValidationError({"detail": [str(problem)]}) from problem


def scope_of(given: dict[str, Any], view: OrgView) -> Scope:
    """Return the scope that a request names. Raise ValidationError by field."""
    project_name, identifier = given["project"]["name"], given["rule"]["identifier"]
    project = orgs.selectors.projects_visible_to(view.token).filter(name=project_name).first() if project_name else None
    if project_name and project is None:
        raise ValidationError({"project": ["There is no such project."]})
    rule = Rule.objects.filter(identifier=identifier).first() if identifier else None
    if identifier and rule is None:
        raise ValidationError({"rule": ["There is no such rule."]})
    return Scope(
        project=project,
        rule=rule,
        project_tag=given["project_tag"],
        path_prefix=given["path_prefix"],
        cwe=given["cwe"],
    )
