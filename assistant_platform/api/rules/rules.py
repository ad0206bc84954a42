"""Rules: the list, one rule, their modes, and what projects decide themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

import orgs.selectors
import rules.selectors
import rules.services
from assistant_platform.api.rules.base import FILTERS, AboutRules, Conflict
from assistant_platform.api.rules.shapes import (
    ChangeSerializer,
    ModesChangedSerializer,
    ModesSerializer,
    OwnModeSerializer,
    RuleDetailSerializer,
    RulePageSerializer,
    UndoneSerializer,
)
from orgs.models import Project
from orgs.permissions import Permission
from rules import listing
from rules.models import Mode, Rule
from rules.services import LabelRefused, NotImported


class RulesView(AboutRules):
    """The rules."""

    @extend_schema(
        operation_id="list_rules",
        parameters=[*FILTERS, OpenApiParameter("after", str, description="`next_after` of the page before")],
        responses={200: RulePageSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return the rules by identifier, 50 a page."""
        with self.scope(), transaction.atomic():
            found = self.matching(request)
            page = listing.page(found, after=request.query_params.get("after", "").replace("\0", "")[:500])
            shown = {
                "results": self.with_numbers(page.rules),
                "next_after": page.next_after,
                "count": found.count(),
            }
            return Response(RulePageSerializer(shown).data)


class RuleView(AboutRules):
    """One rule."""

    @extend_schema(
        operation_id="get_rule",
        responses={200: RuleDetailSerializer, 404: OpenApiResponse(description="No such rule")},
    )
    def get(self, request: Request, slug: str, rule_id: int) -> Response:
        """Return a rule with its text, what the engine objects to, and the projects that differ."""
        with self.scope(), transaction.atomic():
            return self.detail(rule_id)

    @extend_schema(operation_id="change_rule", request=ChangeSerializer, responses={200: RuleDetailSerializer})
    def patch(self, request: Request, slug: str, rule_id: int) -> Response:
        """Change a rule's mode, its labels, or both."""
        with self.scope(), transaction.atomic():
            rule = self.rule(rule_id)
            said = ChangeSerializer(data=request.data)
            said.is_valid(raise_exception=True)
            wanted = said.validated_data
            if "mode" in wanted:
                selection = rules.services.hold(Rule.objects.filter(pk=rule.pk))
                rules.services.change_modes(selection=selection, mode=Mode(wanted["mode"]), actor=self.actor)
            if "labels" in wanted:
                gone = [label for label in rule.labels if label not in wanted["labels"]]
                try:
                    rules.services.change_labels(
                        rule_ids=[rule.pk], add=wanted["labels"], remove=gone, actor=self.actor
                    )
                except LabelRefused as problem:
                    raise ParseError(str(problem)) from problem
            return self.detail(rule_id)

    @extend_schema(
        operation_id="remove_rule",
        responses={204: None, 409: OpenApiResponse(description="The rule was not imported")},
    )
    def delete(self, request: Request, slug: str, rule_id: int) -> Response:
        """Take an imported rule away; its findings stay until a full scan misses them."""
        with self.scope(), transaction.atomic():
            try:
                rules.services.remove_text(rule=self.rule(rule_id), actor=self.actor)
            except NotImported as problem:
                raise Conflict(str(problem)) from problem
        return Response(status=204)


class RuleModesView(AboutRules):
    """The modes of several rules."""

    read_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE

    @extend_schema(
        operation_id="change_rule_modes",
        parameters=FILTERS,
        request=ModesSerializer,
        responses={200: ModesChangedSerializer, 409: OpenApiResponse(description="Not as many rules as expected")},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Give several rules a mode: those of `rule_ids`, else all that the filter in the address matches."""
        said = ModesSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        wanted = said.validated_data
        with self.scope(), transaction.atomic():
            ids = wanted.get("rule_ids")
            chosen = self.matching(request) if ids is None else Rule.objects.filter(pk__in=list(map(int, ids)))
            selection = rules.services.hold(chosen)
            expected = wanted.get("expected_count", selection.count if ids is None else len(set(ids)))
            if expected != selection.count:
                raise Conflict(f"{selection.count} rules are chosen, not {expected}; nothing was changed.")
            event = rules.services.change_modes(selection=selection, mode=Mode(wanted["mode"]), actor=self.actor)
        changed = event.subject["count"] if event else 0
        return Response({"changed": changed, "event_id": str(event.pk) if event else ""})


class UndoRuleModesView(AboutRules):
    """Taking a change of modes back."""

    read_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE

    @extend_schema(operation_id="undo_rule_modes", request=None, responses={200: UndoneSerializer})
    def post(self, request: Request, slug: str, event_id: int) -> Response:
        """Give the rules of a change the modes that they had before it."""
        with self.scope(), transaction.atomic():
            event = rules.selectors.change_of_modes(event_id)
            if event is None:
                raise NotFound("There is no such change in this deployment.")
            undone = rules.services.undo_modes(event=event, actor=self.actor)
        return Response({"restored": undone.restored, "kept": undone.kept})


class RuleOverrideView(AboutRules):
    """A rule's mode in one project."""

    read_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE

    @extend_schema(operation_id="set_rule_override", request=OwnModeSerializer, responses={200: RuleDetailSerializer})
    def put(self, request: Request, slug: str, rule_id: int, project_id: int) -> Response:
        """Give a rule a mode of its own in a project."""
        with self.scope(), transaction.atomic():
            rule, project = self.rule(rule_id), self._project(project_id)
            said = OwnModeSerializer(data=request.data)
            said.is_valid(raise_exception=True)
            mode = Mode(said.validated_data["mode"])
            rules.services.set_override(rule=rule, project=project, mode=mode, actor=self.actor)
            return self.detail(rule_id)

    @extend_schema(operation_id="remove_rule_override", responses={204: None})
    def delete(self, request: Request, slug: str, rule_id: int, project_id: int) -> Response:
        """Let the organization's mode hold in a project again."""
        with self.scope(), transaction.atomic():
            rules.services.remove_override(rule=self.rule(rule_id), project=self._project(project_id), actor=self.actor)
        return Response(status=204)

    def _project(self, project_id: int) -> Project:
        project = orgs.selectors.projects_visible_to(self.token).filter(pk=project_id).first()
        if project is None:
            raise NotFound("There is no such project in this deployment.")
        return project
