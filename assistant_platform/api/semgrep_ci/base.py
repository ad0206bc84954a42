"""What every address of the client's protocol shares: the token, its organization, bodies read once and bounded."""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Mapping
from typing import IO, Any, TypeVar, cast

from django.conf import settings
from pydantic import BaseModel, ValidationError
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import exception_handler

import findings.selectors
from assistant_platform.api.base import TokenView
from findings.models import Scan
from orgs.models import ApiToken
from orgs.permissions import Permission

M = TypeVar("M", bound=BaseModel)

IN_MEMORY_BYTES = 8 * 1024 * 1024
SMALL_BODY_BYTES = 10 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024


class BodyParser(BaseParser):
    """Hands the body down as a file: results of 200 MB must not be held in memory, nor parsed twice."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, IO[bytes]]:
        """Return a seekable copy of the body, at its start, as `body`."""
        copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the request)
        left = settings.MAX_REPORT_BYTES + 1
        while left > 0 and (block := stream.read(min(BLOCK_BYTES, left))):
            copy.write(block)
            left -= len(block)
        copy.seek(0)
        return {"body": copy}


def body_of(request: Request) -> IO[bytes]:
    """Return the body of a request as a file, which the caller closes."""
    body: IO[bytes] = cast(dict[str, Any], request.data).get("body") or io.BytesIO()
    return body


class ClientView(TokenView):
    """An address of the client's protocol; the token alone says whose scan it is."""

    parser_classes = (BodyParser,)
    schema = None  # the protocol is the client's, and no part of our API's document
    permission = Permission.SCANS_UPLOAD

    def get_exception_handler(self) -> Any:
        """Return REST framework's own: the client looks for `detail` alone, in plain JSON."""
        return exception_handler

    def permission_for(self, request: Request) -> Permission:
        """Return what each of its methods needs."""
        return self.permission

    def message(self, request: Request, shape: type[M]) -> M:
        """Return the body as one of the client's messages."""
        with body_of(request) as body:
            text = body.read(SMALL_BODY_BYTES + 1)
        if len(text) > SMALL_BODY_BYTES:
            raise ParseError("The message is larger than any that the client sends.")
        try:
            return shape.model_validate_json(text)
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the message"
            raise ParseError(f"{place}: {first['msg']}") from problem


def scan_or_404(token: ApiToken, **lookup: int | uuid.UUID) -> Scan:
    """Return a scan that a client of this organization started. Needs a transaction."""
    scan = findings.selectors.scans_visible_to(token).filter(client_id__isnull=False, **lookup).first()
    if scan is None:
        raise NotFound("There is no such scan for this token.")
    return scan
