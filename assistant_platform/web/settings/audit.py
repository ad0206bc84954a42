"""The audit log: who did what when, filtered, page by page or as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import orgs.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rendering.audit import line, lines
from events import audit
from events.audit import AuditFilter
from events.kinds import ActorKind, Kind
from events.models import Event
from events.services import record
from lib.csv_lines import csv_lines
from lib.text import is_id
from orgs.permissions import Permission

PEOPLE_OFFERED = 500
FORMATS = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
COLUMNS = ("id", "at", "kind", "actor_kind", "actor", "action", "details", "finding_id", "subject")
MACHINES = (ActorKind.ASSISTANT, ActorKind.SCANNER, ActorKind.SYSTEM)


@require_safe
@org_page(Permission.AUDIT_VIEW)
def audit_page(request: OrgRequest) -> HttpResponse:
    """Show the log, newest first."""
    chosen = AuditFilter.parse(request.GET)
    after = request.GET.get("after", "")
    page = audit.page(chosen, zone=_zone(request), after=int(after) if is_id(after) else None)
    context = {
        "lines": lines(page.events, viewer=request.member, slug=request.member.organization.slug),
        "next_after": page.next_after or "",
        "is_first": not after,
        "chosen": chosen,
        "pairs": chosen.as_pairs(),
        "topics": audit.topics(),
        "actors": _actors(),
        "time_zone": request.member.organization.time_zone,
    }
    return render(request, "settings/audit.html", context)


def _actors() -> list[tuple[str, list[tuple[str, str]]]]:
    members = orgs.selectors.members()[:PEOPLE_OFFERED]
    tokens = orgs.selectors.tokens()[:PEOPLE_OFFERED]
    return [
        ("People", [(f"person-{member.user_id}", member.user.email) for member in members]),
        ("API tokens", [(f"token-{name}", name) for name in dict.fromkeys(token.name for token in tokens)]),
        ("The product", [(kind.value, kind.label) for kind in MACHINES]),
    ]


@require_POST
@org_page(Permission.AUDIT_VIEW)
def export_audit(request: OrgRequest) -> HttpResponseBase:
    """Answer the filtered log as a file, read while it is sent. The export itself is a line of the log."""
    file_format = request.POST.get("format", "csv")
    organization = request.member.organization
    if file_format not in FORMATS:
        return redirect("settings-audit", slug=organization.slug)
    chosen = AuditFilter.parse(request.POST)
    filters = ", ".join(f"{name}: {value}" for name, value in chosen.as_pairs())
    record(Kind.LOG_EXPORTED, actor=request.actor, log="audit", format=file_format, filters=filters)
    events = audit.read_all(chosen, organization_id=organization.pk, zone=_zone(request))
    written = csv_lines(_rows(events)) if file_format == "csv" else _objects(events)
    name = f"audit-log-{organization.slug}-{timezone.now():%Y-%m-%d}.{file_format}"
    return StreamingHttpResponse(
        written,
        content_type=FORMATS[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _rows(events: Iterator[Event]) -> Iterator[tuple[object, ...]]:
    yield COLUMNS
    for event in events:
        told = line(event)
        yield (
            event.pk,
            event.created_at.isoformat(),
            event.kind,
            event.actor_kind,
            event.actor_name,
            told.words,
            told.details,
            event.finding_id,
            json.dumps(event.subject, ensure_ascii=False),
        )


def _objects(events: Iterator[Event]) -> Iterator[str]:
    for event in events:
        told = line(event)
        entry = {
            "id": str(event.pk),
            "at": event.created_at.isoformat(),
            "kind": event.kind,
            "actor_kind": event.actor_kind,
            "actor": event.actor_name,
            "action": told.words,
            "details": told.details,
            "finding_id": None if event.finding_id is None else str(event.finding_id),
            "subject": event.subject,
        }
        yield json.dumps(entry, ensure_ascii=False) + "\n"


def _zone(request: OrgRequest) -> ZoneInfo:
    return ZoneInfo(request.member.organization.time_zone)
