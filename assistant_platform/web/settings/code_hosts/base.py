"""What the pages of code hosts share."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

import scm.selectors
from assistant_platform.web.base import OrgRequest
from scm.models import CodeHost


def host_or_404(host_id: int) -> CodeHost:
    """Return a code host of the organization."""
    found = scm.selectors.code_hosts().filter(pk=host_id).first()
    if found is None:
        raise Http404
    return found


def to_host(request: OrgRequest, host: CodeHost) -> HttpResponse:
    """Go to a host's page."""
    return redirect("settings-code-hosts-host", slug=request.member.organization.slug, host_id=host.pk)


def tell_what_is_missing(request: OrgRequest, host: CodeHost, well: str) -> None:
    """Say that a host lets us in, and what we may not do there."""
    missing = [check for check in host.checks if check["granted"] is False]
    if not missing:
        messages.success(request, well)
        return
    lacking = "; ".join(f"{check['name']} ({check['needed_for']})" for check in missing)
    messages.warning(request, f"{well} Missing there: {lacking}.")
