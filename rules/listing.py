"""The list of rules: what it is filtered by, and its pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

from django.db.models import Case, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value, When

from rules.models import Delivery, Mode, Origin, Rule, RuleOverride, Severity

PAGE_SIZE = 50
VALUES_AT_MOST = 30
OFFERED_AT_MOST = 60

SEVERITIES = {severity.label.lower(): severity.label for severity in reversed(Severity)}
_SEVERITY_OF_WORD = {severity.label.lower(): severity for severity in Severity}
OVERRIDDEN = {"yes": "A project differs"}


class Parameters(Protocol):
    """A query string, as Django's QueryDict reads it."""

    def getlist(self, key: str, /) -> list[str]:
        """Return every value given under a name."""


@dataclass(frozen=True)
class RuleFilter:
    """Which rules are shown; an empty field filters nothing. The fields are the names in the query string."""

    mode: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    delivery: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    min_open: tuple[str, ...] = ()
    q: tuple[str, ...] = ()

    @classmethod
    def parse(cls, parameters: Parameters) -> Self:
        """Return the filter of a query string; values that cannot be meant are left out."""
        return cls(
            **{
                name: tuple(sorted({value for value in map(str.strip, parameters.getlist(name)) if accepts(value)}))[
                    : 1 if name in _SINGLE else VALUES_AT_MOST
                ]
                for name, accepts in _ACCEPTED.items()
            }
        )

    def as_pairs(self) -> list[tuple[str, str]]:
        """Return the filter as names and values of a query string."""
        return [(field.name, value) for field in fields(self) for value in getattr(self, field.name)]

    def without(self, name: str, value: str) -> Self:
        """Return the filter without one value of a field."""
        return replace(self, **{name: tuple(entry for entry in getattr(self, name) if entry != value)})

    @property
    def least_open(self) -> int:
        """How many open findings a rule must have to be shown."""
        return int(self.min_open[0]) if self.min_open else 0


def _is_word(most: int) -> Callable[[str], bool]:
    return lambda value: 0 < len(value) <= most and value.isprintable()


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0  # noqa: PLR2004  (fits an int)


_SINGLE = {"q", "min_open"}
_ACCEPTED: dict[str, Callable[[str], bool]] = {
    "mode": Mode.values.__contains__,
    "severity": SEVERITIES.__contains__,
    "delivery": Delivery.values.__contains__,
    "source": Origin.values.__contains__,
    "overridden": OVERRIDDEN.__contains__,
    "language": _is_word(30),
    "label": _is_word(40),
    "min_open": _is_number,
    "q": _is_word(200),
}


def matching(
    chosen: RuleFilter, *, open_by_rule: Callable[[], Mapping[int, int]], project_ids: Iterable[int] | None = None
) -> QuerySet[Rule]:
    """Return the rules that a filter shows, in no order.

    `open_by_rule` gives the number of open findings by the rule's id, and is asked only where the filter needs it.
    `project_ids` are those whose own modes may be told of, None all.
    """
    found = Rule.objects.all()
    if chosen.mode:
        found = found.filter(mode__in=chosen.mode)
    if chosen.severity:
        found = found.filter(severity__in=[_SEVERITY_OF_WORD[word].value for word in chosen.severity])
    if chosen.source:
        found = found.filter(origin__in=chosen.source)
    if chosen.language:
        found = found.filter(languages__overlap=list(chosen.language))
    if chosen.label:
        found = found.filter(labels__overlap=list(chosen.label))
    if chosen.overridden:
        own = RuleOverride.objects.filter(rule=OuterRef("pk"))
        found = found.filter(Exists(own if project_ids is None else own.filter(project__in=list(project_ids))))
    if chosen.delivery:
        found = found.filter(_any_of([_DELIVERED[Delivery(value)] for value in chosen.delivery]))
    if chosen.least_open:
        numbers = open_by_rule()
        found = found.filter(pk__in=[rule_id for rule_id, count in numbers.items() if count >= chosen.least_open])
    if chosen.q:
        found = found.filter(_begins_with(chosen.q[0]))
    return found


_ACTIVE = ~Q(mode=Mode.DISABLED)
_DELIVERED = {
    Delivery.DISABLED: Q(mode=Mode.DISABLED),
    Delivery.NO_TEXT: _ACTIVE & Q(yaml=""),
    Delivery.DELIVERED: _ACTIVE & ~Q(yaml="") & ~Q(delivered="") & Q(objection=""),
    Delivery.EARLIER: _ACTIVE & ~Q(yaml="") & ~Q(delivered="") & ~Q(objection=""),
    Delivery.REFUSED: _ACTIVE & ~Q(yaml="") & Q(delivered="") & ~Q(objection=""),
    Delivery.WAITING: _ACTIVE & ~Q(yaml="") & Q(delivered="") & Q(objection=""),
}


def _any_of(conditions: list[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _begins_with(text: str) -> Q:
    # The name is the identifier's last part.
    return Q(identifier__istartswith=text) | Q(identifier__iregex=rf"\.{re.escape(text)}[^.]*$")


def with_delivery(found: QuerySet[Rule]) -> QuerySet[Rule]:
    """Return rules with `delivery_state`: whether `semgrep ci` is given each, in the organization's own mode."""
    states = [When(condition, then=Value(state.value)) for state, condition in _DELIVERED.items()]
    return found.annotate(delivery_state=Case(*states, default=Value(""), output_field=CharField()))


def languages() -> list[str]:
    """Return the languages that rules are for, by name."""
    return _distinct("languages")


def labels() -> list[str]:
    """Return the labels that rules have, by name."""
    return _distinct("labels")


def _distinct(column: str) -> list[str]:
    each = Rule.objects.annotate(entry=Func(F(column), function="unnest", output_field=CharField()))
    return list(each.values_list("entry", flat=True).distinct().order_by("entry")[:OFFERED_AT_MOST])


@dataclass(frozen=True)
class Page:
    """Some rules in the order of their identifiers, with where the neighbouring pages begin (empty: there is none)."""

    rules: list[Rule]
    next_after: str
    previous_before: str


def page(found: QuerySet[Rule], *, after: str = "", before: str = "") -> Page:
    """Return one page of rules; it begins behind an identifier (or ends before one), so each page costs the same."""
    rows = with_delivery(found.defer("yaml", "delivered", "message", "objection"))
    if before:
        ahead = list(rows.filter(identifier__lt=before).order_by("-identifier")[: PAGE_SIZE + 1])
        rules = ahead[:PAGE_SIZE][::-1]
        return _page(rules, has_next=bool(rules), has_previous=len(ahead) > PAGE_SIZE)
    if after:
        rows = rows.filter(identifier__gt=after)
    following = list(rows.order_by("identifier")[: PAGE_SIZE + 1])
    return _page(following[:PAGE_SIZE], has_next=len(following) > PAGE_SIZE, has_previous=bool(after))


def _page(rules: list[Rule], *, has_next: bool, has_previous: bool) -> Page:
    return Page(
        rules=rules,
        next_after=rules[-1].identifier if rules and has_next else "",
        previous_before=rules[0].identifier if rules and has_previous else "",
    )
