"""How long texts may be kept at most: the operator shortens it at once, and lengthens it only after telling Admins."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import timezone

from events.kinds import SYSTEM, Kind
from events.services import record, result_of_job
from lib.failures import TemporaryFailure
from orgs.models import RetentionLimit
from orgs.selectors import assistant_settings, emails_of_admins, longer_retention_announced
from tenancy.models import Organization
from tenancy.scope import current_organization_id

NOTICE = timedelta(days=30)


def follow_operator() -> None:
    """Bring the organization's limit in line with the operator's: shorter at once, longer after the notice is over."""
    wanted: int = settings.RETENTION_MAX_DAYS
    with result_of_job():
        RetentionLimit.objects.bulk_create([RetentionLimit(days=wanted)], ignore_conflicts=True)
        limit = RetentionLimit.objects.select_for_update().get()
        if wanted <= limit.days:
            limit.days, limit.announced_days, limit.in_force_from = wanted, None, None
        elif limit.announced_days != wanted:
            limit.announced_days, limit.in_force_from = wanted, timezone.now() + NOTICE
            record(
                Kind.RETENTION_ANNOUNCED,
                actor=SYSTEM,
                days_now=limit.days,
                days=wanted,
                from_day=f"{limit.in_force_from:%Y-%m-%d}",
            )
        elif limit.in_force_from is not None and limit.in_force_from <= timezone.now():
            limit.days, limit.announced_days, limit.in_force_from = wanted, None, None
        limit.save()


def mail_admins_about_longer_retention() -> None:
    """Write to every Admin which longer limit will hold, from when on, and what to do; nothing where it was taken back.

    Raises TemporaryFailure where the mail could not be handed over.
    """
    with transaction.atomic():
        limit = longer_retention_announced()
        recipients = emails_of_admins()
        organization = Organization.objects.get(pk=current_organization_id())
        chosen = assistant_settings().retention_days
    if limit is None or not recipients:
        return
    address = f"{settings.PUBLIC_URL.rstrip('/')}/orgs/{organization.slug}/settings/prompts/"
    text = (
        f"Whoever runs this server has raised how long it may keep prompts, answers, uploaded code and reports:\n"
        f"from {limit.days} to {limit.announced_days} days. For {organization.name} this holds from"
        f" {limit.in_force_from:%d %B %Y} (UTC) on, not earlier.\n\n"
        f"{organization.name} has chosen to keep them {chosen} days, so from then on they are kept"
        f" {min(chosen, limit.announced_days or 0)} days.\n"
        f"To keep them for a shorter time, choose it here before that day: {address}\n"
    )
    subject = (
        f"{organization.name}: texts may be kept up to {limit.announced_days} days from {limit.in_force_from:%d %B}"
    )
    try:
        with get_connection() as mail:
            for address_of_admin in recipients:  # one message each: nobody's address is shown to the others
                EmailMessage(subject, text, to=[address_of_admin], connection=mail).send()
    except OSError as error:  # also what smtplib raises
        raise TemporaryFailure(f"the mail could not be handed over: {error}") from error
