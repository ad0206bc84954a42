"""What every endpoint shares: the token, its organization, the declared permission, limits, keys of repeated writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import orgs.services
from assistant_platform.api import limits
from assistant_platform.api.problems import Conflict, TooLarge, Unprocessable
from events.kinds import Actor, ActorKind
from orgs import answered_requests
from orgs.answered_requests import Answer, OtherRequest, StillUnderWay
from orgs.models import AnsweredRequest, ApiToken
from orgs.permissions import Permission
from tenancy.scope import acting_for

READS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 1024 * 1024
LONGEST_KEY = 255
BLOCK_BYTES = 1024 * 1024


class TokenView(APIView):
    """An address for machines: whose work a request is, its token alone says."""

    @property
    def token(self) -> ApiToken:
        """The token of the request."""
        assert isinstance(self.request.auth, ApiToken)
        return self.request.auth

    @property
    def actor(self) -> Actor:
        """The token as the actor of events."""
        return Actor(ActorKind.TOKEN, self.token.name)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Act for the token's organization, and remember that the token was used."""
        with acting_for(self.token.organization_id):
            with transaction.atomic():
                orgs.services.note_use_of(self.token)
            yield


class ApiView(TokenView):
    """An endpoint for a token. `read_permission` is for GET, `write_permission` for the rest.

    `query` is all that a GET takes after the `?`, `query_of_writes` what other methods take; anything else is refused.
    Each method reads and writes in short transactions.
    """

    read_permission: ClassVar[Permission]
    write_permission: ClassVar[Permission]
    query: ClassVar[Sequence[OpenApiParameter]] = ()
    query_of_writes: ClassVar[Sequence[OpenApiParameter]] = ()
    max_body_bytes: ClassVar[int | None] = MAX_BODY_BYTES  # None: the endpoint bounds what it reads itself
    # Fields of answers that are shown once: an answer that is kept for a repeated request has them empty.
    shown_once: ClassVar[Sequence[str]] = ()
    allowance: limits.Allowance | None = None
    answered: AnsweredRequest | Answer | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer a request, and keep the answer where the request has an `Idempotency-Key`."""
        try:
            response = cast(HttpResponse, super().dispatch(request, *args, **kwargs))  # none of ours streams
        except BaseException:
            if isinstance(self.answered, AnsweredRequest):
                answered_requests.forget(self.answered)
            raise
        if self.allowance is not None:
            for name, value in self.allowance.as_headers().items():
                response[name] = value
        if isinstance(self.answered, Answer):
            return _again(self.answered, response)
        if self.answered is not None:
            _keep(self.answered, response, without=self.shown_once)
        return response

    def permission_for(self, request: Request) -> Permission:
        """Return what the request's method needs."""
        return self.read_permission if request.method in READS else self.write_permission

    def check_permissions(self, request: Request) -> None:
        """Count the request of the token, then check what the token may."""
        if isinstance(request.auth, ApiToken):
            self.allowance = limits.count_request(request.auth)
            if self.allowance is not None and self.allowance.is_spent:
                raise limits.refusal(self.allowance)
        super().check_permissions(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check token, permission, address, query and size, and whether the request came before."""
        super().initial(request, *args, **kwargs)
        self.check_address(**kwargs)
        self._check_query(request)
        self._check_size(request)
        key = request.headers.get("Idempotency-Key", "")
        if key and request.method not in READS and request.method in self.allowed_methods:
            self.answered = self._begin(request, key)
            if isinstance(self.answered, Answer):
                raise _CameBefore

    def check_address(self, **kwargs: Any) -> None:
        """Check what the address names; nothing where it names no organization."""

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception; a request that came before needs no other answer."""
        if isinstance(exc, _CameBefore):
            return Response()
        return super().handle_exception(exc)

    def _check_query(self, request: Request) -> None:
        if not request.query_params:
            return
        known = {entry.name for entry in (self.query if request.method in READS else self.query_of_writes)}
        known |= _declared(getattr(self, (request.method or "").lower(), None))
        if unknown := sorted(set(request.query_params) - known):
            there_are = f"There are: {', '.join(sorted(known))}." if known else "This endpoint takes none."
            raise ValidationError({name: [f"There is no such parameter. {there_are}"] for name in unknown})

    def _check_size(self, request: Request) -> None:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if self.max_body_bytes is not None and length > self.max_body_bytes:
            raise TooLarge(f"The body may have {self.max_body_bytes // 1024} KiB; this one has {length // 1024}.")

    def _begin(self, request: Request, key: str) -> AnsweredRequest | Answer:
        if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise ValidationError({"Idempotency-Key": [f"Use up to {LONGEST_KEY} printable ASCII characters."]})
        try:
            return answered_requests.begin(token=self.token, key=key, digest=_digest(request))
        except OtherRequest as problem:
            raise Unprocessable(
                "This Idempotency-Key came with another request before. Use a new key for each request."
            ) from problem
        except StillUnderWay as problem:
            raise Conflict("The request with this Idempotency-Key is still being carried out. Ask again soon.") from (
                problem
            )


class OrgView(ApiView):
    """An endpoint below `/api/v1/deployments/{slug}/`, run in the scope of the token's organization."""

    def check_address(self, **kwargs: Any) -> None:
        """Check that the address names the token's own organization."""
        # Somebody else's organization and one that does not exist look the same.
        if self.token.organization.slug != kwargs.get("slug"):
            raise NotFound("There is no such deployment for this token.")


class _CameBefore(Exception):
    """The request came before, with the same key; its answer is kept."""


def _declared(method: Any) -> set[str]:
    """Return the parameters that a method declares by `extend_schema`: the document's word is the endpoint's."""
    described = getattr(method, "kwargs", {}).get("schema")
    if described is None:
        return set()
    schema = described()
    schema.view, schema.method = APIView(), ""  # of no view of ours, so that only what is declared here comes back
    schema.view.request, schema.view.kwargs = None, {}
    names: set[str] = set()
    for entry in schema.get_override_parameters():
        if isinstance(entry, OpenApiParameter):
            names.add(entry.name)
        else:
            names.update(entry().fields)
    return names


def _digest(request: Request) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type.startswith("multipart/"):
        # The boundary differs with each try; files may be large, and lie on disk.
        for name, values in sorted(cast(QueryDict, request.data).lists()):
            for value in values:
                digest.update(f"\n{name}=".encode())
                if isinstance(value, UploadedFile):
                    for block in value.chunks(BLOCK_BYTES):
                        digest.update(block)
                    value.seek(0)
                else:
                    digest.update(str(value).encode())
    else:
        digest.update(request._request.body)  # REST framework has no name for the bytes; reading them here keeps them
    return digest.digest()


def _keep(row: AnsweredRequest, response: HttpResponse, *, without: Sequence[str]) -> None:
    if response.status_code >= 500:  # noqa: PLR2004  (our fault: the same request may be sent again)
        answered_requests.forget(row)
        return
    content = response.content if not isinstance(response, Response) else response.render().content
    if without and isinstance(response, Response) and isinstance(response.data, Mapping):
        emptied = {name: "" for name in without if name in response.data}
        content = JSONRenderer().render({**response.data, **emptied})
    answered_requests.keep(row, Answer(response.status_code, response.get("Content-Type", ""), content))


def _again(answer: Answer, response: HttpResponse) -> HttpResponse:
    again = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type or None)
    for name, value in response.items():
        if name.lower() not in {"content-type", "content-length"}:
            again[name] = value
    again["Idempotency-Replayed"] = "true"
    return again
