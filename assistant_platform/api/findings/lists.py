"""The list of findings, and how many each filter value would show."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.findings.filters import FILTER_PARAMETERS, OWN, asked
from assistant_platform.api.findings.shape import FindingsSerializer, told
from findings import listing
from findings.listing import FindingFilter
from orgs.permissions import Permission
from rules.models import Rule

LARGEST_PAGE = 3000
LAST_PAGE = 10_000


class FacetCountsSerializer(serializers.Serializer[Any]):
    """How many findings each value of a filter would show."""

    total = serializers.IntegerField()
    is_capped = serializers.BooleanField(help_text="Whether the counts are at least that, rather than exact.")
    by_filter = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))


class FindingsView(OrgView):
    """The findings of a deployment."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE
    query = (
        *FILTER_PARAMETERS,
        paging.CURSOR,
        OpenApiParameter(
            "page_size", int, description=f"1 to {LARGEST_PAGE}; {paging.DEFAULT_PAGE_SIZE} if not given."
        ),
        OpenApiParameter("page", int, description="Semgrep's numbered pages, from 0. `cursor` is quicker far behind."),
    )

    @extend_schema(operation_id="list_findings", responses={200: FindingsSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the findings of a filter, worst first, newest first among equals."""
        size = paging.size_of(request, largest=LARGEST_PAGE)
        number = paging.number_of(request, "page", default=0, smallest=0, largest=LAST_PAGE)
        with self.scope(), transaction.atomic():
            page = paging.page_of(
                # Rules and projects are read beside, not joined: with the joins PostgreSQL expects few rows and sorts.
                asked(request.query_params, viewer=self.token)
                .applied()
                .prefetch_related(
                    Prefetch("rule", Rule.objects.defer("yaml", "delivered", "objection")),
                    "project",
                )
                .defer("trace", "matched_lines", "rule_fix"),
                request,
                order=(("severity", int), ("pk", int)),
                is_descending=True,
                size=size,
                skipped=number * size,
            )
            return paging.answer(request, "findings", told(page.rows), page)


class FindingCountsView(OrgView):
    """How many findings each value of the page's filters would show."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE
    query = tuple(entry for entry in FILTER_PARAMETERS if entry.name in OWN)

    @extend_schema(operation_id="count_findings", responses={200: FacetCountsSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the counts that the page shows beside its filters; at most 30 seconds old."""
        with self.scope(), transaction.atomic():
            chosen: FindingFilter = asked(request.query_params, viewer=self.token).chosen
            counts = listing.counts(chosen, viewer=self.token)
            by_filter = {name: dict(values) for name, values in counts.by_facet.items()}
            return Response({"total": counts.total, "is_capped": counts.is_capped, "by_filter": by_filter})
