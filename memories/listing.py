"""The list of memories: who sees which, in tabs, searched and sorted, and what each concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import F, Q, QuerySet

import orgs.selectors
from findings.models import Finding
from memories.models import Memory, MemoryState
from memories.scopes import Scope
from memories.selectors import findings_in_scope
from orgs.models import Viewer

PAGE_SIZE = 25
LONGEST_SEARCH = 200
LAST_PAGE = 1_000
COUNTED_AT_MOST = 1_000


class Tab(StrEnum):
    """The parts of the list."""

    LIVE = "live"
    SUGGESTED = "suggested"
    ENDED = "ended"


STATES_OF_TAB = {
    Tab.LIVE: (MemoryState.LIVE,),
    Tab.SUGGESTED: (MemoryState.SUGGESTED,),
    Tab.ENDED: (MemoryState.DISABLED, MemoryState.EXPIRED),
}
TITLES = {Tab.LIVE: "Live", Tab.SUGGESTED: "Suggested", Tab.ENDED: "Disabled or expired"}
ORDERS = {
    "newest": ("Newest first", (F("pk").desc(),)),
    "most-used": ("Most used", (F("use_count").desc(), F("pk").desc())),
    "last-used": ("Last used", (F("last_used_at").desc(nulls_last=True), F("pk").desc())),
    "least-used": ("Least used", (F("use_count").asc(), F("pk").asc())),
    "expiring": ("Expiring soonest", (F("expires_at").asc(nulls_last=True), F("pk").desc())),
}
NEWEST = "newest"


@dataclass(frozen=True)
class Wanted:
    """What of the list somebody asks for."""

    tab: Tab = Tab.LIVE
    search: str = ""
    order: str = NEWEST
    page: int = 1

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Wanted:
        """Return what a query string asks for; what cannot be meant is left out."""
        tab, order, page = given.get("tab", ""), given.get("sort", ""), given.get("page", "")
        return cls(
            tab=Tab(tab) if tab in set(Tab) else Tab.LIVE,
            search=given.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
            order=order if order in ORDERS else NEWEST,
            page=min(max(int(page), 1), LAST_PAGE) if page.isascii() and page.isdigit() and len(page) < 6 else 1,  # noqa: PLR2004
        )


@dataclass(frozen=True)
class Page:
    """A page of the list; `counts` says how many each tab has for this reader and search."""

    memories: Sequence[Memory]
    counts: Mapping[Tab, int]
    has_next: bool


def visible_to(viewer: Viewer) -> QuerySet[Memory]:
    """Return the memories that somebody may see: those of no project, and those of projects they see.

    Removed ones too, since verdicts that used them still name them.
    """
    found = Memory.objects.select_related("project", "rule", "source_finding")
    ids = orgs.selectors.visible_project_ids(viewer)
    return found if ids is None else found.filter(Q(project=None) | Q(project__in=ids))


def page_of(wanted: Wanted, *, viewer: Viewer) -> Page:
    """Return a page of the list."""
    found = visible_to(viewer)
    if wanted.search:
        text = wanted.search
        found = found.filter(
            Q(text__icontains=text)
            | Q(project__name__icontains=text)
            | Q(rule__identifier__icontains=text)
            | Q(project_tag__icontains=text)
            | Q(path_prefix__icontains=text)
            | Q(cwe__iexact=text)
            | Q(created_by__icontains=text)
        )
    counts = {tab: found.filter(state__in=states).count() for tab, states in STATES_OF_TAB.items()}
    _, columns = ORDERS[wanted.order]
    first = (wanted.page - 1) * PAGE_SIZE
    rows = list(found.filter(state__in=STATES_OF_TAB[wanted.tab]).order_by(*columns)[first : first + PAGE_SIZE + 1])
    return Page(memories=rows[:PAGE_SIZE], counts=counts, has_next=len(rows) > PAGE_SIZE)


def affected_by(memory: Memory, *, viewer: Viewer) -> QuerySet[Finding]:
    """Return the open findings that a memory concerns, of those that somebody sees, worst first."""
    found = findings_in_scope(Scope.of(memory))
    ids = orgs.selectors.visible_project_ids(viewer)
    return found if ids is None else found.filter(project__in=ids)


def count_affected(memory: Memory, *, viewer: Viewer) -> int:
    """Return how many findings a memory concerns, at most COUNTED_AT_MOST + 1: the list must not read a million."""
    return affected_by(memory, viewer=viewer).order_by()[: COUNTED_AT_MOST + 1].count()


def as_filter(scope: Scope) -> list[tuple[str, str]]:
    """Return a scope as the query string of the list of findings."""
    pairs = [
        ("product", "code"),
        ("project", str(scope.project.pk) if scope.project else ""),
        ("rule", str(scope.rule.pk) if scope.rule else ""),
        ("tag", scope.project_tag),
        ("path", scope.path_prefix),
        ("cwe", scope.cwe),
    ]
    return [(name, value) for name, value in pairs if value]
