"""Memories as a YAML file: writing all of them, and what bringing a file would do, entry by entry.

A file is read as a stream of events and only its fixed shape is built: neither nesting nor aliases cost anything.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from django.db import transaction
from django.utils import timezone
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

import memories.services
import orgs.selectors
from events.kinds import Actor
from memories.models import LONGEST_TEXT, Memory, MemorySource, MemoryState, Purpose, Template
from memories.scopes import Scope, ScopeUnusable
from memories.services import MemoryUnusable
from orgs.models import Viewer
from rules.models import Rule

VERSION = "1"
LARGEST_BYTES = 512 * 1024
MOST_ENTRIES = 1_000
FIELDS = (
    "id",
    "text",
    "purpose",
    "state",
    "project",
    "project_tag",
    "rule",
    "cwe",
    "path_prefix",
    "template",
    "expires",
)
_PURPOSES, _TEMPLATES = frozenset(Purpose.values), frozenset(Template.values)


class FileUnusable(Exception):
    """A file is none of memories, or is too large; the text says what would do."""


class Action(StrEnum):
    """What bringing an entry comes to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class Entry:
    """A memory as a file has it."""

    text: str
    purpose: Purpose
    scope: Scope
    is_live: bool
    template: Template
    expires_at: datetime | None


@dataclass(frozen=True)
class Planned:
    """What would become of one entry of a file; `position` counts from 1, `why` says why it is refused."""

    position: int
    action: Action
    text: str
    why: str = ""
    entry: Entry | None = None
    memory: Memory | None = None


def exported(found: Iterable[Memory], *, organization: str) -> str:
    """Return memories as a YAML file, which `planned` reads back."""
    entries = [
        {name: value for name, value in _as_entry(memory).items() if value or name in {"id", "text"}}
        for memory in found
    ]
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's word for "as they are"
    written = io.StringIO()
    yaml.dump({"version": int(VERSION), "organization": organization, "memories": entries}, written)
    return written.getvalue()


def _as_entry(memory: Memory) -> dict[str, object]:
    return {
        "id": memory.pk,
        "text": memory.text,
        "purpose": memory.purpose,
        "state": memory.state,
        **Scope.of(memory).as_history(),
        "template": memory.template,
        "expires": memory.expires_at.astimezone(UTC).date().isoformat() if memory.expires_at else "",
    }


def planned(content: bytes, *, viewer: Viewer, organization: str, may_change: bool) -> list[Planned]:
    """Return what bringing a file would do, without doing it. Raise FileUnusable.

    An entry of this organization's own file is known by its id, any other by what it says and where it holds.
    """
    header, entries = _read(content)
    is_own = header.get("organization", "") == organization
    return [
        _plan(position, given, viewer=viewer, is_own=is_own, may_change=may_change)
        for position, given in enumerate(entries, start=1)
    ]


def bring(plans: Sequence[Planned], *, actor: Actor, goes_live: bool) -> int:
    """Do what was planned, all in one transaction; return how many memories are new or changed. Raise MemoryUnusable.

    What is live in the file becomes live where the person may decide that (`goes_live`), all else is suggested.
    """
    count = 0
    with transaction.atomic():
        for plan in plans:
            if plan.entry is None or plan.action not in {Action.NEW, Action.CHANGED}:
                continue
            count += 1
            entry = plan.entry
            if plan.memory is not None:
                memories.services.change(
                    memory=plan.memory,
                    actor=actor,
                    text=entry.text,
                    purpose=entry.purpose,
                    scope=entry.scope,
                    expires_at=entry.expires_at,
                )
                continue
            memories.services.teach(
                text=entry.text,
                purpose=entry.purpose,
                scope=entry.scope,
                source=MemorySource.IMPORT,
                actor=actor,
                goes_live=goes_live and entry.is_live,
                template=entry.template,
                expires_at=entry.expires_at,
            )
    return count


def _plan(position: int, given: dict[str, str], *, viewer: Viewer, is_own: bool, may_change: bool) -> Planned:
    text = given.get("text", "").strip()
    try:
        entry = _entry(given, viewer)
    except (ScopeUnusable, FileUnusable, MemoryUnusable) as problem:
        return Planned(position, Action.REFUSED, text, str(problem))
    known = Memory.objects.exclude(state=MemoryState.REMOVED).select_related("project", "rule")
    own_id = given.get("id", "")
    memory = known.filter(pk=int(own_id)).first() if is_own and own_id.isdigit() and len(own_id) < 18 else None  # noqa: PLR2004
    if memory is None:
        twin = known.filter(text=entry.text, purpose=entry.purpose, **entry.scope.as_row()).first()
        if twin is not None:
            return Planned(position, Action.SAME, text, memory=twin)
        return Planned(position, Action.NEW, text, entry=entry)
    if _says_the_same(memory, entry):
        return Planned(position, Action.SAME, text, memory=memory)
    if not may_change:
        why = f"It differs from memory {memory.pk}, and only an Admin changes."
        return Planned(position, Action.REFUSED, text, why)
    return Planned(position, Action.CHANGED, text, entry=entry, memory=memory)


def _says_the_same(memory: Memory, entry: Entry) -> bool:
    days = [at.astimezone(UTC).date() if at else None for at in (memory.expires_at, entry.expires_at)]
    is_same = (memory.text, memory.purpose, Scope.of(memory)) == (entry.text, entry.purpose, entry.scope)
    return is_same and days[0] == days[1]


def _entry(given: dict[str, str], viewer: Viewer) -> Entry:
    text, purpose, template = given.get("text", "").strip(), given.get("purpose", "both"), given.get("template", "")
    if unknown := sorted(set(given) - set(FIELDS)):
        raise FileUnusable(f"There is no field {unknown[0]!r}. There are: {', '.join(FIELDS)}.")
    if not text or len(text) > LONGEST_TEXT:
        raise FileUnusable(f"It needs a text of at most {LONGEST_TEXT:,} characters.")
    if purpose not in _PURPOSES or template not in _TEMPLATES:
        raise FileUnusable(
            f"`purpose` is one of {', '.join(sorted(_PURPOSES))}; "
            "`template` is not_production, framework_protects or empty."
        )
    project = rule = None
    if name := given.get("project", ""):
        project = orgs.selectors.projects_visible_to(viewer).filter(name=name).first()
        if project is None:
            raise FileUnusable(f"There is no project {name!r} among those you see.")
    if identifier := given.get("rule", ""):
        rule = Rule.objects.filter(identifier=identifier).first()
        if rule is None:
            raise FileUnusable(f"There is no rule {identifier!r}.")
    scope = Scope(
        project=project,
        rule=rule,
        project_tag=given.get("project_tag", "")[:60],
        path_prefix=given.get("path_prefix", ""),
        cwe=given.get("cwe", ""),
    ).checked()
    memories.services.refuse_boundless(Template(template), scope)
    return Entry(
        text=text,
        purpose=Purpose(purpose),
        scope=scope,
        is_live=given.get("state", "live") == MemoryState.LIVE,
        template=Template(template),
        expires_at=_expiry(given.get("expires", "")),
    )


def _expiry(given: str) -> datetime | None:
    if not given:
        return None
    try:
        at = datetime.combine(date.fromisoformat(given), time.min, tzinfo=UTC)
    except ValueError as error:
        raise FileUnusable("`expires` is a day, such as 2027-06-30.") from error
    if at <= timezone.now():
        raise FileUnusable(f"It expired on {given}.")
    return at


# --- Reading ----------------------------------------------------------------------------------------------------------


def _read(content: bytes) -> tuple[dict[str, str], list[dict[str, str]]]:
    if len(content) > LARGEST_BYTES:
        raise FileUnusable(f"A file may have {LARGEST_BYTES // 1024} KiB; this one has {len(content) // 1024:,}.")
    try:
        stream = _events(content.decode("utf-8-sig"))
        return _document(stream)
    except UnicodeDecodeError as error:
        raise FileUnusable("The file is not text in UTF-8.") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise FileUnusable(f"The file is not readable as YAML{where}.") from error


def _events(text: str) -> Iterator[Event]:
    if "\0" in text:
        raise FileUnusable("The file is not text.")
    for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise FileUnusable("Anchors and aliases are not read here; write each memory out.")
        if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | MappingEndEvent | SequenceEndEvent):
            yield event


def _document(stream: Iterator[Event]) -> tuple[dict[str, str], list[dict[str, str]]]:
    wrong_shape = FileUnusable("A file of memories has `version: 1` and a list named `memories`.")
    header: dict[str, str] = {}
    entries: list[dict[str, str]] | None = None
    if not isinstance(next(stream, None), MappingStartEvent):
        raise wrong_shape
    for key in stream:
        if isinstance(key, MappingEndEvent):
            break
        value = next(stream, None)
        if not isinstance(key, ScalarEvent):
            raise wrong_shape
        if key.value == "memories" and isinstance(value, SequenceStartEvent):
            entries = list(_entries(stream))
        elif isinstance(value, ScalarEvent):
            header[key.value] = value.value
        else:
            raise wrong_shape
    if entries is None or header.get("version") != VERSION:
        raise wrong_shape
    return header, entries


def _entries(stream: Iterator[Event]) -> Iterator[dict[str, str]]:
    for count, event in enumerate(stream, start=1):
        if isinstance(event, SequenceEndEvent):
            return
        if count > MOST_ENTRIES:
            raise FileUnusable(f"A file may have {MOST_ENTRIES:,} memories.")
        if not isinstance(event, MappingStartEvent):
            raise FileUnusable(f"Memory {count} of the file is no mapping of fields.")
        yield dict(_fields(stream, count))


def _fields(stream: Iterator[Event], position: int) -> Iterator[tuple[str, str]]:
    for key in stream:
        if isinstance(key, MappingEndEvent):
            return
        value = next(stream, None)
        if not isinstance(key, ScalarEvent) or not isinstance(value, ScalarEvent):
            raise FileUnusable(f"Memory {position} of the file has a field that is no plain value.")
        is_null = value.style is None and value.value in {"", "~", "null"}
        yield key.value, "" if is_null else value.value
