"""The audit log: what it can be asked for, page by page and as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from django.db.models import Q, QuerySet

from events.kinds import MACHINE_WORK, ActorKind, Kind
from events.models import Event
from lib.pages import page_from
from lib.text import is_id
from tenancy.reading import read_through

PAGE_SIZE = 50
READ_TOGETHER = 1000
LONGEST_TEXT = 100
# Where a subject holds what people call a thing.
NAMES_IN_SUBJECT = ("email", "name", "project", "token", "team", "rule")


@dataclass(frozen=True)
class Topic:
    """Kinds of events that belong together."""

    word: str
    label: str
    kinds: tuple[Kind, ...]


_TOPICS = (
    Topic(
        "people",
        "People and teams",
        (
            Kind.MEMBER_ADDED,
            Kind.MEMBER_REMOVED,
            Kind.MEMBER_LEFT,
            Kind.ROLE_CHANGED,
            Kind.INVITATION_SENT,
            Kind.INVITATION_ACCEPTED,
            Kind.INVITATION_REVOKED,
            Kind.TEAM_CHANGED,
            Kind.TEAM_DELETED,
            Kind.ACCESS_CHANGED,
            Kind.PRIORITY_EMAILS_CHOSEN,
        ),
    ),
    Topic(
        "sign_in",
        "Signing in",
        (
            Kind.SIGNED_IN,
            Kind.SIGN_IN_FAILED,
            Kind.PASSWORD_CHANGED,
            Kind.SECOND_FACTOR_ADDED,
            Kind.SECOND_FACTOR_REMOVED,
            Kind.SIGN_ON_CHANGED,
            Kind.SIGN_ON_REMOVED,
        ),
    ),
    Topic("tokens", "API tokens", (Kind.TOKEN_CREATED, Kind.TOKEN_REVOKED)),
    Topic(
        "settings",
        "Settings",
        (
            Kind.ORGANIZATION_CREATED,
            Kind.ORGANIZATION_CHANGED,
            Kind.SETTINGS_CHANGED,
            Kind.PROJECT_SETTINGS_CHANGED,
            Kind.RETENTION_ANNOUNCED,
        ),
    ),
    Topic(
        "provider",
        "AI provider, consent and budget",
        (
            Kind.CONNECTION_SAVED,
            Kind.CONNECTION_REMOVED,
            Kind.CONNECTION_REFUSED,
            Kind.MODELS_CHANGED,
            Kind.MODEL_CALL_REPLAYED,
            Kind.CONSENT_GIVEN,
            Kind.CONSENT_WITHDRAWN,
            Kind.BUDGET_CHANGED,
            Kind.BUDGET_ALERT,
        ),
    ),
    Topic("scans", "Projects and scans", (Kind.PROJECT_CREATED, Kind.SCAN_RECEIVED, Kind.SCAN_FAILED)),
    Topic(
        "findings",
        "Findings and memories",
        (
            Kind.FINDING_TRIAGED,
            Kind.FINDING_IGNORED,
            Kind.FEEDBACK_GIVEN,
            Kind.NOTE_ADDED,
            Kind.ANALYSIS_REQUESTED,
            Kind.MEMORY_SUGGESTED,
            Kind.MEMORY_ADDED,
            Kind.MEMORY_CHANGED,
            Kind.MEMORY_REMOVED,
            Kind.MEMORY_TRIED,
            Kind.ADVICE_RATED,
            Kind.FIX_REGENERATION_REQUESTED,
            Kind.VERDICT_AUDITED,
        ),
    ),
    Topic(
        "rules",
        "Rules and what they may do",
        (
            Kind.POLICY_CHANGED,
            Kind.RULE_MODES_CHANGED,
            Kind.RULE_OVERRIDE_CHANGED,
            Kind.RULE_LABELS_CHANGED,
            Kind.RULES_IMPORTED,
            Kind.RULE_REMOVED,
            Kind.RULES_REFUSED,
        ),
    ),
    Topic(
        "code_hosts",
        "Code hosts and fix pull requests",
        (
            Kind.CODE_HOST_SAVED,
            Kind.CODE_HOST_REMOVED,
            Kind.INSTALLATION_CHANGED,
            Kind.REPOSITORY_CONNECTED,
            Kind.REPOSITORY_DISCONNECTED,
            Kind.REPOSITORY_CHANGED,
            Kind.FIX_PULL_REQUEST_REQUESTED,
            Kind.FIX_PULL_REQUEST_OPENED,
            Kind.FIX_PULL_REQUEST_REFUSED,
            Kind.FIX_PULL_REQUEST_MERGED,
            Kind.FIX_PULL_REQUEST_CLOSED,
        ),
    ),
    Topic(
        "telling",
        "Slack and webhooks",
        (
            Kind.SLACK_CONNECTED,
            Kind.SLACK_REMOVED,
            Kind.SLACK_CHANNEL_CHOSEN,
            Kind.WEBHOOK_SAVED,
            Kind.WEBHOOK_REMOVED,
            Kind.WEBHOOK_STOPPED,
        ),
    ),
    Topic("exports", "Exports", (Kind.LOG_EXPORTED,)),
)


def topics() -> tuple[Topic, ...]:
    """Return every kind of the audit log under a topic; one that has none yet stands under Other."""
    placed = {kind for topic in _TOPICS for kind in topic.kinds}
    others = tuple(kind for kind in Kind if kind not in placed and kind not in MACHINE_WORK)
    return (*_TOPICS, Topic("other", "Other", others)) if others else _TOPICS


@dataclass(frozen=True)
class AuditFilter:
    """What of the audit log is shown; an empty field filters nothing. The fields are the names in the query string.

    `since` and `until` are days, both included. `who` is `person-<user id>`, `token-<name>` or a kind of actor. `what`
    is a kind or a topic. `text` is how the name of the actor, or of what was acted on, begins.
    """

    since: str = ""
    until: str = ""
    who: str = ""
    what: str = ""
    text: str = ""

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Return the filter of a query string; values that cannot be meant are left out."""
        said = {field.name: parameters.get(field.name, "").strip() for field in fields(cls)}
        return cls(
            since=said["since"] if _day(said["since"]) else "",
            until=said["until"] if _day(said["until"]) else "",
            who=said["who"] if _of_actor(said["who"]) is not None else "",
            what=said["what"] if _kinds(said["what"]) else "",
            text=said["text"].replace("\0", "")[:LONGEST_TEXT],
        )

    def as_pairs(self) -> list[tuple[str, str]]:
        """Return the filter as names and values of a query string."""
        return [(field.name, value) for field in fields(self) if (value := getattr(self, field.name))]


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The neighbours must exist too, in every time zone.
    return day if date.min + timedelta(days=2) < day < date.max - timedelta(days=2) else None


def _of_actor(who: str) -> Q | None:
    kind, _, rest = who.partition("-")
    if kind == ActorKind.PERSON and is_id(rest):
        return Q(actor_user_id=int(rest))
    if kind == ActorKind.TOKEN and rest and "\0" not in rest:
        return Q(actor_kind=ActorKind.TOKEN, actor_name=rest)
    return Q(actor_kind=kind) if kind in ActorKind.values and not rest else None


def _kinds(what: str) -> tuple[Kind, ...]:
    of_topic = {topic.word: topic.kinds for topic in topics()}
    if what in of_topic:
        return of_topic[what]
    return (Kind(what),) if what in Kind.values and what not in MACHINE_WORK else ()


def matching(chosen: AuditFilter, *, zone: tzinfo) -> QuerySet[Event]:
    """Return the lines of the audit log that a filter shows, newest first; its days begin and end in a time zone."""
    found = Event.objects.filter(is_audit=True).order_by("-pk")
    if since := _day(chosen.since):
        found = found.filter(created_at__gte=datetime.combine(since, time.min, zone).astimezone(UTC))
    if until := _day(chosen.until):
        found = found.filter(created_at__lt=datetime.combine(until + timedelta(days=1), time.min, zone).astimezone(UTC))
    if (of_actor := _of_actor(chosen.who)) is not None:
        found = found.filter(of_actor)
    if kinds := _kinds(chosen.what):
        found = found.filter(kind__in=kinds)
    if chosen.text:
        begins = Q(actor_name__istartswith=chosen.text)
        for name in NAMES_IN_SUBJECT:
            begins |= Q(**{f"subject__{name}__istartswith": chosen.text})
        found = found.filter(begins)
    return found


@dataclass(frozen=True)
class Page:
    """Some lines, newest first; `next_after` is the id that the next page begins behind, None where none is left."""

    events: list[Event]
    next_after: int | None


def page(chosen: AuditFilter, *, zone: tzinfo, after: int | None = None) -> Page:
    """Return one page of the audit log."""
    found = matching(chosen, zone=zone)
    if after is not None:
        found = found.filter(pk__lt=after)
    shown = page_from(found, size=PAGE_SIZE, is_first=after is None)
    return Page(shown.rows, shown.rows[-1].pk if shown.has_next else None)


def read_all(chosen: AuditFilter, *, organization_id: int, zone: tzinfo) -> Iterator[Event]:
    """Yield every line that a filter shows, newest first, holding no transaction while the reader takes its time."""
    return read_through(lambda: matching(chosen, zone=zone), organization_id=organization_id, together=READ_TOGETHER)
