"""What the AI provider costs, and the month's budget for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

import providers.budget
from assistant_platform.api.base import OrgView
from orgs.permissions import Permission
from providers import usage

LONGEST_DAYS = 366


class UsagePeriodSerializer(serializers.Serializer[Any]):
    """From which day to which, both included, in the organization's time zone; this month where none is given."""

    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse half a period, and one that is too long."""
        if ("since" in attrs) is not ("until" in attrs):
            raise serializers.ValidationError("Give both since and until, or neither.")
        if attrs and not 0 <= (attrs["until"] - attrs["since"]).days < LONGEST_DAYS:
            raise serializers.ValidationError(f"Let until follow since, within {LONGEST_DAYS} days.")
        return attrs


class UsageLineSerializer(serializers.Serializer[usage.Line]):
    """What some requests came to."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field takes the name of DRF's own attribute
    requests = serializers.IntegerField(source="asked")
    reused = serializers.IntegerField(help_text="Answers that were used again, without a request.")
    stopped = serializers.IntegerField(help_text="Requests that were not made, since the budget was used up.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=18, decimal_places=8, help_text="US dollars, as far as known.")
    saved = serializers.DecimalField(max_digits=18, decimal_places=8, help_text="US dollars, by using answers again.")
    unpriced = serializers.IntegerField(help_text="Requests whose price nobody knows; they are not in the cost.")


class UsageSerializer(serializers.Serializer[Any]):
    """A period's usage."""

    since = serializers.DateField()
    until = serializers.DateField()
    total = UsageLineSerializer()
    days = UsageLineSerializer(many=True)
    steps = UsageLineSerializer(many=True)
    models = UsageLineSerializer(many=True)
    projects = UsageLineSerializer(many=True)


class BudgetSerializer(serializers.Serializer[Any]):
    """The budget of a calendar month, and how the month stands, in US dollars."""

    month = serializers.DateField(read_only=True, help_text="Its first day, in the organization's time zone.")
    monthly_limit = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), allow_null=True, help_text="null: no limit."
    )
    spent = serializers.DecimalField(max_digits=16, decimal_places=8, read_only=True)
    assumed = serializers.DecimalField(
        max_digits=16, decimal_places=8, read_only=True, help_text="The part of it whose price is an assumption."
    )
    reserved = serializers.DecimalField(
        max_digits=16, decimal_places=8, read_only=True, help_text="Held back for requests on their way."
    )


class UsageView(OrgView):
    """What was spent."""

    read_permission: ClassVar[Permission] = Permission.USAGE_VIEW
    write_permission: ClassVar[Permission] = Permission.PROVIDER_MANAGE
    query = (
        OpenApiParameter("since", OpenApiTypes.DATE, description="The first day; this month's if not given."),
        OpenApiParameter("until", OpenApiTypes.DATE, description="The last day; today if not given."),
    )

    @extend_schema(
        operation_id="get_usage",
        responses={200: UsageSerializer, 400: OpenApiResponse(description="What is wrong, in `detail` or by field")},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return requests, tokens and US dollars of a period, by day, step, model and project."""
        asked = UsagePeriodSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        days = asked.validated_data
        with self.scope(), transaction.atomic():
            period = usage.period_of(days["since"], days["until"]) if days else usage.period_named("month")
            found = usage.usage_in(period)
        parts = {name: getattr(found, name) for name in ("total", "days", "steps", "models", "projects")}
        return Response(UsageSerializer({"since": period.first, "until": period.last, **parts}).data)


class BudgetView(OrgView):
    """The month's budget."""

    read_permission: ClassVar[Permission] = Permission.USAGE_VIEW
    write_permission: ClassVar[Permission] = Permission.PROVIDER_MANAGE

    @extend_schema(operation_id="get_budget", responses={200: BudgetSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the budget, and how the month stands."""
        with self.scope(), transaction.atomic():
            return Response(BudgetSerializer(usage.month_now()).data)

    @extend_schema(
        operation_id="set_budget",
        request=BudgetSerializer,
        responses={200: BudgetSerializer, 400: OpenApiResponse(description="What is wrong, by field")},
    )
    def put(self, request: Request, slug: str) -> Response:
        """Change the budget of a month; it holds from now on."""
        wanted = BudgetSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with self.scope():
            providers.budget.set_monthly_limit(wanted.validated_data["monthly_limit"], actor=self.actor)
            with transaction.atomic():
                return Response(BudgetSerializer(usage.month_now()).data)
