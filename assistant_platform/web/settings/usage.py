"""What the AI provider costs: the month against its budget, where it goes, prices, a table to take along."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

import providers.budget
import triage.selectors
import triage.services
from assistant_platform.web.base import OrgRequest, org_page
from orgs.permissions import Permission
from providers import prices, usage

# Characters with which a spreadsheet would begin a formula.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class BudgetForm(forms.Form):
    """What may be spent in a month."""

    monthly_limit = forms.DecimalField(
        label="Budget for a calendar month, in US dollars",
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=2,
        help_text="Empty: no limit. 0: nothing is asked that costs money.",
    )


@require_safe
@org_page(Permission.USAGE_VIEW)
def usage_page(request: OrgRequest) -> HttpResponse:
    """Show what was spent, on what, and what is left."""
    month = usage.month_now()
    form = BudgetForm(initial={"monthly_limit": month.monthly_limit})
    return _render(request, form)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def save_budget(request: OrgRequest) -> HttpResponse:
    """Change the month's budget."""
    form = BudgetForm(request.POST)
    if not form.is_valid():
        return _render(request, form, status=422)
    limit = form.cleaned_data["monthly_limit"]
    providers.budget.set_monthly_limit(limit, actor=request.actor)
    messages.success(request, "No limit any more." if limit is None else f"The budget is US$ {limit:,.2f} a month now.")
    return redirect("settings-usage", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.PROVIDER_MANAGE)
def resume(request: OrgRequest) -> HttpResponse:
    """Have what the budget stopped analysed after all."""
    count = triage.services.resume_stopped(actor=request.actor)
    if count:
        messages.success(request, f"{count} finding{'s are' if count > 1 else ' is'} put up for analysis again.")
    else:
        messages.info(request, "Nothing is stopped by budget.")
    return redirect("settings-usage", slug=request.member.organization.slug)


@require_safe
@org_page(Permission.USAGE_VIEW)
def usage_csv(request: OrgRequest) -> HttpResponse:
    """Answer a period's usage as a table, a line for each day, step, model and project."""
    period = usage.period_named(request.GET.get("period", ""))
    name = f"usage-{request.member.organization.slug}-{period.first}-{period.last}.csv"
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
    table = csv.writer(response)
    table.writerow(usage.EXPORTED)
    for row in usage.rows_for_export(period):
        table.writerow([_inert(value) for value in row])
    return response


def _inert(value: object) -> object:
    """Keep a name from being read as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS_FORMULA) else value


def _render(request: OrgRequest, form: BudgetForm, *, status: int = 200) -> HttpResponse:
    chosen = request.GET.get("period", "")
    chosen = chosen if chosen in usage.PERIODS else "month"
    found = usage.usage_in(usage.period_named(chosen))
    as_of, _ = prices.shipped()
    context = {
        "month": usage.month_now(),
        "form": form,
        "period": chosen,
        "periods": usage.PERIODS,
        "usage": found,
        "breakdowns": [("Step", found.steps), ("Model", found.models), ("Project", found.projects)],
        "chart": json.dumps([[line.label, float(line.cost), line.asked] for line in found.days]),
        "stopped": triage.selectors.stopped_by_budget().count(),
        "estimates": [(step.label, usage.estimate([step], 1)) for step in usage.ESTIMATED_STEPS],
        "hundred": usage.estimate(usage.ESTIMATED_STEPS, 100),
        "prices": usage.prices_in_use(),
        "prices_as_of": as_of,
        "is_own_list": bool(prices.kept()),
        "assumed_input": prices.ASSUMED_INPUT,
        "assumed_output": prices.ASSUMED_OUTPUT,
    }
    return render(request, "settings/usage.html", context, status=status)
