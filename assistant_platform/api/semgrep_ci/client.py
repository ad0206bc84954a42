"""What else the client asks: who it talks to, which versions there are, and where to report its own failures."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from pydantic import ValidationError
from redis.exceptions import RedisError
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

import findings.selectors
import findings.services
from assistant_platform import cli_tokens
from assistant_platform.api.semgrep_ci.base import ClientView
from assistant_platform.api.semgrep_ci.messages import TokenRequest
from findings.services.client_scans import NOT_ALLOWED_PRO

logger = logging.getLogger(__name__)

MOST_LOGGED = 2000


class CurrentDeployment(ClientView):
    """`GET /api/agent/deployments/current`: whose token it is; `semgrep login` proves itself by it."""

    def get(self, request: Request) -> HttpResponseBase:
        """Answer with the organization."""
        with self.scope():
            organization = self.token.organization
        return Response(
            {
                "deployment": {
                    "id": organization.pk,
                    "organization_id": organization.pk,
                    "name": organization.slug,
                    "slug": organization.slug,
                    "display_name": organization.name,
                }
            }
        )


class Identity(ClientView):
    """`GET /api/agent/identity`: what `semgrep show identity` prints."""

    def get(self, request: Request) -> HttpResponseBase:
        """Answer with the token's name."""
        with self.scope():
            return Response({"identity": f"token {self.token.name} of {self.token.organization.name}"})


class ProEngine(ClientView):
    """`GET /api/agent/deployments/deepbinary/{platform}`: Semgrep's own engine, asked for without --oss-only."""

    def get(self, request: Request, platform: str) -> HttpResponseBase:
        """Refuse, and say in the scan why it will come to nothing."""
        with self.scope():
            try:
                client_id = uuid.UUID(request.headers.get("X-Semgrep-Scan-ID", ""))
            except ValueError:
                client_id = None
            with transaction.atomic():
                scan = (
                    findings.selectors.scans_visible_to(self.token).filter(client_id=client_id).first()
                    if client_id
                    else None
                )
            if scan is not None:
                findings.services.fail_client_scan(scan=scan, why=NOT_ALLOWED_PRO)
        raise PermissionDenied(NOT_ALLOWED_PRO)


@csrf_exempt
@require_POST
def token_request(request: HttpRequest) -> HttpResponse:
    """Answer `semgrep login`, which asks every few seconds: 404 until somebody has let it have a token."""
    try:
        asked = TokenRequest.model_validate_json(request.read(MOST_LOGGED))
        token = cli_tokens.fetch(asked.token_request_key) if cli_tokens.is_key(asked.token_request_key) else None
    except (ValidationError, RedisError):
        token = None
    return JsonResponse({"token": token}) if token else JsonResponse({"detail": "not yet"}, status=404)


@require_safe
def check_version(request: HttpRequest) -> HttpResponse:
    """Answer that every version is recent enough, and that there is nothing to announce."""
    return JsonResponse({"versions": {"latest": "0.0.0", "minimum": "0.0.0"}, "banners": []})


@require_safe
def rule_lints(request: HttpRequest) -> HttpResponse:
    """Answer `semgrep validate`, which wants the registry's rules about rules: we have none."""
    return JsonResponse({"rules": []})


@csrf_exempt
@require_POST
def fail_open(request: HttpRequest) -> HttpResponse:
    """Take the report of a client that failed and lets its job pass; kept here, so that it goes to nobody else.

    Anybody may send one, so only its size and status reach the log.
    """
    said: dict[str, Any] = {"bytes": len(request.read(MOST_LOGGED))}
    logger.warning("a semgrep client failed and let its job pass", extra=said)
    return HttpResponse(status=204)
