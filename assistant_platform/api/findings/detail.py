"""One finding: all that its page shows, its activity, its notes, its patch."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

import events.selectors
import findings.selectors
import findings.services
import notifications.explaining
import orgs.selectors
import remediation.selectors
import triage.selectors
import triage.services
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.findings.shape import FindingSerializer, told
from assistant_platform.api.problems import Conflict
from events.models import Event
from findings.models import Finding, Note, Presence
from orgs.permissions import Permission
from remediation.models import Autofix, Guidance
from triage.models import Verdict

PRESENCES_TOLD = 200


class EvidenceSerializer(serializers.Serializer[Any]):
    """A quoted place of the code, and whether the quote holds."""

    path = serializers.CharField()
    start_line = serializers.IntegerField()
    end_line = serializers.IntegerField()
    quote = serializers.CharField()
    role = serializers.CharField()
    holds = serializers.BooleanField()


class VerdictSerializer(serializers.Serializer[Any]):
    """The verdict that counts."""

    id = serializers.IntegerField()
    value = serializers.ChoiceField(choices=["true_positive", "false_positive", "unsure"])
    confidence = serializers.CharField()
    explanation = serializers.CharField()
    evidence = EvidenceSerializer(many=True)
    answered_by = serializers.CharField()
    second_vote = serializers.CharField(
        allow_blank=True, help_text="What a second look came to; empty: none was needed or given."
    )
    second_explanation = serializers.CharField(allow_blank=True)
    second_missing_because = serializers.CharField(
        allow_blank=True, help_text="Why a second look that was needed was not given."
    )


class GuidanceStepSerializer(serializers.Serializer[Any]):
    """A step of the guidance."""

    text = serializers.CharField()
    code = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class GuidanceSerializer(serializers.Serializer[Any]):
    """How to fix it."""

    summary = serializers.CharField()
    steps = GuidanceStepSerializer(many=True)


class GateSerializer(serializers.Serializer[Any]):
    """A check that a fix went through."""

    gate = serializers.CharField()
    outcome = serializers.CharField()
    explanation = serializers.CharField(allow_blank=True)


class AutofixSerializer(serializers.Serializer[Any]):
    """The fix that is shown, with its checks."""

    diff = serializers.CharField()
    explanation = serializers.CharField(allow_blank=True)
    confidence = serializers.CharField()
    is_verified = serializers.BooleanField()
    gates = GateSerializer(many=True)


class PresenceSerializer(serializers.ModelSerializer[Presence]):
    """Where the finding is or was."""

    class Meta:
        model = Presence
        fields = ("ref", "is_pull_request", "state", "path", "start_line", "changed_at")
        read_only_fields = fields


class CommentSerializer(serializers.Serializer[Any]):
    """Why a finding was commented on in a pull request or not; without a number it is about the finding as a whole."""

    pull_request = serializers.CharField(source="number", allow_blank=True)
    outcome = serializers.CharField(
        allow_blank=True, help_text="commented, with_notice, held_back or not_commented; empty: nothing was decided."
    )
    reason = serializers.CharField()
    explanation = serializers.CharField(source="words.because")
    otherwise = serializers.CharField(
        source="words.otherwise", allow_blank=True, help_text="What to change if one wants it otherwise."
    )
    comment_url = serializers.CharField(allow_blank=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class FindingDetailSerializer(FindingSerializer):
    """A finding with its verdict, guidance and fix in full, and where it is."""

    path = serializers.CharField(help_text="As `location.file_path`.")
    verdict = VerdictSerializer(allow_null=True)
    guidance = GuidanceSerializer(allow_null=True)
    autofix = AutofixSerializer(allow_null=True)
    presences = PresenceSerializer(many=True)
    comments = CommentSerializer(many=True)


class EventSerializer(serializers.ModelSerializer[Event]):
    """A thing that happened to a finding."""

    id = serializers.CharField()
    actor = serializers.CharField(source="actor_name")

    class Meta:
        model = Event
        fields = ("id", "kind", "actor_kind", "actor", "subject", "created_at")
        read_only_fields = fields


class ActivitySerializer(serializers.Serializer[Any]):
    """A page of what happened, newest first."""

    activity = EventSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class NoteSerializer(serializers.ModelSerializer[Note]):
    """Something that was written about a finding."""

    id = serializers.CharField(read_only=True)
    text = serializers.CharField(max_length=3000)

    class Meta:
        model = Note
        fields = ("id", "author", "text", "created_at")
        read_only_fields = ("author", "created_at")


class NotesSerializer(serializers.Serializer[Any]):
    """A page of notes, newest first."""

    notes = NoteSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class AboutFinding(OrgView):
    """An endpoint about one finding."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE

    def finding(self, finding_id: int) -> Finding:
        """Return the finding of an address. Needs a transaction."""
        finding = findings.selectors.visible_to(self.token).filter(pk=finding_id).first()
        if finding is None:
            raise NotFound("There is no such finding in this deployment.")
        return finding


def in_full(finding: Finding) -> dict[str, Any]:
    """Return a finding as the API tells one. Needs a transaction."""
    presences = findings.selectors.presences_of(finding)[:PRESENCES_TOLD]
    return {
        **told([finding])[0],
        "path": finding.path,
        "verdict": _verdict(triage.selectors.latest_verdict(finding)),
        "guidance": _guidance(remediation.selectors.latest_guidance(finding)),
        "autofix": _autofix(remediation.selectors.latest_autofix(finding)),
        "presences": PresenceSerializer(presences, many=True).data,
        "comments": CommentSerializer(notifications.explaining.answers_about(finding), many=True).data,
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "id": verdict.pk,
        "value": verdict.value,
        "confidence": verdict.confidence,
        "explanation": verdict.explanation,
        "evidence": verdict.evidence,
        "answered_by": verdict.model or verdict.get_source_display(),
        "second_vote": verdict.second_vote,
        "second_explanation": verdict.second_explanation,
        "second_missing_because": verdict.second_missing_because,
    }


def _guidance(guidance: Guidance | None) -> dict[str, Any] | None:
    return None if guidance is None else {"summary": guidance.summary, "steps": guidance.steps}


def _autofix(autofix: Autofix | None) -> dict[str, Any] | None:
    if autofix is None or not autofix.is_shown:
        return None
    return {
        "diff": autofix.diff,
        "explanation": autofix.explanation,
        "confidence": autofix.confidence,
        "is_verified": autofix.is_verified,
        "gates": autofix.gates,
    }


class ActivityView(AboutFinding):
    """What happened to a finding."""

    query = paging.PAGED

    @extend_schema(operation_id="list_activity", responses={200: ActivitySerializer})
    def get(self, request: Request, slug: str, finding_id: int) -> Response:
        """Return what happened to a finding, newest first."""
        size = paging.size_of(request)
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            happened = events.selectors.about(finding.pk, besides=findings.selectors.bulk_events_of(finding))
            page = paging.page_of(happened, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "activity", EventSerializer(page.rows, many=True).data, page)


class NotesView(AboutFinding):
    """What was written about a finding."""

    query = paging.PAGED

    @extend_schema(operation_id="list_notes", responses={200: NotesSerializer})
    def get(self, request: Request, slug: str, finding_id: int) -> Response:
        """Return what was written about a finding, newest first."""
        size = paging.size_of(request)
        with self.scope(), transaction.atomic():
            notes = findings.selectors.notes_of(self.finding(finding_id))
            page = paging.page_of(notes, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "notes", NoteSerializer(page.rows, many=True).data, page)

    @extend_schema(operation_id="add_note", request=NoteSerializer, responses={201: NoteSerializer})
    def post(self, request: Request, slug: str, finding_id: int) -> Response:
        """Write a note."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            sent = NoteSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            note = findings.services.add_note(finding=finding, text=sent.validated_data["text"], actor=self.actor)
            return Response(NoteSerializer(note).data, status=status.HTTP_201_CREATED)


class _AnyRenderer(BaseRenderer):
    """Lets a client ask for a patch by its name."""

    media_type = "text/x-diff"
    format = "patch"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return a refusal as JSON; the patch itself is answered as it is."""
        return bytes(JSONRenderer().render(data))


class PatchView(AboutFinding):
    """The fix of a finding as a patch."""

    renderer_classes = (JSONRenderer, _AnyRenderer)

    @extend_schema(
        operation_id="get_patch",
        responses={(200, "text/x-diff"): OpenApiResponse(OpenApiTypes.STR, description="What `git apply` takes")},
    )
    def get(self, request: Request, slug: str, finding_id: int) -> HttpResponse:
        """Return the fix that is shown, as `git apply` takes it."""
        with self.scope(), transaction.atomic():
            autofix = remediation.selectors.latest_autofix(self.finding(finding_id))
            if autofix is None or not autofix.is_shown or not autofix.diff:
                raise NotFound("The Assistant has no fix to show for this finding.")
            patch = autofix.diff if autofix.diff.endswith("\n") else autofix.diff + "\n"
            return HttpResponse(patch, content_type="text/x-diff; charset=utf-8")


class AnalyzeView(AboutFinding):
    """Having a finding analysed."""

    write_permission: ClassVar[Permission] = Permission.FINDINGS_ANALYZE

    @extend_schema(operation_id="analyze_finding", request=None, responses={202: FindingDetailSerializer})
    def post(self, request: Request, slug: str, finding_id: int) -> Response:
        """Have a finding analysed now, whatever the caps say; `not_analysed` is `waiting` until it has been."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            if not orgs.selectors.assistant_settings().is_enabled:
                raise Conflict("The Assistant is switched off for this deployment; an Admin can switch it on.")
            triage.services.request_analysis(finding=finding, actor=self.actor)
            finding.refresh_from_db()
            return Response(in_full(finding), status=status.HTTP_202_ACCEPTED)
