"""Settings > Single sign-on: the e-mail domains of an organization."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

import orgs.sign_on.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.sign_on import render_page
from orgs.models import SignOn, SignOnDomain
from orgs.permissions import Permission
from orgs.sign_on.domains import NoAnswer, record_name, texts_at
from orgs.sign_on.services import NotPossible

LONGEST_TYPED = 300


@require_POST
@org_page(Permission.SIGN_ON_MANAGE)
def add_domain(request: OrgRequest) -> HttpResponse:
    """Claim a domain."""
    typed = request.POST.get("domain", "")[:LONGEST_TYPED]
    first = SignOn.objects.order_by("name", "pk").first()
    try:
        domain = orgs.sign_on.services.claim_domain(typed=typed, sign_on=first, actor=request.actor)
    except ValidationError as error:
        return render_page(request, typed_domain=typed, problem=" ".join(error.messages), status=422)
    messages.success(request, f"{domain.domain} is in the list. Set its TXT record, then check it.")
    return _back(request)


@require_POST
@org_page(Permission.SIGN_ON_MANAGE, waits_for_network=True)
def check(request: OrgRequest, domain_id: int) -> HttpResponse:
    """Ask the name servers for a domain's TXT record."""
    with transaction.atomic():
        domain = get_object_or_404(SignOnDomain.objects.all(), pk=domain_id)
    if domain.proved_at is not None:
        messages.success(request, f"{domain.domain} is proved already.")
        return _back(request)
    try:
        texts = texts_at(record_name(domain.domain))
        is_proved = orgs.sign_on.services.note_check(domain=domain, texts=texts, actor=request.actor)
    except (NoAnswer, NotPossible) as error:
        messages.error(request, str(error))
        return _back(request)
    if is_proved:
        messages.success(request, f"{domain.domain} is proved. The TXT record may be removed.")
    elif texts:
        messages.error(
            request, f"{record_name(domain.domain)} says something else. It must be exactly the value shown."
        )
    else:
        messages.error(
            request,
            f"There is no TXT record at {record_name(domain.domain)} yet. It can take an hour until it is seen.",
        )
    return _back(request)


@require_POST
@org_page(Permission.SIGN_ON_MANAGE)
def lead(request: OrgRequest, domain_id: int) -> HttpResponse:
    """Choose the identity provider of a domain."""
    domain = get_object_or_404(SignOnDomain.objects.all(), pk=domain_id)
    chosen = request.POST.get("sign_on", "")
    sign_on = SignOn.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
    orgs.sign_on.services.lead_domain(domain=domain, sign_on=sign_on, actor=request.actor)
    messages.success(request, f"{domain.domain} is led to {sign_on.name}." if sign_on else "Led nowhere.")
    return _back(request)


@require_POST
@org_page(Permission.SIGN_ON_MANAGE)
def remove(request: OrgRequest, domain_id: int) -> HttpResponse:
    """Give a domain up."""
    domain = get_object_or_404(SignOnDomain.objects.all(), pk=domain_id)
    name = domain.domain
    orgs.sign_on.services.remove_domain(domain=domain, actor=request.actor)
    messages.success(request, f"{name} is removed. Its people sign in as before.")
    return _back(request)


def _back(request: OrgRequest) -> HttpResponse:
    return redirect("settings-sign-on", slug=request.member.organization.slug)
