"""The week's tasks, the same as on the dashboard and in the e-mail."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

import triage.weeks
from assistant_platform.api.base import OrgView
from orgs.permissions import Permission


class PriorityTaskSerializer(serializers.Serializer[Any]):
    """One of the week's tasks."""

    rank = serializers.IntegerField(source="task.rank")
    finding_id = serializers.CharField(source="finding.pk", help_text="The worst finding of the task.")
    finding_ids = serializers.ListField(
        child=serializers.CharField(), source="task.finding_ids", help_text="Whose progress is followed; 200 at most."
    )
    count = serializers.IntegerField(source="task.count", help_text="Equal findings when the week was chosen.")
    project = serializers.CharField(source="finding.project.name")
    rule = serializers.CharField(source="finding.rule.identifier")
    path = serializers.CharField(source="finding.path")
    line = serializers.IntegerField(source="finding.start_line")
    score = serializers.FloatField(source="task.score")
    reasons = serializers.ListField(child=serializers.CharField(), source="task.reasons")
    done = serializers.IntegerField(help_text="How many of `finding_ids` are fixed or ignored by now.")
    is_done = serializers.BooleanField()


class PrioritiesSerializer(serializers.Serializer[Any]):
    """The tasks of the present week; none, and no week, before they are chosen."""

    monday = serializers.DateField(source="week.monday", allow_null=True)
    sunday = serializers.DateField(allow_null=True)
    tasks = PriorityTaskSerializer(many=True)


class PrioritiesView(OrgView):
    """The week's tasks."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW

    @extend_schema(operation_id="get_priorities", responses={200: PrioritiesSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the three most pressing tasks of the week, with why, and what is done of them."""
        with self.scope(), transaction.atomic():
            shown = triage.weeks.week_shown(viewer=self.token, now=timezone.now())
            if shown is None:
                return Response({"monday": None, "sunday": None, "tasks": []})
            return Response(PrioritiesSerializer(shown).data)
