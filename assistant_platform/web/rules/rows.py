"""What a row of the rules list shows, and the values it can be filtered by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import rules.selectors
import triage.selectors
from assistant_platform.web.facets import Chip, Facet, Option
from findings import of_rules
from findings.of_rules import NO_FINDINGS, Numbers
from rules import listing
from rules.listing import RuleFilter
from rules.models import Delivery, Mode, Origin, Rule
from triage.selectors import Agreement

LABELS = {
    "mode": "Mode",
    "severity": "Severity",
    "delivery": "Given to semgrep ci",
    "source": "Source",
    "overridden": "In projects",
    "language": "Language",
    "label": "Label",
    "min_open": "Open findings, at least",
    "q": "Name begins with",
}
_FIXED_VALUES: dict[str, Mapping[str, str]] = {
    "mode": dict(Mode.choices),
    "severity": listing.SEVERITIES,
    "delivery": dict(Delivery.choices),
    "source": dict(Origin.choices),
    "overridden": listing.OVERRIDDEN,
}


@dataclass(frozen=True)
class RuleRow:
    """A rule in the list with its numbers; `agreement` is None where nobody said anything."""

    rule: Rule
    delivery: Delivery
    numbers: Numbers
    agreement: Agreement | None
    override_count: int


def rows_of(found: Sequence[Rule], *, project_ids: Iterable[int] | None) -> list[RuleRow]:
    """Return the rows of rules that have `delivery_state`, counting what `project_ids` hold (None: all)."""
    ids = [rule.pk for rule in found]
    numbers = of_rules.numbers_of(ids, project_ids=project_ids)
    agreement = triage.selectors.agreement_by_rule(ids, project_ids=project_ids)
    overrides = rules.selectors.override_counts(ids, project_ids=project_ids)
    return [
        RuleRow(
            rule=rule,
            delivery=Delivery(vars(rule)["delivery_state"]),
            numbers=numbers.get(rule.pk, NO_FINDINGS),
            agreement=agreement.get(rule.pk),
            override_count=overrides.get(rule.pk, 0),
        )
        for rule in found
    ]


def facets(chosen: RuleFilter) -> list[Facet]:
    """Return what the list can be filtered by, in the order of the page."""
    values = {
        **_FIXED_VALUES,
        "language": {name: name for name in [*listing.languages(), *chosen.language]},
        "label": {name: name for name in [*listing.labels(), *chosen.label]},
    }
    return [
        Facet(
            name,
            LABELS[name],
            tuple(Option(value, label, value in getattr(chosen, name), None) for value, label in options.items()),
        )
        for name, options in values.items()
        if options
    ]


def chips(chosen: RuleFilter) -> list[Chip]:
    """Return what is chosen, each with the filter without it."""
    return [
        Chip(f"{LABELS[name]}: {_FIXED_VALUES.get(name, {}).get(value, value)}", chosen.without(name, value).as_pairs())
        for name, value in chosen.as_pairs()
    ]
