"""The code hosts of an organization: listed, connected, tested, changed and removed."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import scm.selectors
import scm.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.code_hosts import making_apps
from assistant_platform.web.settings.code_hosts.base import host_or_404, tell_what_is_missing, to_host
from assistant_platform.web.settings.code_hosts.forms import CHOICES, Choice, HostForm, choice_of, form_of
from orgs.permissions import Permission
from scm.certificates import certificates_in
from scm.drafts import HostRefused
from scm.models import CodeHost


@require_safe
@org_page(Permission.CODE_HOSTS_MANAGE)
def hosts_page(request: OrgRequest) -> HttpResponse:
    """List the code hosts and how they are."""
    return render(request, "settings/code_hosts/list.html", {"hosts": scm.selectors.hosts_with_counts()})


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def new_host(request: OrgRequest) -> HttpResponse:
    """Offer the ways to connect a host; with a choice made, its form; sent, prove and save it."""
    choice = CHOICES.get(request.GET.get("choice", ""))
    if choice is None:
        with transaction.atomic():
            return render(request, "settings/code_hosts/choices.html")
    if request.method != "POST":
        name = f"Assistant of {request.member.organization.name}"[:34].strip()
        return _form(request, HostForm(choice=choice, initial={"app_name": name}))
    form = HostForm(request.POST, choice=choice)
    if form.is_valid():
        try:
            return making_apps.offer(request, form) if choice.way == "app" else _connect(request, form)
        except HostRefused as refused:
            form.refuse(str(refused), field=refused.field)
    return _form(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def change_host(request: OrgRequest, host_id: int) -> HttpResponse:
    """Show how a host is reached, without its secrets; sent, prove and save it."""
    with transaction.atomic():
        host = host_or_404(host_id)
    if request.method != "POST":
        return _form(request, form_of(host))
    form = HostForm(request.POST, choice=choice_of(host), host=host)
    if form.is_valid():
        try:
            saved = scm.services.change_host(host=host, draft=form.draft(), actor=request.actor)
        except HostRefused as refused:
            form.refuse(str(refused), field=refused.field)
        else:
            tell_what_is_missing(request, saved, f"Saved: {saved} lets us in.")
            return to_host(request, saved)
    return _form(request, form, status=422)


@require_safe
@org_page(Permission.CODE_HOSTS_MANAGE)
def host_page(request: OrgRequest, host_id: int) -> HttpResponse:
    """Show a host: what we may do there, where the App is installed, and what it sends us."""
    host = host_or_404(host_id)
    context = {**_about(host), "deliveries": scm.selectors.recent_deliveries(host)}
    return render(request, "settings/code_hosts/host.html", context)


@require_POST
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def check_host(request: OrgRequest, host_id: int) -> HttpResponse:
    """Ask a host what we may do there, and say how it went."""
    with transaction.atomic():
        host = host_or_404(host_id)
    problem = scm.services.check_host(host=host)
    if problem:
        messages.error(request, f"{host}: {problem}")
    else:
        with transaction.atomic():
            tell_what_is_missing(request, host_or_404(host_id), f"{host} lets us in.")
    return to_host(request, host)


@require_POST
@never_cache
@org_page(Permission.CODE_HOSTS_MANAGE)
def renew_secret(request: OrgRequest, host_id: int) -> HttpResponse:
    """Make a new webhook secret and answer with it, here and never again."""
    host = host_or_404(host_id)
    try:
        secret = scm.services.renew_webhook_secret(host=host, actor=request.actor)
    except HostRefused as refused:
        messages.error(request, str(refused))
        return to_host(request, host)
    return render(request, "settings/code_hosts/secret.html", {**_about(host), "secret": secret, "is_renewed": True})


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def remove_host(request: OrgRequest, host_id: int) -> HttpResponse:
    """Say what changes without a host; sent, forget it."""
    with transaction.atomic():
        host = host_or_404(host_id)
        if request.method != "POST":
            return render(request, "settings/code_hosts/remove.html", _about(host))
    remaining = scm.services.remove_webhooks(host=host)
    scm.services.remove_host(host=host, actor=request.actor)
    messages.success(request, f"Removed, with its secrets: {host}.")
    if remaining:
        messages.warning(
            request,
            f"{remaining} webhooks could not be removed there. They are refused here; remove them at the host.",
        )
    return redirect("settings-code-hosts", slug=request.member.organization.slug)


@sensitive_variables()
def _connect(request: OrgRequest, form: HostForm) -> HttpResponse:
    host = scm.services.connect_host(draft=form.draft(), actor=request.actor)
    tell_what_is_missing(request, host, f"Connected: {host}, as {host.account}.")
    if host.is_app and not form.cleaned_data["webhook_secret"]:
        with transaction.atomic():
            secret = scm.services.webhook_secret_of(host)
            context = {**_about(host), "secret": secret, "is_renewed": False}
            response = render(request, "settings/code_hosts/secret.html", context)
            response["Cache-Control"] = "no-store"
            return response
    if host.is_app:
        return to_host(request, host)
    return redirect("settings-code-hosts-repositories", slug=request.member.organization.slug, host_id=host.pk)


def _form(request: OrgRequest, form: HostForm, *, status: int = 200) -> HttpResponse:
    choice: Choice = form.choice
    slug = request.member.organization.slug
    back = (
        reverse("settings-code-hosts-host", kwargs={"slug": slug, "host_id": form.host.pk})
        if form.host
        else reverse("settings-code-hosts-new", kwargs={"slug": slug})
    )
    with transaction.atomic():
        context = {"form": form, "choice": choice, "host": form.host, "back": back}
        return render(request, "settings/code_hosts/form.html", context, status=status)


def _about(host: CodeHost) -> dict[str, object]:
    return {
        "host": host,
        "hook_url": scm.selectors.hook_url(host),
        "certificates": certificates_in(host.ca_bundle),
        "installations": scm.selectors.installations_of(host),
        "install_url": scm.selectors.install_url(host),
        "repository_count": scm.selectors.repositories_on(host).count(),
        "missing_count": sum(check["granted"] is False for check in host.checks),
    }
