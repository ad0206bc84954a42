"""Which projects' findings and overrides somebody is shown."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet

import orgs.selectors
from assistant_platform.web.base import OrgRequest
from findings import of_rules
from rules import listing
from rules.listing import RuleFilter
from rules.models import Rule


def projects_seen(request: OrgRequest) -> frozenset[int] | None:
    """Return the ids of the projects that the person sees, None where it is all of them."""
    return orgs.selectors.visible_project_ids(request.member)


def matching(chosen: RuleFilter, request: OrgRequest) -> QuerySet[Rule]:
    """Return the rules that a filter shows the person."""
    seen = projects_seen(request)
    return listing.matching(chosen, open_by_rule=partial(of_rules.open_by_rule, project_ids=seen), project_ids=seen)
