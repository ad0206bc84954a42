"""Bringing rules through the API."""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar, cast

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

import rules.selectors
import rules.services
from assistant_platform.api.rules.base import AboutRules
from assistant_platform.api.rules.shapes import FileSerializer, ImportSerializer
from orgs.permissions import Permission
from rules.brought import FilesRefused, files_in
from rules.models import RuleImport


class RuleImportsView(AboutRules):
    """Bringing rules."""

    read_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE
    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="import_rules", request=FileSerializer, responses={201: ImportSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Keep the rules of a file or a ZIP; the engine reads each soon, see the import for what it says."""
        said = FileSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        file = said.validated_data["file"]
        try:
            files = files_in(cast(BinaryIO, file), name=file.name)
        except FilesRefused as problem:
            raise ParseError(str(problem)) from problem
        with self.scope():
            made = rules.services.import_rules(source=file.name, files=files, actor=self.actor)
            with transaction.atomic():
                return Response(_shown(made), status=201)


class RuleImportView(AboutRules):
    """One import."""

    @extend_schema(
        operation_id="get_rule_import",
        responses={200: ImportSerializer, 404: OpenApiResponse(description="No such import")},
    )
    def get(self, request: Request, slug: str, import_id: int) -> Response:
        """Return what became of each rule of an import."""
        with self.scope(), transaction.atomic():
            made = rules.selectors.imports().filter(pk=import_id).first()
            if made is None:
                raise NotFound("There is no such import in this deployment.")
            return Response(_shown(made))


def _shown(made: RuleImport) -> dict[str, Any]:
    vars(made)["entries_shown"] = list(rules.selectors.entries_of(made))
    return dict(ImportSerializer(made).data)
