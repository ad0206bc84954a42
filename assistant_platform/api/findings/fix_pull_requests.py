"""The fix pull request of a finding: how it stands, and asking for one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

import remediation.pull_requests
from assistant_platform.api.findings.detail import AboutFinding
from assistant_platform.api.problems import Conflict
from orgs.permissions import Permission
from remediation.models import FixPullRequest, FixPullRequestState
from remediation.pull_requests import Standing


class FixPullRequestSerializer(serializers.ModelSerializer[FixPullRequest]):
    """A pull request that applies a verified fix."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=FixPullRequestState.choices)
    url = serializers.CharField(source="web_url", help_text="On the code host; empty until it is open there.")

    class Meta:
        model = FixPullRequest
        fields = (
            "id",
            "state",
            "number",
            "url",
            "branch",
            "base_branch",
            "commit",
            "problem",
            "requested_by",
            "requested_at",
            "changed_at",
        )
        read_only_fields = fields


class StandingSerializer(serializers.Serializer[Any]):
    """How it stands with a finding's fix pull request."""

    fix_pull_request = FixPullRequestSerializer(allow_null=True, help_text="The newest that was asked for.")
    may_be_opened = serializers.BooleanField()
    why_not = serializers.CharField(allow_blank=True, help_text="Why none can be opened, in words.")


class FixPullRequestView(AboutFinding):
    """The fix pull request of a finding."""

    write_permission: ClassVar[Permission] = Permission.FIX_PULL_REQUESTS_OPEN

    @extend_schema(operation_id="get_fix_pull_request", responses={200: StandingSerializer})
    def get(self, request: Request, slug: str, finding_id: int) -> Response:
        """Return the newest fix pull request of a finding, and whether one can be opened."""
        with self.scope(), transaction.atomic():
            return Response(_told(remediation.pull_requests.standing_of(self.finding(finding_id))))

    @extend_schema(operation_id="open_fix_pull_request", request=None, responses={202: StandingSerializer})
    def post(self, request: Request, slug: str, finding_id: int) -> Response:
        """Have a draft opened that applies the verified fix; one that is open already is answered, never a second."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            try:
                remediation.pull_requests.request(finding=finding, actor=self.actor)
            except remediation.pull_requests.NotPossible as reason:
                raise Conflict(str(reason)) from reason
            standing = remediation.pull_requests.standing_of(finding)
            return Response(_told(standing), status=status.HTTP_202_ACCEPTED)


def _told(standing: Standing) -> dict[str, Any]:
    return {
        "fix_pull_request": None if standing.latest is None else FixPullRequestSerializer(standing.latest).data,
        "may_be_opened": standing.may_be_asked_for,
        "why_not": standing.why_not,
    }
