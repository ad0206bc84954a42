"""Telling Admins how much of the month's money for AI providers is used."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

import orgs.selectors
from providers.models import Budget, BudgetMonth
from tenancy.models import Organization
from tenancy.scope import current_organization_id

WHAT_NOW = {
    True: "Findings that need a model are not analysed until the budget is raised or the month ends; each says so. "
    "Built-in writes the guidance meanwhile.",
    False: "Nothing is stopped yet. At 100 % findings that need a model wait until the budget is raised or the month "
    "ends.",
}


def mail_budget_alert(*, month: datetime.date, threshold: int) -> None:
    """Write to every Admin that a threshold of the month's budget was passed; nobody, where it holds no more."""
    with transaction.atomic():
        organization = Organization.objects.get(pk=current_organization_id())
        budget = Budget.objects.first()
        row = BudgetMonth.objects.filter(month=month).first()
        admins = orgs.selectors.emails_of_admins()
    if budget is None or budget.monthly_limit is None or row is None or not admins:
        return
    is_used_up = threshold >= 100  # noqa: PLR2004  (percent)
    subject = (
        f"{organization.name}: the budget for AI providers is used up"
        if is_used_up
        else f"{organization.name}: {threshold} % of the budget for AI providers is used"
    )
    text = (
        f"{organization.name} has spent US$ {row.spent:.2f} of US$ {budget.monthly_limit:.2f} in {month:%B %Y}.\n\n"
        f"{WHAT_NOW[is_used_up]}\n\n"
        f"Usage and budget: {settings.PUBLIC_URL}/orgs/{organization.slug}/settings/usage/\n"
    )
    # One message each, so that nobody's address is shown to the others.
    for address in admins:
        EmailMessage(subject=subject, body=text, to=[address]).send()
