"""Handing scans in, and asking what became of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

import findings.selectors
import findings.services
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from findings.ingest import PARSERS
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Product, Scan, ScanState
from findings.services import ScanDescription
from findings.uploads import UploadRefused
from orgs.permissions import Permission


class ScanUploadSerializer(serializers.Serializer[Any]):
    """A scan as CI hands it in."""

    report = serializers.FileField(help_text="Semgrep JSON, SARIF 2.1.0 or a GitLab report; may be gzipped.")
    format = serializers.ChoiceField(
        choices=list(PARSERS), required=False, default="", allow_blank=True, help_text="Recognised by its content."
    )
    product = serializers.ChoiceField(
        choices=Product.choices,
        required=False,
        default="",
        allow_blank=True,
        help_text="What kind of analysis it was, where the report does not tell.",
    )
    project = serializers.CharField(max_length=200, required=False, default="default")
    branch = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    commit = serializers.RegexField(
        r"^[0-9a-fA-F]{7,64}$", required=False, default="", allow_blank=True, help_text="The scanned commit's hash."
    )
    pull_request_id = serializers.RegexField(r"^[0-9A-Za-z_-]{1,64}$", required=False, default="", allow_blank=True)
    is_full_scan = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Default: true, but for a pull request."
    )
    context = serializers.FileField(  # type: ignore[assignment]  # DRF takes fields out of the class before that clashes
        required=False, default=None, help_text="A zip, or a JSON object a line with path and text: the affected files."
    )
    rules = serializers.FileField(
        required=False, default=None, help_text="The YAML of the rules behind the report, so that fixes can be proved."
    )

    def validate_project(self, name: str) -> str:
        """Refuse names that cannot stand in an address or a log line."""
        return _printable(name)

    def validate_branch(self, name: str) -> str:
        """Refuse names that no branch has."""
        return _printable(name)


def _printable(name: str) -> str:
    if not name.isprintable():
        raise serializers.ValidationError("Use printable characters.")
    return name


class ScanSerializer(serializers.ModelSerializer[Scan]):
    """A scan and how far it has come."""

    id = serializers.CharField()
    project = serializers.CharField(source="project.name")
    product = serializers.CharField(allow_blank=True, help_text="code, supply_chain or secrets; empty: the report's")
    state = serializers.CharField(help_text="received, ingested, settled (analysed) or failed")

    class Meta:
        model = Scan
        fields = (
            "id",
            "project",
            "branch",
            "commit",
            "pull_request_id",
            "is_full",
            "report_format",
            "product",
            "tool",
            "state",
            "failure",
            "problems",
            "found_count",
            "new_count",
            "fixed_count",
            "analysed_count",
            "skipped_count",
            "late_count",
            "received_at",
            "ingested_at",
            "settled_at",
        )
        read_only_fields = fields


class ScansSerializer(serializers.Serializer[Any]):
    """A page of scans, newest first."""

    scans = ScanSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ScansView(OrgView):
    """The scans of a deployment."""

    read_permission: ClassVar[Permission] = Permission.SCANS_VIEW
    write_permission: ClassVar[Permission] = Permission.SCANS_UPLOAD
    parser_classes = (MultiPartParser,)
    max_body_bytes = None
    query = (
        *paging.PAGED,
        OpenApiParameter("project", str, many=True, description="Ids of projects."),
        OpenApiParameter("branch", str, description="The scanned branch."),
        OpenApiParameter("state", str, many=True, enum=ScanState.values, description="How far they have come."),
    )

    @extend_schema(operation_id="list_scans", responses={200: ScansSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the scans, newest first."""
        size = paging.size_of(request)
        states, projects = request.query_params.getlist("state"), request.query_params.getlist("project")
        if wrong := [word for word in states if word not in ScanState.values]:
            raise ValidationError({"state": [f"{wrong[0][:60]!r} is none of: {', '.join(ScanState.values)}."]})
        if wrong := [word for word in projects if not (word.isascii() and word.isdigit() and len(word) < 19)]:  # noqa: PLR2004
            raise ValidationError({"project": [f"{wrong[0][:60]!r} is no id."]})
        branch = request.query_params.get("branch", "").replace("\0", "")
        conditions = {"state__in": states, "project__in": projects, "branch": branch}
        with self.scope(), transaction.atomic():
            scans = findings.selectors.scans_visible_to(self.token).filter(
                **{name: value for name, value in conditions.items() if value}
            )
            page = paging.page_of(scans, request, order=(("pk", int),), is_descending=True, size=size)
            return paging.answer(request, "scans", ScanSerializer(page.rows, many=True).data, page)

    @extend_schema(
        operation_id="upload_scan",
        request={"multipart/form-data": ScanUploadSerializer},
        responses={202: ScanSerializer, 400: OpenApiResponse(description="What is wrong, in `detail` or by field")},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Keep a report with what came along; it is ingested and analysed by workers.

        The same upload again, with nothing else in between, answers with the same scan.
        """
        upload = ScanUploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        fields = upload.validated_data
        is_full = fields["is_full_scan"]
        description = ScanDescription(
            project=fields["project"],
            branch=fields["branch"],
            commit=fields["commit"],
            pull_request_id=fields["pull_request_id"],
            is_full=not fields["pull_request_id"] if is_full is None else is_full,
            report_format=fields["format"],
            product=fields["product"],
        )
        with self.scope():
            try:
                scan = findings.services.receive_scan(
                    description=description,
                    report=fields["report"],
                    context=fields["context"],
                    rule_file=fields["rules"],
                    actor=self.actor,
                )
            except (ReportUnreadable, UploadRefused) as problem:
                raise ValidationError({"detail": str(problem)}) from problem
            with transaction.atomic():
                body = ScanSerializer(scan).data
        return Response(body, status=status.HTTP_202_ACCEPTED)


class ScanView(OrgView):
    """One scan."""

    read_permission: ClassVar[Permission] = Permission.SCANS_VIEW
    write_permission: ClassVar[Permission] = Permission.SCANS_UPLOAD

    @extend_schema(
        operation_id="get_scan", responses={200: ScanSerializer, 404: OpenApiResponse(description="No such scan")}
    )
    def get(self, request: Request, slug: str, scan_id: int) -> Response:
        """Say how far a scan has come, and where it failed, why."""
        with self.scope(), transaction.atomic():
            scan = findings.selectors.scans_visible_to(self.token).filter(pk=scan_id).first()
            if scan is None:
                raise NotFound("There is no such scan in this deployment.")
            return Response(ScanSerializer(scan).data)
