"""A scan in the client's five calls: create, configuration, results, complete, and error."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

import findings.selectors
import findings.services
import orgs.selectors
import rules.selectors
from assistant_platform.api.semgrep_ci.base import ClientView, body_of, scan_or_404
from assistant_platform.api.semgrep_ci.messages import ClientFailure, Completed, NewScan
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Scan
from findings.uploads import UploadRefused
from orgs.models import Project
from tenancy.models import Organization


class CreateScan(ClientView):
    """`POST /api/cli/v2/scans`: the client announces a scan; its `unique_id` makes that safe to repeat."""

    def post(self, request: Request) -> HttpResponseBase:
        """Answer with our id of the scan; a dry run gets none and leaves nothing behind."""
        new = self.message(request, NewScan)
        with self.scope():
            scan = self.start(new)
        return Response({"info": info(self.token.organization, scan)})

    def start(self, new: NewScan) -> Scan | None:
        """Return the scan, None for a dry run."""
        if new.scan_metadata.dry_run:
            return None
        return findings.services.start_client_scan(client_scan=new.as_client_scan(), actor=self.actor)


class CreateScanWithConfiguration(CreateScan):
    """`POST /api/cli/scans`: what clients before the second version of the protocol do in one call."""

    def post(self, request: Request) -> HttpResponseBase:
        """Answer with the scan's id and its rules."""
        new = self.message(request, NewScan)
        with self.scope():
            scan = self.start(new)
            with transaction.atomic():
                project = (
                    scan.project
                    if scan
                    else orgs.selectors.projects_visible_to(self.token).filter(name=new.project).first()
                )
                content = configuration(project)
                if scan:
                    findings.services.note_configured(scan=scan)
        return _json({"info": info(self.token.organization, scan)}, *content)


class Configuration(ClientView):
    """`GET /api/cli/v2/scans/{unique_id}/config`: the rules, and what to leave out."""

    def get(self, request: Request, client_id: uuid.UUID) -> HttpResponseBase:
        """Answer at once: every rule was checked when it came, so nothing has to be prepared."""
        with self.scope(), transaction.atomic():
            scan = findings.selectors.scans_visible_to(self.token).filter(client_id=client_id).first()
            # A dry run has no scan, and so the rules of the organization.
            content = configuration(scan.project if scan else None)
            if scan:
                findings.services.note_configured(scan=scan)
        return _json({"status": "success"}, *content)


class Results(ClientView):
    """`POST /api/agent/scans/{id}/results`: what was found. Kept at once, read by a worker."""

    def post(self, request: Request, scan_id: int) -> HttpResponseBase:
        """Keep the results; the same again changes nothing."""
        with body_of(request) as body, self.scope():
            with transaction.atomic():
                scan = scan_or_404(self.token, pk=scan_id)
            try:
                findings.services.receive_results(scan=scan, results=body, actor=self.actor)
            except (ReportUnreadable, UploadRefused) as problem:
                findings.services.fail_client_scan(scan=scan, why=str(problem))
                raise ParseError(str(problem)) from problem
        return Response({"errors": []})


class Complete(ClientView):
    """`POST /api/agent/scans/{id}/complete`: the client is done and asks whether its job passes."""

    def post(self, request: Request, scan_id: int) -> HttpResponseBase:
        """Answer what blocks, or have the client ask again in a few seconds."""
        completed = self.message(request, Completed)
        with self.scope():
            with transaction.atomic():
                scan = scan_or_404(self.token, pk=scan_id)
            decision = findings.services.complete(
                scan=scan, exit_code=completed.exit_code, is_last_try=completed.final_attempt
            )
        if not decision.is_final:
            return Response({"success": False})
        blocks = bool(decision.match_ids)
        return Response(
            {
                "success": True,
                "app_block_override": blocks,
                "app_block_reason": decision.reason,
                "app_blocking_match_based_ids": list(decision.match_ids),
            }
        )


class Failed(ClientView):
    """`POST /api/agent/scans/{id}/error`: the client stopped after its scan had begun."""

    def post(self, request: Request, scan_id: int) -> HttpResponseBase:
        """Show the scan as failed, with what the client says."""
        failure = self.message(request, ClientFailure)
        with self.scope():
            with transaction.atomic():
                scan = scan_or_404(self.token, pk=scan_id)
            why = findings.services.why_client_failed(exit_code=failure.exit_code, stderr=failure.stderr)
            findings.services.fail_client_scan(scan=scan, why=why)
        return Response({})


def info(organization: Organization, scan: Scan | None) -> dict[str, Any]:
    """Return who answers; the name stands in the links that the client prints."""
    answer: dict[str, Any] = {
        "enabled_products": ["sast"],
        "deployment_id": organization.pk,
        "deployment_name": organization.slug,
    }
    return answer if scan is None else {"id": scan.pk, **answer}


def configuration(project: Project | None) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Return the rules as JSON texts, the rest of `config`, and `engine_params`. Needs a transaction."""
    delivered = rules.selectors.delivered_to(project.pk if project else None)
    ignored = findings.selectors.match_ids_ignored_by_people(project) if project else []
    globs = _lines(rules.selectors.policy_settings().ignored_paths) + _lines(project.ignored_paths if project else "")
    config = {"triage_ignored_match_based_ids": ignored, "triage_ignored_syntactic_ids": []}
    # A list of pairs: the client cannot read an object here.
    engine_params: dict[str, Any] = {"product_ignored_files": [["sast", globs]]} if globs else {}
    return delivered, config, engine_params


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json(
    envelope: dict[str, Any], delivered: list[str], config: dict[str, Any], engine_params: dict[str, Any]
) -> HttpResponse:
    """Put the answer together as text: the rules are JSON already, and 2,000 of them take a second to parse."""
    tail = json.dumps(config)[1:]
    return HttpResponse(
        f"{json.dumps(envelope)[:-1]}, "
        f'"config": {{"rules": {{"rules": [{",".join(delivered)}]}}, {tail}, '
        f'"engine_params": {json.dumps(engine_params)}}}',
        content_type="application/json",
    )
