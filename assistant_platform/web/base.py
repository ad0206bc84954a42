"""How a page begins: who asks, in which organization, and whether they may. Every page goes through here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, cast

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

import orgs.selectors
from events.kinds import Actor
from orgs.models import Membership
from orgs.permissions import PERMISSIONS_OF_ROLE, Permission, roles_with
from orgs.services import actor_of
from tenancy.scope import acting_for

P = ParamSpec("P")


class OrgRequest(HttpRequest):
    """A request for an organization's page, by one of its members."""

    user: User
    member: Membership
    memberships: list[Membership]  # of all organizations, for the switcher
    actor: Actor


class OrgPage(Protocol):
    """A page that has said which permission it needs."""

    permission: Permission

    def __call__(self, request: HttpRequest, /, slug: str, **arguments: object) -> HttpResponseBase:
        """Answer the request."""


def org_page(
    permission: Permission, *, waits_for_network: bool = False
) -> Callable[[Callable[Concatenate[OrgRequest, P], HttpResponseBase]], OrgPage]:
    """Make a view a page of the organization in its address, for members with a permission.

    A stranger gets the same 404 as for an organization that is not there. The view runs in the organization's scope
    and in one transaction, so it reads, renders and never waits for a network. One that `waits_for_network` opens its
    own short transactions, before and after.
    """

    def declare(view: Callable[Concatenate[OrgRequest, P], HttpResponseBase]) -> OrgPage:
        @wraps(view)
        def answer(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            own = enter(request, slug)
            if lacks_second_factor(own.member, own.user):
                return to_second_factor(request, own.member)
            if not own.member.may(permission):
                return refuse(own, permission)
            whole = nullcontext() if waits_for_network else transaction.atomic()
            with acting_for(own.member.organization_id), whole:
                return view(own, *args, **kwargs)

        page = cast(OrgPage, answer)
        page.permission = permission
        return page

    return declare


def enter(request: HttpRequest, slug: str) -> OrgRequest:
    """Return the request with the person's membership in the organization of an address; 404 for a stranger."""
    own = cast(OrgRequest, request)
    # One read gives the membership and what the switcher in the header lists.
    own.memberships = orgs.selectors.memberships_of(own.user.pk)
    member = next((entry for entry in own.memberships if entry.organization.slug == slug), None)
    if member is None:
        raise Http404
    own.member, own.actor = member, actor_of(own.user)
    return own


def refuse(request: OrgRequest, permission: Permission) -> HttpResponse:
    """Answer that the person's role does not allow it, and which roles do."""
    context = {
        "permission": permission.label,
        "roles": roles_with(permission),
        "role": request.member.get_role_display(),
        "is_limited": permission in PERMISSIONS_OF_ROLE[request.member.role],
    }
    return render(request, "403.html", context, status=403)


def lacks_second_factor(member: Membership, user: AbstractBaseUser) -> bool:
    """Tell whether the organization asks for a second factor that a person does not have yet."""
    return member.organization.requires_second_factor and not orgs.selectors.has_second_factor(user)


def to_second_factor(request: HttpRequest, member: Membership) -> HttpResponse:
    """Send a person to where they set one up, and say who asks for it."""
    name = member.organization.name
    messages.warning(
        request, f"{name} asks its people for a second factor. Set up an authenticator app or a passkey, then go back."
    )
    address = reverse("mfa_index")
    return HttpResponseClientRedirect(address) if getattr(request, "htmx", False) else redirect(address)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    response = redirect_to_login(request.get_full_path())
    if getattr(request, "htmx", False):
        # A fragment would swallow the sign-in page; the whole window goes there instead.
        return HttpResponseClientRedirect(response.url)
    return response
