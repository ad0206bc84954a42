"""How good the Assistant's work is: the figures of the metrics page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assistant_platform import metrics
from assistant_platform.api.base import OrgView
from assistant_platform.metrics import BREAKDOWNS, PERIODS, Figure, Group, Proportion, Report, Resolution
from lib.intervals import Interval
from orgs.permissions import Permission


class ShareSerializer(serializers.Serializer[Any]):
    """A share, with what it stands on and its 95 % interval; null where fewer than ten were counted."""

    successes = serializers.IntegerField()
    n = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class TimedShareSerializer(serializers.Serializer[Any]):
    """What was counted from a day on."""

    since = serializers.DateField()
    successes = serializers.IntegerField()
    n = serializers.IntegerField()


class FigureSerializer(serializers.Serializer[Any]):
    """One measure: altogether (null where the filter cannot tell), and over time."""

    key = serializers.CharField()
    title = serializers.CharField()
    explanation = serializers.CharField()
    total = ShareSerializer(allow_null=True)
    over_time = TimedShareSerializer(many=True)


class MissRateSerializer(serializers.Serializer[Any]):
    """What share of the true positives was called false, estimated from the random audit."""

    checked = serializers.IntegerField()
    wrong = serializers.IntegerField()
    called_false_positive = serializers.IntegerField()
    called_true_positive = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ResolutionSerializer(serializers.Serializer[Any]):
    """How long it took, in hours; null where fewer than ten were resolved."""

    how = serializers.ChoiceField(choices=["fixed", "ignored"])
    with_verdict = serializers.BooleanField()
    n = serializers.IntegerField()
    median_hours = serializers.FloatField(allow_null=True)
    low_hours = serializers.FloatField(allow_null=True)
    high_hours = serializers.FloatField(allow_null=True)
    first_quartile_hours = serializers.FloatField(allow_null=True)
    third_quartile_hours = serializers.FloatField(allow_null=True)


class GroupSerializer(serializers.Serializer[Any]):
    """A rule, project, model or prompt version with its shares by the measure's key."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field takes the name of DRF's own attribute
    value = serializers.CharField()
    shares = serializers.DictField(child=ShareSerializer())


class MetricsSerializer(serializers.Serializer[Any]):
    """Every figure of a period."""

    since = serializers.DateField()
    until = serializers.DateField()
    step_days = serializers.IntegerField(help_text="How many days each entry of `over_time` covers.")
    figures = FigureSerializer(many=True)
    miss_rate = MissRateSerializer(allow_null=True)
    time_to_resolution = ResolutionSerializer(many=True)
    by = serializers.ChoiceField(choices=list(BREAKDOWNS))
    groups = GroupSerializer(many=True)


class MetricsView(OrgView):
    """How good the Assistant's work is."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    query = (
        OpenApiParameter("period", OpenApiTypes.STR, enum=list(PERIODS), description="90-days if not given."),
        OpenApiParameter("since", OpenApiTypes.DATE, description="The first day, with `until` instead of a period."),
        OpenApiParameter("until", OpenApiTypes.DATE, description="The last day, with `since` instead of a period."),
        OpenApiParameter("project", OpenApiTypes.INT, description="The id of a project."),
        OpenApiParameter("rule", OpenApiTypes.INT, description="The id of a rule."),
        OpenApiParameter("model", OpenApiTypes.STR, description="The name of a model that answered."),
        OpenApiParameter("by", OpenApiTypes.STR, enum=list(BREAKDOWNS), description="rule if not given."),
    )

    @extend_schema(
        operation_id="get_metrics",
        responses={200: MetricsSerializer, 400: OpenApiResponse(description="What is wrong, by field")},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return the shares with their intervals, over time and broken down, the miss rate, and times to resolution."""
        asked = {name: str(value) for name, value in request.query_params.items()}
        for name, known in (("period", PERIODS), ("by", BREAKDOWNS)):
            if asked.get(name) and asked[name] not in known:
                raise ValidationError({name: [f"Choose one of: {', '.join(known)}."]})
        with self.scope(), transaction.atomic():
            try:
                choice = metrics.chosen_by(asked, viewer=self.token)
            except metrics.PeriodUnusable as problem:
                raise ValidationError({"since": [str(problem)]}) from problem
            report = metrics.report_on(choice, breakdown=asked.get("by") or "rule")
        return Response(MetricsSerializer(_told(report)).data)


def _told(report: Report) -> dict[str, Any]:
    missed = report.missed
    return {
        "since": report.choice.period.first,
        "until": report.choice.period.last,
        "step_days": report.step_days,
        "figures": [_figure(figure) for figure in report.figures],
        "miss_rate": None
        if missed is None
        else {
            "checked": missed.checked.n,
            "wrong": missed.checked.successes,
            "called_false_positive": missed.called_false,
            "called_true_positive": missed.called_true,
            "rate": missed.rate,
            **_interval(missed.interval),
        },
        "time_to_resolution": [_resolution(entry) for entry in report.resolutions],
        "by": report.breakdown,
        "groups": [_group(group) for group in report.groups],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.measure.key,
        "title": figure.measure.title,
        "explanation": figure.measure.explanation,
        "total": None if figure.total is None else _share(figure.total),
        "over_time": [
            {"since": day, "successes": share.successes, "n": share.n} for day, share in figure.over_time.items()
        ],
    }


def _share(counted: Proportion) -> dict[str, Any]:
    return {
        "successes": counted.successes,
        "n": counted.n,
        "share": counted.share,
        **_interval(counted.interval),
    }


def _interval(found: Interval | None) -> dict[str, float | None]:
    return {"low": None, "high": None} if found is None else {"low": found.low, "high": found.high}


def _group(group: Group) -> dict[str, Any]:
    return {
        "label": group.label,
        "value": group.value,
        "shares": {key: _share(counted) for key, counted in group.shares.items()},
    }


def _resolution(entry: Resolution) -> dict[str, Any]:
    times = {
        "median": entry.median,
        "low": entry.low,
        "high": entry.high,
        "first_quartile": entry.first_quartile,
        "third_quartile": entry.third_quartile,
    }
    hours = {f"{name}_hours": None if took is None else took.total_seconds() / 3600 for name, took in times.items()}
    return {"how": entry.how, "with_verdict": entry.with_verdict, "n": entry.n, **hours}
