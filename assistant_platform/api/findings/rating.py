"""Whether the guidance and the fix of a finding helped."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

import remediation.rating
import remediation.selectors
from assistant_platform.api.findings.detail import AboutFinding
from assistant_platform.api.problems import Conflict
from findings.models import Finding
from remediation.models import AdviceFeedback, Autofix, Guidance

ABOUT = ("guidance", "fix")


class RatingSerializer(serializers.Serializer[Any]):
    """What is said of the guidance or the fix that is shown."""

    about = serializers.ChoiceField(choices=ABOUT)
    is_helpful = serializers.BooleanField()
    reason = serializers.CharField(max_length=3000, required=False, allow_blank=True, default="")


class _AboutSerializer(serializers.Serializer[Any]):
    about = serializers.ChoiceField(choices=ABOUT)


class RatingView(AboutFinding):
    """Thumbs up or down for guidance and fix; one answer of each token."""

    @extend_schema(
        operation_id="rate_advice",
        request=RatingSerializer,
        responses={200: RatingSerializer, 409: OpenApiResponse(description="Nothing is shown that could be rated")},
    )
    def post(self, request: Request, slug: str, finding_id: int) -> Response:
        """Say whether the guidance or the fix helped; what the token said before is replaced."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            sent = RatingSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            said = sent.validated_data
            rating = remediation.rating.rate(
                advice=_shown(finding, said["about"]),
                is_helpful=said["is_helpful"],
                reason=said["reason"],
                actor=self.actor,
            )
            return Response(_told(rating))

    @extend_schema(
        operation_id="take_back_rating",
        parameters=[OpenApiParameter("about", OpenApiTypes.STR, enum=ABOUT, required=True)],
        responses={204: None, 409: OpenApiResponse(description="There is nothing to take back")},
    )
    def delete(self, request: Request, slug: str, finding_id: int) -> Response:
        """Take back what the token said of the guidance or the fix that is shown."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            asked = _AboutSerializer(data=request.query_params)
            asked.is_valid(raise_exception=True)
            advice = _shown(finding, asked.validated_data["about"])
            if not remediation.rating.take_back_rating(advice=advice, actor=self.actor):
                raise Conflict("There is nothing to take back: this token has said nothing of it.")
            return Response(status=204)


def _shown(finding: Finding, about: str) -> Guidance | Autofix:
    shown: Guidance | Autofix | None = (
        remediation.selectors.latest_guidance(finding)
        if about == "guidance"
        else remediation.selectors.latest_shown_fix(finding)
    )
    if shown is None:
        raise Conflict(f"No {about} is shown that could be rated.")
    return shown


def _told(rating: AdviceFeedback) -> dict[str, Any]:
    about = "guidance" if rating.guidance_id else "fix"
    return {"about": about, "is_helpful": rating.is_helpful, "reason": rating.reason}
