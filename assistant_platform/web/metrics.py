"""How good the Assistant's work is: each share with what it stands on, over time, and broken down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

import orgs.selectors
import rules.selectors
import triage.auditing
from assistant_platform import metrics
from assistant_platform.metrics import BREAKDOWNS, ENOUGH, PERIODS, Choice, Figure, Proportion, Report, Resolution
from assistant_platform.web.base import OrgRequest, org_page
from lib.intervals import Interval
from orgs.permissions import Permission

PROJECTS_OFFERED = 200
# What is drawn: the measure, and what its successes and failures are called.
DRAWN = {
    "agree_rate": ("Answers to verdicts", "Agreed", "Disagreed"),
    "comments_prevented": ("Comments held back by the noise filter", "Nobody disagreed", "Somebody disagreed"),
}
# Which list of findings a figure is about.
LISTS = {"comments_prevented": "held=yes", "fix_accept_rate": "fix=verified"}


@dataclass(frozen=True)
class Card:
    """A figure as the page shows it; `share` is empty where there is too little to say."""

    key: str
    title: str
    explanation: str
    share: str
    between: str
    counted: str
    address: str = ""


@require_safe
@org_page(Permission.FINDINGS_VIEW)
def metrics_page(request: OrgRequest) -> HttpResponse:
    """Show every figure of a period."""
    asked = {name: request.GET.get(name, "") for name in ("period", "since", "until", "project", "rule", "model")}
    try:
        choice = metrics.chosen_by(asked, viewer=request.member)
    except metrics.PeriodUnusable as problem:
        messages.error(request, str(problem))
        kept = {name: value for name, value in asked.items() if name in {"project", "rule", "model"}}
        choice = metrics.chosen_by(kept, viewer=request.member)
    breakdown = request.GET.get("by", "")
    report = metrics.report_on(choice, breakdown=breakdown if breakdown in BREAKDOWNS else "rule")
    return render(request, "metrics/metrics.html", _context(report, request))


def _context(report: Report, request: OrgRequest) -> dict[str, Any]:
    choice = report.choice
    measures = [figure for figure in report.figures if figure.total is not None]
    return {
        "choice": choice,
        "report": report,
        "cards": [*(_card(figure, choice) for figure in measures), *_missed(report)],
        "charts": [_chart(figure, report.step_days) for figure in measures if figure.measure.key in DRAWN],
        "columns": [figure.measure for figure in measures],
        "over_time": _over_time(measures),
        "times": [_times(entry, choice) for entry in report.resolutions],
        "groups": [_row(group, measures, report) for group in report.groups],
        "periods": PERIODS,
        "breakdowns": BREAKDOWNS,
        "projects": orgs.selectors.project_names(request.member, at_most=PROJECTS_OFFERED),
        "chosen_rule": rules.selectors.identifiers([choice.rule_id]).get(choice.rule_id) if choice.rule_id else "",
        "without_rule": _query(report, rule=""),
        "without_model": _query(report, model=""),
        "enough": ENOUGH,
        "waiting": (
            triage.auditing.waiting_for_check(request.member).count()
            if request.member.may(Permission.VERDICTS_AUDIT)
            else 0
        ),
    }


def _card(figure: Figure, choice: Choice) -> Card:
    total, measure = figure.total or Proportion(0, 0), figure.measure
    return Card(
        key=measure.key,
        title=measure.title,
        explanation=measure.explanation,
        share=_percent(total.share),
        between=_between(total.interval),
        counted=f"{total.successes:,} of {total.n:,} {measure.unit}",
        address=_list(choice, LISTS[measure.key]) if measure.key in LISTS else "",
    )


def _missed(report: Report) -> list[Card]:
    missed = report.missed
    if missed is None:
        return []
    return [
        Card(
            key="miss_rate",
            title="Miss rate, estimated",
            explanation="Of the true positives, so many were called false positives: what the random audit found wrong,"
            " reckoned up to every call of the period.",
            share=_percent(missed.rate),
            between=_between(missed.interval),
            counted=f"{missed.checked.successes:,} of {missed.checked.n:,} checked were wrong;"
            f" {missed.called_false:,} findings were called false positives, {missed.called_true:,} true positives",
        )
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


def _list(choice: Choice, query: str) -> str:
    """Return the query string of the findings list that a figure is about."""
    parts = QueryDict(query, mutable=True)
    if choice.project_id is not None:
        parts["project"] = str(choice.project_id)
    if choice.rule_id is not None:
        parts["rule"] = str(choice.rule_id)
    return parts.urlencode()


def _chart(figure: Figure, step_days: int) -> dict[str, str]:
    title, good, bad = DRAWN[figure.measure.key]
    shares = list(figure.over_time.values())
    drawn = {
        "kind": "stacked",
        "days": [day.isoformat() for day in figure.over_time],
        "series": [
            {"label": good, "tone": "good", "values": [share.successes for share in shares]},
            {"label": bad, "tone": "bad", "values": [share.others.successes for share in shares]},
        ],
    }
    return {
        "title": f"{title}, each {'day' if step_days == 1 else 'week'}",
        "drawn": json.dumps(drawn),
        "is_empty": "" if any(share.n for share in shares) else "yes",
    }


def _over_time(figures: list[Figure]) -> list[tuple[Any, list[Proportion]]]:
    days = list(figures[0].over_time) if figures else []
    return [(day, [figure.over_time[day] for figure in figures]) for day in days]


def _times(entry: Resolution, choice: Choice) -> dict[str, Any]:
    return {
        "how": entry.how.capitalize(),
        "with_verdict": entry.with_verdict,
        "n": entry.n,
        "median": _duration(entry.median),
        "quartiles": f"{_duration(entry.first_quartile)} to {_duration(entry.third_quartile)}" if entry.median else "",
        "between": f"{_duration(entry.low)} to {_duration(entry.high)}" if entry.median else "",
        "address": _list(choice, f"status={entry.how}"),
    }


def _duration(took: timedelta | None) -> str:
    if took is None:
        return ""
    seconds = took.total_seconds()
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            amount = f"{seconds / size:.1f}"
            return f"{amount} {name}{'' if amount == '1.0' else 's'}"
    return "under a minute"


def _row(group: metrics.Group, figures: list[Figure], report: Report) -> dict[str, Any]:
    shares = [group.shares.get(figure.measure.key) for figure in figures]
    address = "" if report.breakdown == "prompt" else _query(report, **{report.breakdown: group.value})
    in_list = _list(report.choice, "") if report.breakdown in {"rule", "project"} else None
    if in_list is not None:
        in_list = urlencode({**QueryDict(in_list).dict(), report.breakdown: group.value})
    return {
        "label": group.label or "(not known)",
        "address": address,
        "list": in_list,
        "shares": [
            None
            if share is None
            else {"share": _percent(share.share), "between": _between(share.interval), "n": share.n}
            for share in shares
        ],
    }


def _query(report: Report, **changed: str) -> str:
    """Return this page's query string with something changed; what is empty is left out."""
    choice = report.choice
    asked = {
        "period": choice.period_name,
        "by": report.breakdown,
        "project": str(choice.project_id or ""),
        "rule": str(choice.rule_id or ""),
        "model": choice.model,
    }
    if choice.period_name == "custom":
        asked |= {"since": choice.period.first.isoformat(), "until": choice.period.last.isoformat()}
    return urlencode({name: value for name, value in {**asked, **changed}.items() if value})
