"""Making a GitHub App: our manifest goes to GitHub with the browser, and a code comes back with it.

The code is taken only in the session that sent the manifest, for the organization that it was sent for, and once.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

import scm.selectors
import scm.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.code_hosts.base import to_host
from assistant_platform.web.settings.code_hosts.forms import HostForm
from orgs.permissions import Permission
from scm.drafts import HostRefused, place_of
from scm.models import HostKind

SENT = "code_host_apps"  # in the session: what was sent, by state
MOST_SENT = 5
# GitHub's codes work for an hour.
LONGEST_SECONDS = 3600
CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")
NOT_OURS = (
    "This answer of GitHub belongs to no App that was begun here, or came twice. Nothing was saved. If GitHub has made"
    " an App, delete it there and begin again, or enter it as an App that you have."
)


def offer(request: OrgRequest, form: HostForm) -> HttpResponse:
    """Show what the App is to be, and the button that takes it to GitHub. Raise HostRefused."""
    place = place_of(form.draft_of_place())
    state, hook_key = secrets.token_urlsafe(32), scm.services.new_hook_key()
    sent: dict[str, Any] = request.session.get(SENT, {})
    sent[state] = {
        "organization": request.member.organization_id,
        "at": int(time.time()),
        "hook_key": hook_key,
        "base_url": place.base_url,
        "proxy_url": place.proxy_url,
        "ca_bundle": place.ca_bundle,
    }
    request.session[SENT] = dict(list(sent.items())[-MOST_SENT:])
    manifest = scm.services.app_manifest(
        name=form.cleaned_data["app_name"],
        hook_url=scm.selectors.hook_url_of(HostKind.GITHUB, hook_key),
        redirect_url=_address(request, "settings-code-hosts-app-made"),
        setup_url=_address(request, "settings-code-hosts-app-installed"),
    )
    account = form.cleaned_data["account"]
    address = scm.services.app_form_address(place.base_url, organization=account)
    context = {
        "name": form.cleaned_data["app_name"],
        "account": account,
        "place": place,
        "address": f"{address}?{urlencode({'state': state})}",
        "manifest": json.dumps(manifest),
        "permissions": manifest.get("default_permissions", {}),
        "events": manifest.get("default_events", []),
    }
    with transaction.atomic():
        response = render(request, "settings/code_hosts/app.html", context)
    # The one form of ours that leads elsewhere.
    parts = urlsplit(place.base_url)
    response._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]  # django-csp reads it
    return response


@require_safe
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
@sensitive_variables()
def app_made(request: OrgRequest) -> HttpResponse:
    """Take over the App that GitHub has made of our manifest."""
    sent = _sent_with(request, request.GET.get("state", ""))
    code = request.GET.get("code", "")
    if sent is None or not CODE.fullmatch(code):
        messages.error(request, NOT_OURS)
        return redirect("settings-code-hosts", slug=request.member.organization.slug)
    try:
        host = scm.services.save_created_app(
            base_url=sent["base_url"],
            proxy_url=sent["proxy_url"],
            ca_bundle=sent["ca_bundle"],
            hook_key=sent["hook_key"],
            code=code,
            actor=request.actor,
        )
    except HostRefused as refused:
        messages.error(request, f"GitHub's App could not be taken over: {refused}")
        return redirect("settings-code-hosts", slug=request.member.organization.slug)
    messages.success(request, "The App is made. Install it now where your repositories are.")
    return to_host(request, host)


@require_safe
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def app_installed(request: OrgRequest) -> HttpResponse:
    """Look where our Apps are installed, as GitHub itself says: what the browser brings back from there is not read."""
    with transaction.atomic():
        apps = list(scm.selectors.code_hosts().filter(is_app=True))
    for host in apps:
        if problem := scm.services.check_host(host=host):
            messages.error(request, f"{host}: {problem}")
    slug = request.member.organization.slug
    if len(apps) == 1:
        return redirect("settings-code-hosts-repositories", slug=slug, host_id=apps[0].pk)
    return redirect("settings-code-hosts", slug=slug)


def _address(request: OrgRequest, name: str) -> str:
    """Return one of our addresses as GitHub is to know it, whatever host this request came by."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(name, kwargs={"slug": request.member.organization.slug})


def _sent_with(request: OrgRequest, state: str) -> dict[str, Any] | None:
    """Return what was sent with a state and forget it; None where it was not sent here, or too long ago."""
    pending: dict[str, Any] = request.session.get(SENT, {})
    sent: dict[str, Any] | None = pending.get(state)
    if sent is None or sent["organization"] != request.member.organization_id:
        return None
    del pending[state]
    request.session[SENT] = pending
    request.session.save()  # before anybody is asked, so that the same answer again is known as such
    return sent if time.time() - sent["at"] < LONGEST_SECONDS else None
