"""What the endpoints about rules share: who may, which rules are meant, and their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

import orgs.selectors
import rules.selectors
import triage.selectors
from assistant_platform.api.base import OrgView
from assistant_platform.api.rules.shapes import RuleDetailSerializer
from findings import of_rules
from orgs.permissions import Permission
from rules import listing
from rules.listing import RuleFilter
from rules.models import Rule

FILTERS = [
    OpenApiParameter(name, str, many=name not in {"q", "min_open"}, description=about)
    for name, about in (
        ("mode", "monitor, comment, block or disabled; several mean any of them, here and below"),
        ("severity", "low, medium, high or critical"),
        ("delivery", "delivered, earlier, waiting, refused, no_text or disabled"),
        ("source", "reported, imported or custom"),
        ("overridden", "yes: a project has a mode of its own"),
        ("language", "a language as semgrep names it"),
        ("label", "a label"),
        ("min_open", "at least so many open findings"),
        ("q", "how the identifier or its last part begins"),
    )
]


class Conflict(APIException):
    """What was asked does not fit what is there."""

    status_code = 409
    default_detail = "The rules are not what they were."


class AboutRules(OrgView):
    """An endpoint about rules: who sees findings may read, and managing policies is for the rest."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE

    def matching(self, request: Request) -> QuerySet[Rule]:
        """Return the rules that the filter in the address matches."""
        seen = orgs.selectors.visible_project_ids(self.token)
        counts = partial(of_rules.open_by_rule, project_ids=seen)
        return listing.matching(RuleFilter.parse(request.query_params), open_by_rule=counts, project_ids=seen)

    def rule(self, rule_id: int) -> Rule:
        """Return a rule, or 404."""
        rule = rules.selectors.known().filter(pk=rule_id).first()
        if rule is None:
            raise NotFound("There is no such rule in this deployment.")
        return rule

    def with_numbers(self, found: Iterable[Rule]) -> list[Rule]:
        """Return the rules with what their serializers show beside the columns."""
        seen = orgs.selectors.visible_project_ids(self.token)
        shown = list(found)
        ids = [rule.pk for rule in shown]
        numbers = of_rules.numbers_of(ids, project_ids=seen)
        agreement = triage.selectors.agreement_by_rule(ids, project_ids=seen)
        for rule in shown:
            own, said = numbers.get(rule.pk, of_rules.NO_FINDINGS), agreement.get(rule.pk)
            vars(rule).update(
                open_findings=own.open,
                fixed_findings=own.fixed,
                fix_rate=round(own.fixed / own.judged, 4) if own.judged else None,
                agree_rate=round(said.agreed / said.said, 4) if said else None,
                answers=said.said if said else 0,
            )
        return shown

    def detail(self, rule_id: int) -> Response:
        """Return the answer that shows one rule."""
        rule = self.with_numbers([self.rule(rule_id)])[0]
        seen = orgs.selectors.visible_project_ids(self.token)
        vars(rule)["overrides_shown"] = list(rules.selectors.overrides_of(rule, project_ids=seen))
        return Response(RuleDetailSerializer(rule).data)
