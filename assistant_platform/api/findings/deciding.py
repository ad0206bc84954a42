"""What is decided about findings: one, or many at once, and taking that back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import findings.selectors
import findings.services
import triage.selectors
import triage.services
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.findings.detail import AboutFinding, FindingDetailSerializer, in_full
from assistant_platform.api.findings.filters import FILTER_NAMES, Given, asked
from assistant_platform.api.problems import Conflict, Unprocessable
from findings.models import BulkTriage, Finding, IgnoreReason, Triage
from findings.services import MOST_AT_ONCE, BulkRefused, NothingToUndo
from findings.services.deciding_in_bulk import UNDO_WITHIN
from orgs.models import Viewer
from orgs.permissions import Permission

# Semgrep's words for a decision, and ours.
TRIAGE_OF_WORD = {
    "ignored": Triage.IGNORED,
    "reviewing": Triage.REVIEWING,
    "fixing": Triage.TO_FIX,
    "to_fix": Triage.TO_FIX,
    "reopened": Triage.OPEN,
    "open": Triage.OPEN,
}
LONGEST_COMMENT = 3000


class DecisionSerializer(serializers.Serializer[Any]):
    """Where a finding stands from now on."""

    triage = serializers.ChoiceField(choices=Triage.choices)
    ignore_reason = serializers.ChoiceField(choices=IgnoreReason.choices, required=False, allow_null=True, default=None)
    comment = serializers.CharField(max_length=LONGEST_COMMENT, required=False, allow_blank=True, default="")

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Refuse a reason without ignoring, and ignoring without a reason."""
        if sent["triage"] == Triage.IGNORED and not sent["ignore_reason"]:
            raise serializers.ValidationError({"ignore_reason": f"Say why: {', '.join(IgnoreReason.values)}."})
        if sent["triage"] != Triage.IGNORED and sent["ignore_reason"]:
            raise serializers.ValidationError({"ignore_reason": "A reason goes with ignoring only."})
        return sent


@extend_schema_field(OpenApiTypes.OBJECT)
class _FilterField(serializers.DictField):
    """The parameters of the list, each with a value or a list of values."""


class BulkTriageRequestSerializer(serializers.Serializer[Any]):
    """Which findings, and what is decided about them. The list's filters may also stand beside, as with Semgrep."""

    issue_type = serializers.ChoiceField(choices=["sast", "sca", "secrets"], required=False)
    issue_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=MOST_AT_ONCE, required=False
    )
    filter = _FilterField(required=False, help_text="Parameters of the list of findings.")
    new_triage_state = serializers.ChoiceField(choices=list(TRIAGE_OF_WORD))
    new_triage_reason = serializers.ChoiceField(choices=IgnoreReason.choices, required=False, allow_null=True)
    new_note = serializers.CharField(max_length=LONGEST_COMMENT, required=False, allow_blank=True, default="")
    limit = serializers.IntegerField(
        min_value=1, max_value=MOST_AT_ONCE, required=False, help_text="With a filter: the worst so many."
    )
    expected_count = serializers.IntegerField(
        min_value=0, required=False, help_text="With a filter: how many findings are meant. Needed, but for a preview."
    )
    filter_digest = serializers.CharField(
        max_length=64, required=False, default="", help_text="From a preview: refuses if other findings are meant now."
    )
    is_preview = serializers.BooleanField(
        required=False, default=False, help_text="Tell how many findings are meant, and change nothing."
    )

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Refuse a reason without ignoring."""
        if sent.get("new_triage_reason") and sent["new_triage_state"] != "ignored":
            raise serializers.ValidationError({"new_triage_reason": "A reason goes with `ignored` only."})
        return sent


class BulkTriageSerializer(serializers.Serializer[Any]):
    """What was decided, or would be."""

    num_triaged = serializers.IntegerField()
    triaged_issues = serializers.ListField(child=serializers.IntegerField())
    expected_count = serializers.IntegerField()
    filter_digest = serializers.CharField()
    is_preview = serializers.BooleanField()
    bulk_id = serializers.CharField(allow_null=True)
    undo_until = serializers.DateTimeField(allow_null=True)


class BulkHistorySerializer(serializers.ModelSerializer[BulkTriage]):
    """A decision about many findings at once."""

    id = serializers.CharField()
    undo_until = serializers.SerializerMethodField()

    class Meta:
        model = BulkTriage
        fields = (
            "id",
            "triage",
            "ignore_reason",
            "comment",
            "count",
            "made_by",
            "made_at",
            "undo_until",
            "undone_by",
            "undone_at",
            "undone_count",
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_undo_until(self, bulk: BulkTriage) -> Any:
        """Return until when it can be taken back."""
        return bulk.made_at + UNDO_WITHIN


class BulkHistoriesSerializer(serializers.Serializer[Any]):
    """A page of decisions about many findings, newest first."""

    bulk_triages = BulkHistorySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class FindingView(AboutFinding):
    """One finding."""

    @extend_schema(operation_id="get_finding", responses={200: FindingDetailSerializer})
    def get(self, request: Request, slug: str, finding_id: int) -> Response:
        """Return a finding with its verdict, evidence, guidance and fix."""
        with self.scope(), transaction.atomic():
            return Response(in_full(self.finding(finding_id)))

    @extend_schema(operation_id="triage_finding", request=DecisionSerializer, responses={200: FindingDetailSerializer})
    def patch(self, request: Request, slug: str, finding_id: int) -> Response:
        """Decide about a finding, as a person would on its page."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            sent = DecisionSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            _decide(finding, sent.validated_data, view=self)
            return Response(in_full(finding))


def _decide(finding: Finding, decision: dict[str, Any], *, view: OrgView) -> None:
    comment = decision["comment"]
    if decision["triage"] == Triage.IGNORED:
        reason = IgnoreReason(decision["ignore_reason"])
        findings.services.ignore(finding=finding, reason=reason, comment=comment, actor=view.actor)
    else:
        chosen = Triage(decision["triage"])
        findings.services.set_triage(finding=finding, triage=chosen, comment=comment, actor=view.actor)


class FeedbackSerializer(serializers.Serializer[Any]):
    """What is said of a verdict."""

    agrees = serializers.BooleanField()
    reason = serializers.CharField(max_length=LONGEST_COMMENT, required=False, allow_blank=True, default="")


class FeedbackView(AboutFinding):
    """Agreeing or disagreeing with the verdict of a finding."""

    @extend_schema(operation_id="give_feedback", request=FeedbackSerializer, responses={200: FindingDetailSerializer})
    def post(self, request: Request, slug: str, finding_id: int) -> Response:
        """Agree or disagree with the verdict; agreeing that it is a false positive also ignores the finding."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            sent = FeedbackSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            verdict = triage.selectors.latest_verdict(finding)
            if verdict is None:
                raise Conflict("There is no verdict to agree or disagree with yet.")
            triage.services.give_feedback_of_token(verdict=verdict, **sent.validated_data, actor=self.actor)
            finding.refresh_from_db()
            return Response(in_full(finding))

    @extend_schema(operation_id="take_back_feedback", responses={200: FindingDetailSerializer})
    def delete(self, request: Request, slug: str, finding_id: int) -> Response:
        """Take back what the token said of the verdict, and with it that the finding is ignored."""
        with self.scope(), transaction.atomic():
            finding = self.finding(finding_id)
            verdict = triage.selectors.latest_verdict(finding)
            if verdict is None or not triage.services.take_back_feedback_of_token(verdict=verdict, actor=self.actor):
                raise Conflict("There is nothing to take back: this token has said nothing of the verdict that counts.")
            finding.refresh_from_db()
            return Response(in_full(finding))


class TriageView(OrgView):
    """Deciding about many findings at once, at Semgrep's address."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE
    query = paging.PAGED

    @extend_schema(operation_id="list_bulk_triages", responses={200: BulkHistoriesSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the decisions about many findings at once, newest first."""
        size = paging.size_of(request)
        with self.scope(), transaction.atomic():
            bulks = findings.selectors.bulk_triages_visible_to(self.token)
            page = paging.page_of(bulks, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "bulk_triages", BulkHistorySerializer(page.rows, many=True).data, page)

    @extend_schema(
        operation_id="triage_findings", request=BulkTriageRequestSerializer, responses={200: BulkTriageSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Decide about the findings that are named or that a filter means, at most 3000, all or none."""
        sent = _read(request.data)
        with self.scope(), transaction.atomic():
            chosen = _chosen(sent, self.token)
            if sent["is_preview"]:
                return Response(_preview(chosen))
            state = TRIAGE_OF_WORD[sent["new_triage_state"]]
            reason = IgnoreReason(sent.get("new_triage_reason") or IgnoreReason.NO_REASON)
            try:
                bulk = findings.services.triage_in_bulk(
                    chosen=chosen,
                    triage=state,
                    reason=reason if state == Triage.IGNORED else None,
                    comment=sent["new_note"],
                    actor=self.actor,
                    expected_count=sent.get("expected_count"),
                    expected_digest=sent["filter_digest"],
                )
            except BulkRefused as problem:
                raise Unprocessable(
                    f"{problem} (expected_count {problem.count}, filter_digest {problem.digest})"
                ) from (problem)
            ids = list(bulk.changes.order_by("finding_id").values_list("finding_id", flat=True))
            return Response(
                {
                    "num_triaged": bulk.count,
                    "triaged_issues": ids,
                    "expected_count": bulk.count,
                    "filter_digest": findings.services.digest_of(ids),
                    "is_preview": False,
                    "bulk_id": str(bulk.pk),
                    "undo_until": bulk.made_at + UNDO_WITHIN,
                }
            )


def _read(sent: Any) -> dict[str, Any]:
    """Return what was sent, with filters that stood beside in `filter`. Refuses what would widen the filter unseen."""
    if not isinstance(sent, dict):
        raise ValidationError("Send an object.")
    fields = BulkTriageRequestSerializer().fields
    beside = {name: value for name, value in sent.items() if name not in fields}
    if unknown := sorted(set(beside) - FILTER_NAMES):
        raise ValidationError({name: ["There is no such field, nor such a filter."] for name in unknown})
    read = BulkTriageRequestSerializer(data=sent)
    read.is_valid(raise_exception=True)
    checked: dict[str, Any] = dict(read.validated_data)
    inside = checked.get("filter", {})
    if unknown := sorted(set(inside) - FILTER_NAMES):
        raise ValidationError({"filter": [f"There is no such filter: {name}." for name in unknown]})
    checked["filter"] = {**beside, **inside}
    if not checked.get("issue_ids") and not checked["filter"]:
        raise ValidationError({"issue_ids": ["Name findings, or give a filter."]})
    if checked["filter"] and not checked["is_preview"] and "expected_count" not in checked:
        words = "With a filter, say how many findings you mean; a request with `is_preview` tells."
        raise ValidationError({"expected_count": [words]})
    return checked


def _chosen(sent: dict[str, Any], viewer: Viewer) -> QuerySet[Finding]:
    chosen = findings.selectors.visible_to(viewer).select_related(None)
    if sent["filter"]:
        given = {**sent["filter"], **({"issue_type": sent["issue_type"]} if "issue_type" in sent else {})}
        chosen = asked(Given(given), viewer=viewer).applied()
    if sent.get("issue_ids"):
        ids = set(sent["issue_ids"])
        known = set(findings.selectors.visible_to(viewer).filter(pk__in=ids).values_list("pk", flat=True))
        if missing := sorted(ids - known):
            told = ", ".join(str(pk) for pk in missing[:10])
            raise ValidationError({"issue_ids": [f"There are no such findings in this deployment: {told}."]})
        chosen = chosen.filter(pk__in=ids)
    if "limit" in sent:
        ids = set(findings.services.chosen_ids(chosen, at_most=sent["limit"] - 1))
        chosen = chosen.filter(pk__in=ids)
    return chosen


def _preview(chosen: QuerySet[Finding]) -> dict[str, Any]:
    ids = findings.services.chosen_ids(chosen)
    if len(ids) > MOST_AT_ONCE:
        raise Unprocessable(f"More than {MOST_AT_ONCE} findings are meant; that many can be changed at once.")
    return {
        "num_triaged": 0,
        "triaged_issues": [],
        "expected_count": len(ids),
        "filter_digest": findings.services.digest_of(ids),
        "is_preview": True,
        "bulk_id": None,
        "undo_until": None,
    }


class BulkTriageUndoView(OrgView):
    """Taking back a decision about many findings."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_TRIAGE

    @extend_schema(operation_id="undo_bulk_triage", request=None, responses={200: BulkHistorySerializer})
    def post(self, request: Request, slug: str, bulk_id: int) -> Response:
        """Take it back, within 30 minutes; what somebody decided about one of the findings since, stays."""
        with self.scope(), transaction.atomic():
            bulk = findings.selectors.bulk_triages_visible_to(self.token).filter(pk=bulk_id).first()
            if bulk is None:
                raise NotFound("There is no such decision in this deployment.")
            try:
                bulk = findings.services.undo_bulk_triage(bulk=bulk, actor=self.actor)
            except NothingToUndo as problem:
                raise Conflict(str(problem)) from problem
            return Response(BulkHistorySerializer(bulk).data)
