"""The findings list: what it is filtered by, its pages, and how many findings each filter value would show."""

from __future__ import annotations

from findings.listing.counting import TOP_VALUES, Counts, counts, known_counts, open_by_project
from findings.listing.filtering import (
    BACKLOGS,
    FIXES,
    PRODUCTS,
    REASONS,
    RECOMMENDATIONS,
    RISKS,
    SEVERITIES,
    STATUSES,
    FindingFilter,
    matching,
)
from findings.listing.pages import PAGE_SIZE, Cursor, Page, page

__all__ = [
    "BACKLOGS",
    "FIXES",
    "PAGE_SIZE",
    "PRODUCTS",
    "REASONS",
    "RECOMMENDATIONS",
    "RISKS",
    "SEVERITIES",
    "STATUSES",
    "TOP_VALUES",
    "Counts",
    "Cursor",
    "FindingFilter",
    "Page",
    "counts",
    "known_counts",
    "matching",
    "open_by_project",
    "page",
]
