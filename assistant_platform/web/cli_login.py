"""`semgrep login`: the client opens this page with a key of its own, and fetches the token that an Admin leaves it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

import orgs.selectors
import orgs.services
from assistant_platform.cli_tokens import WAIT_SECONDS, is_key, leave
from assistant_platform.web.base import lacks_second_factor, to_second_factor
from orgs.permissions import Permission, Scope, roles_with
from orgs.services import actor_of
from tenancy.scope import acting_for


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cli_login(request: HttpRequest) -> HttpResponse:
    """Ask for which organization the waiting client gets a token, and leave it for the client to fetch."""
    assert request.user.is_authenticated
    key = request.POST.get("cli-token") or request.GET.get("cli-token", "")
    able = [member for member in orgs.selectors.memberships_of(request.user.pk) if member.may(Permission.TOKENS_MANAGE)]
    context = {
        "key": key if is_key(key) else "",
        "memberships_able": able,
        "roles": roles_with(Permission.TOKENS_MANAGE),
        "minutes": WAIT_SECONDS // 60,
    }
    if request.method == "POST" and is_key(key):
        chosen = next((m for m in able if m.organization.slug == request.POST.get("organization")), None)
        if chosen is None:
            return render(request, "account/cli_login.html", {**context, "refused": True}, status=403)
        if lacks_second_factor(chosen, request.user):
            return to_second_factor(request, chosen)
        with acting_for(chosen.organization_id):
            _, value = orgs.services.create_token(
                name="semgrep login", scopes=[Scope.CI], created_by=request.user, actor=actor_of(request.user)
            )
        try:
            leave(key, value)
        except RedisError:
            return render(request, "account/cli_login.html", {**context, "unreachable": True}, status=503)
        messages.success(request, "The client fetches its token now. You can close this page.")
        return redirect("findings", slug=chosen.organization.slug)
    return render(request, "account/cli_login.html", context, status=200 if is_key(key) else 400)
