"""Reading findings."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

import findings.selectors
import remediation.selectors
import triage.selectors
from assistant_platform.api.base import OrgView
from findings.models import Finding
from orgs.permissions import Permission


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """A finding with what the Assistant found out."""

    id = serializers.CharField()
    project = serializers.CharField(source="project.name")
    rule = serializers.CharField(source="rule.identifier")
    severity = serializers.CharField(source="get_severity_display")
    status = serializers.CharField()

    class Meta:
        model = Finding
        fields = (
            "id",
            "project",
            "rule",
            "path",
            "start_line",
            "end_line",
            "message",
            "severity",
            "status",
            "triage",
            "ignore_reason",
            "is_present",
            "is_removed",
            "product",
            "is_production",
            "recommendation",
            "verdict_confidence",
            "not_analysed",
            "component_tag",
            "component_risk",
            "has_verified_fix",
            "fix_confidence",
            "created_at",
        )
        read_only_fields = fields


class FindingDetailSerializer(FindingSerializer):
    """A finding with its verdict, guidance and fix."""

    verdict = serializers.SerializerMethodField()
    guidance = serializers.SerializerMethodField()
    autofix = serializers.SerializerMethodField()

    class Meta(FindingSerializer.Meta):
        fields = (*FindingSerializer.Meta.fields, "verdict", "guidance", "autofix")  # type: ignore[assignment]  # longer
        read_only_fields = fields  # type: ignore[assignment]  # longer

    def get_verdict(self, finding: Finding) -> dict[str, Any] | None:
        """Return the verdict that counts, with its evidence."""
        verdict = triage.selectors.latest_verdict(finding)
        if verdict is None:
            return None
        return {
            "value": verdict.value,
            "confidence": verdict.confidence,
            "explanation": verdict.explanation,
            "evidence": verdict.evidence,
            "answered_by": verdict.model or verdict.get_source_display(),
        }

    def get_guidance(self, finding: Finding) -> dict[str, Any] | None:
        """Return the guidance that is shown."""
        guidance = remediation.selectors.latest_guidance(finding)
        return None if guidance is None else {"summary": guidance.summary, "steps": guidance.steps}

    def get_autofix(self, finding: Finding) -> dict[str, Any] | None:
        """Return the fix that is shown, with its gates."""
        autofix = remediation.selectors.latest_autofix(finding)
        if autofix is None or not autofix.is_shown:
            return None
        return {
            "diff": autofix.diff,
            "explanation": autofix.explanation,
            "confidence": autofix.confidence,
            "is_verified": autofix.is_verified,
            "gates": autofix.gates,
        }


class FindingView(OrgView):
    """One finding."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE

    @extend_schema(
        operation_id="get_finding",
        responses={200: FindingDetailSerializer, 404: OpenApiResponse(description="No such finding")},
    )
    def get(self, request: Request, slug: str, finding_id: int) -> Response:
        """Return a finding with its verdict, evidence, guidance and fix."""
        with self.scope(), transaction.atomic():
            finding = findings.selectors.visible_to(self.token).filter(pk=finding_id).first()
            if finding is None:
                raise NotFound("There is no such finding in this deployment.")
            return Response(FindingDetailSerializer(finding).data)
