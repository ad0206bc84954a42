"""The audit log in words: who did what, from what to what, and where it can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

import findings.selectors
import orgs.selectors
from events.kinds import ActorKind, Kind
from events.models import Event
from findings.models import IgnoreReason, Triage
from orgs.models import Viewer
from orgs.permissions import Role

# A kind's line; what stands in braces is taken out of the event's subject. Whatever a line does not name follows it.
_LINES = {
    Kind.ORGANIZATION_CREATED: "created the organization {name}",
    Kind.MEMBER_ADDED: "added {email} as {role}",
    Kind.MEMBER_REMOVED: "removed {email}",
    Kind.MEMBER_LEFT: "left the organization",
    Kind.ROLE_CHANGED: "changed the role of {email}",
    Kind.INVITATION_SENT: "invited {email} as {role}",
    Kind.INVITATION_ACCEPTED: "accepted the invitation",
    Kind.INVITATION_REVOKED: "took back the invitation of {email}",
    Kind.TEAM_CHANGED: "changed the team {team}",
    Kind.TEAM_DELETED: "deleted the team {team}",
    Kind.ACCESS_CHANGED: "changed which projects {email} sees",
    Kind.PRIORITY_EMAILS_CHOSEN: "chose about the own weekly priority e-mails",
    Kind.SIGN_ON_CHANGED: "changed single sign-on",
    Kind.SIGN_ON_REMOVED: "removed single sign-on",
    Kind.TOKEN_CREATED: "made the API token {token}",
    Kind.TOKEN_REVOKED: "revoked the API token {token}",
    Kind.PROJECT_CREATED: "created the project {project}",
    Kind.SETTINGS_CHANGED: "changed the Assistant's settings",
    Kind.PROJECT_SETTINGS_CHANGED: "changed the settings of a project",
    Kind.CONNECTION_SAVED: "saved the AI provider",
    Kind.CONNECTION_REMOVED: "removed the AI provider",
    Kind.CODE_HOST_SAVED: "saved the code host {host}",
    Kind.CODE_HOST_REMOVED: "removed the code host {host}",
    Kind.REPOSITORY_CONNECTED: "connected the repository {repository}",
    Kind.REPOSITORY_DISCONNECTED: "disconnected the repository {repository}",
    Kind.MODELS_CHANGED: "changed which model answers which step",
    Kind.BUDGET_CHANGED: "changed the budget",
    Kind.MODEL_CALL_REPLAYED: "asked a prompt again with another model",
    Kind.LOG_EXPORTED: "exported the {log} log",
    Kind.CONSENT_GIVEN: "accepted that code is sent to the AI provider",
    Kind.CONSENT_WITHDRAWN: "withdrew the consent to send code to the AI provider",
    Kind.SCAN_RECEIVED: "handed in a scan of {project}",
    Kind.SCAN_FAILED: "could not read a scan",
    Kind.ANALYSIS_REQUESTED: "asked for an analysis",
    Kind.FEEDBACK_GIVEN: "gave feedback on a verdict",
    Kind.FINDING_TRIAGED: "set a finding to {triage}",
    Kind.FINDING_IGNORED: "ignored a finding",
    Kind.NOTE_ADDED: "wrote a note on a finding",
    Kind.MEMORY_SUGGESTED: "suggested memory {memory_id}",
    Kind.MEMORY_ADDED: "put memory {memory_id} in force",
    Kind.MEMORY_CHANGED: "changed memory {memory_id}",
    Kind.MEMORY_REMOVED: "took memory {memory_id} out of force",
    Kind.MEMORY_TRIED: "tried memory {memory_id} out",
    Kind.FIX_REGENERATION_REQUESTED: "had a fix written anew",
    Kind.FIX_PULL_REQUEST_REQUESTED: "asked for a fix pull request",
    Kind.FIX_PULL_REQUEST_OPENED: "opened fix pull request {number}",
    Kind.FIX_PULL_REQUEST_REFUSED: "did not open the fix pull request",
    Kind.FIX_PULL_REQUEST_MERGED: "saw fix pull request {number} merged",
    Kind.FIX_PULL_REQUEST_CLOSED: "saw fix pull request {number} closed",
    Kind.WEBHOOK_SAVED: "changed the webhook to {host}",
    Kind.WEBHOOK_REMOVED: "removed the webhook to {host}",
    Kind.WEBHOOK_STOPPED: "switched off the webhook to {host}",
    Kind.SIGNED_IN: "signed in",
    Kind.SIGN_IN_FAILED: "refused a sign-in as {email}",
    Kind.PASSWORD_CHANGED: "changed their password",
    Kind.SECOND_FACTOR_ADDED: "added a second factor",
    Kind.SECOND_FACTOR_REMOVED: "removed a second factor",
}
_WORDS_OF_VALUES: dict[str, Mapping[str, str]] = {
    "role": dict(Role.choices),
    "before": dict(Role.choices),
    "old": dict(Role.choices),
    "new": dict(Role.choices),
    "triage": dict(Triage.choices),
    "reason": dict(IgnoreReason.choices),
}
# Pairs that tell a change: what it was, what it is.
_CHANGES = (("old", "new"), ("before", "after"), ("before", "role"))
_TOLD_AS_THEY_ARE = ("change", "changes")
# The line of an ignored finding says that already.
_SAID = {Kind.FINDING_IGNORED: {"triage"}}


@dataclass(frozen=True)
class Part:
    """A detail of a line: what it is, empty where the value says it."""

    name: str
    value: str


@dataclass(frozen=True)
class Link:
    """The page of what a line is about."""

    address: str
    label: str


@dataclass(frozen=True)
class Line:
    """A line of the audit log."""

    at: datetime
    actor: str
    actor_kind: str
    words: str
    parts: tuple[Part, ...]
    link: Link | None

    @property
    def details(self) -> str:
        """What follows the words, as one text."""
        return "; ".join(f"{part.name}: {part.value}" if part.name else part.value for part in self.parts)


def lines(events: Sequence[Event], *, viewer: Viewer, slug: str) -> list[Line]:
    """Return events as lines of the audit log, each with a link where its subject is still there."""
    links = _links(events, viewer, slug)
    return [_line(event, links.get(event.pk)) for event in events]


def line(event: Event) -> Line:
    """Return an event as a line of the audit log, without a link."""
    return _line(event, None)


def _line(event: Event, link: Link | None) -> Line:
    said = _SAID.get(Kind(event.kind), set()) if event.kind in Kind.values else set()
    told = {name: value for name, value in event.subject.items() if name not in said and _is_told(name, value)}
    subject = {name: _value(name, value) for name, value in told.items()}
    words, left = _words(event, subject)
    return Line(
        at=event.created_at,
        actor=event.actor_name or ActorKind(event.actor_kind).label,
        actor_kind=ActorKind(event.actor_kind).label,
        words=words,
        parts=tuple(_parts(left)),
        link=link,
    )


def _is_told(name: str, value: object) -> bool:
    # Ids are for links, and for whoever reads the export.
    return not name.endswith("_id") and value not in ("", None)


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _WORDS_OF_VALUES.get(name, {}).get(str(value), str(value))


def _words(event: Event, subject: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the line's words and what of the subject they do not tell."""
    pattern = _LINES.get(Kind(event.kind), "") if event.kind in Kind.values else ""
    try:
        words = pattern.format_map(subject)
    except KeyError:
        words = ""
    if not words:
        label = event.get_kind_display()
        return f"{label[:1].lower()}{label[1:]}", subject
    return words, {name: value for name, value in subject.items() if f"{{{name}}}" not in pattern}


def _parts(left: dict[str, str]) -> list[Part]:
    found = []
    for old, new in _CHANGES:
        if old in left and new in left:
            found.append(Part("", f"{left.pop(old)} → {left.pop(new)}"))
    found += [Part("", left.pop(name)) for name in _TOLD_AS_THEY_ARE if name in left]
    return found + [Part(name.replace("_", " "), value) for name, value in left.items()]


def _links(events: Sequence[Event], viewer: Viewer, slug: str) -> dict[int, Link]:
    """Return the link of each event whose subject is there to be seen, by the event's id."""
    found: dict[int, Link] = {}
    # The most telling last: an event about a finding may name its scan too.
    teams = dict(orgs.selectors.teams().filter(pk__in=_ids(events, "team_id").values()).values_list("pk", "name"))
    scans = findings.selectors.scans_visible_to(viewer).in_bulk(set(_ids(events, "scan_id").values()))
    of_findings = {event.pk: event.finding_id for event in events if event.finding_id is not None}
    shown = findings.selectors.visible_to(viewer).in_bulk(set(of_findings.values()))
    for event_id, team_id in _ids(events, "team_id").items():
        if team_id in teams:
            address = reverse("settings-teams-team", kwargs={"slug": slug, "team_id": team_id})
            found[event_id] = Link(address, f"Team {teams[team_id]}")
    for event_id, scan_id in _ids(events, "scan_id").items():
        if scan_id in scans:
            found[event_id] = Link(reverse("scan", kwargs={"slug": slug, "scan_id": scan_id}), f"Scan {scan_id}")
    for event_id, finding_id in of_findings.items():
        if finding_id in shown:
            finding = shown[finding_id]
            address = reverse("finding", kwargs={"slug": slug, "finding_id": finding_id})
            found[event_id] = Link(address, f"{finding.rule.name} in {finding.path}:{finding.start_line}")
    return found


def _ids(events: Sequence[Event], name: str) -> dict[int, int]:
    return {event.pk: event.subject[name] for event in events if isinstance(event.subject.get(name), int)}
