"""The findings list: what it is filtered by, its pages, and how many findings each filter value would show."""

from __future__ import annotations

from findings.listing.counting import TOP_VALUES, Counts, counts, held_back_count, known_counts, open_by_project
from findings.listing.filtering import (
    BACKLOGS,
    FIXES,
    HELD,
    HELD_BACK,
    NOT_HELD_BACK,
    PRODUCTS,
    REASONS,
    RECOMMENDATIONS,
    RISKS,
    SEVERITIES,
    STATUSES,
    VALUES_AT_MOST,
    FindingFilter,
    Parameters,
    matching,
)
from findings.listing.pages import PAGE_SIZE, Cursor, Page, page

__all__ = [
    "BACKLOGS",
    "FIXES",
    "HELD",
    "HELD_BACK",
    "NOT_HELD_BACK",
    "PAGE_SIZE",
    "PRODUCTS",
    "REASONS",
    "RECOMMENDATIONS",
    "RISKS",
    "SEVERITIES",
    "STATUSES",
    "TOP_VALUES",
    "VALUES_AT_MOST",
    "Counts",
    "Cursor",
    "FindingFilter",
    "Page",
    "Parameters",
    "counts",
    "held_back_count",
    "known_counts",
    "matching",
    "open_by_project",
    "page",
]
