"""What the findings list can be filtered by, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from findings import listing
from findings.listing import Counts, FindingFilter
from triage.answers import ComponentTag


@dataclass(frozen=True)
class Option:
    """A value of a facet; `count` is None before the counts are known."""

    value: str
    label: str
    is_chosen: bool
    count: int | None


@dataclass(frozen=True)
class Facet:
    """A group of values to choose from, any of them."""

    name: str
    label: str
    options: tuple[Option, ...]
    hint: str = ""

    @property
    def is_in_use(self) -> bool:
        """Whether a value is chosen."""
        return any(option.is_chosen for option in self.options)


@dataclass(frozen=True)
class Chip:
    """A chosen value, with the filter that is left when it is taken away."""

    label: str
    pairs_without: list[tuple[str, str]]


_LABELS = {
    "recommendation": "Assistant recommends",
    "severity": "Severity",
    "status": "Status",
    "backlog": "Backlog",
    "fix": "Fix",
    "product": "Product",
    "risk": "Component risk",
    "component": "Component",
    "project": "Project",
    "rule": "Rule",
    "ref": "Branch or pull request",
    "scan": "New in scan",
    "why": "Not analysed",
    "held": "Noise filter",
    "path": "Path below",
    "cwe": "CWE",
    "tag": "Project tag",
}

_FIXED_VALUES: dict[str, Mapping[str, str]] = {
    "recommendation": listing.RECOMMENDATIONS,
    "severity": listing.SEVERITIES,
    "status": listing.STATUSES,
    "product": listing.PRODUCTS,
    "backlog": listing.BACKLOGS,
    "fix": listing.FIXES,
    "held": {listing.HELD_BACK: listing.HELD[listing.HELD_BACK]},
    "risk": listing.RISKS,
    "component": {tag.value: tag.value[:1].upper() + tag.value[1:] for tag in ComponentTag},
}


def facets(
    chosen: FindingFilter, counts: Counts | None, *, projects: Mapping[int, str], rules: Mapping[int, str]
) -> list[Facet]:
    """Return the facets in the order of the page, with counts where they are known."""
    found = []
    for name, values in _FIXED_VALUES.items():
        numbers = counts.by_facet[name] if counts else None
        hint = "With none chosen: open, reviewing and to fix." if name == "status" else ""
        found.append(Facet(name, _LABELS[name], tuple(_options(name, values, chosen, numbers)), hint))
    for name, names in (("project", projects), ("rule", rules)):
        numbers = counts.by_facet[name] if counts else None
        shown = {*(numbers or {}), *getattr(chosen, name)}
        if numbers is None and name == "project":
            shown |= {str(pk) for pk in list(projects)[: listing.TOP_VALUES]}
        values = {value: _short(names.get(int(value), f"#{value}")) for value in shown}
        ordered = dict(sorted(values.items(), key=lambda entry: (-(numbers or {}).get(entry[0], 0), entry[1].lower())))
        found.append(Facet(name, _LABELS[name], tuple(_options(name, ordered, chosen, numbers))))
    return [facet for facet in found if facet.options]


def _options(
    name: str, values: Mapping[str, str], chosen: FindingFilter, numbers: Mapping[str, int] | None
) -> Iterable[Option]:
    for value, label in values.items():
        is_chosen = value in getattr(chosen, name)
        count = numbers.get(value, 0) if numbers is not None else None
        # The many components would fill the page; those without findings are left out once that is known.
        if name == "component" and count == 0 and not is_chosen:
            continue
        yield Option(value, label, is_chosen, count)


@dataclass(frozen=True)
class Backlog:
    """A part of the findings by where they are, with the filter that shows it."""

    label: str
    heading: str
    explanation: str
    pairs: list[tuple[str, str]]
    is_shown: bool
    held_back: int = 0  # so many of it the noise filter held back


PRE_PRODUCTION = ("pre_production",)
_BACKLOGS = (
    ((), "All", "Findings", ""),
    (("production",), "Production", "Production backlog", "Present on the primary branch of their project."),
    (
        PRE_PRODUCTION,
        "Pre-production",
        "Pre-production backlog",
        "Present on other branches and pull requests only. What the noise filter held back comes first.",
    ),
)


def backlogs(chosen: FindingFilter, *, held_back: int) -> list[Backlog]:
    """Return the backlogs, each with the rest of the filter as it is; both together are all.

    `held_back` is how many findings of the pre-production backlog the noise filter held back.
    """
    shown = chosen.backlog if len(chosen.backlog) == 1 else ()
    return [
        Backlog(
            label,
            heading,
            explanation,
            replace(chosen, backlog=values).as_pairs(),
            values == shown,
            held_back if values == PRE_PRODUCTION else 0,
        )
        for values, label, heading, explanation in _BACKLOGS
    ]


def chips(chosen: FindingFilter, *, projects: Mapping[int, str], rules: Mapping[int, str]) -> list[Chip]:
    """Return what is chosen, each with the filter without it."""
    found = []
    for name, value in chosen.as_pairs():
        names = {"project": projects, "rule": rules}.get(name)
        if names is not None:
            label = _short(names.get(int(value), f"#{value}"))
        else:
            label = {**_FIXED_VALUES, "why": listing.REASONS, "held": listing.HELD}.get(name, {}).get(value, value)
        found.append(Chip(f"{_LABELS[name]}: {label}", chosen.without(name, value).as_pairs()))
    return found


def _short(identifier: str) -> str:
    return identifier.rsplit(".", 1)[-1]
