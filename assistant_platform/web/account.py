"""A person's own pages beside django-allauth's: profile, organizations, a new organization, an invitation's page."""

from __future__ import annotations

import allauth.account.views as account_views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

import notifications.weekly
import orgs.joining
import orgs.membership
import orgs.selectors
import orgs.services
from assistant_platform.web.account_forms import NewOrganizationForm, ProfileForm, time_zones
from assistant_platform.web.accounts import INVITATION_IN_SESSION, AccountAdapter, may_sign_up
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.sign_on import enforcement
from orgs.membership import Refused
from orgs.models import Invitation, Membership
from orgs.permissions import Permission
from orgs.services import actor_of
from tenancy.scope import acting_for

SLUG_TAKEN = "This name is taken. Choose another."


def may_create_organization() -> bool:
    """Tell whether people make organizations here, rather than the operator alone."""
    return bool(settings.ORGANIZATIONS_CREATED_BY == "anyone")


@require_http_methods(["GET", "POST"])
@login_required
def profile_page(request: HttpRequest) -> HttpResponse:
    """Show and save how others see the person."""
    user = request.user
    assert isinstance(user, User)
    form = ProfileForm(request.POST or None, initial={"name": user.get_full_name()})
    if form.is_valid():
        user.first_name, user.last_name = form.cleaned_data["name"], ""
        user.save(update_fields=["first_name", "last_name"])
        messages.success(request, "Saved.")
        return redirect("account_profile")
    return render(request, "account/profile.html", {"form": form}, status=422 if form.errors else 200)


@login_required
def email_page(request: HttpRequest) -> HttpResponse:
    """Show and change the person's addresses, the main one only where single sign-on leaves it to them."""
    if "action_primary" in request.POST:
        assert isinstance(request.user, User)
        try:
            enforcement.refuse_to_leave(request.user, request.POST.get("email", ""))
        except ValidationError as refusal:
            messages.error(request, refusal.message)
            return redirect("account_email")
    answer: HttpResponse = account_views.email(request)
    return answer


@login_required
def organizations_page(request: HttpRequest) -> HttpResponse:
    """Show the person's organizations, invitations into others, and the ways in and out."""
    assert isinstance(request.user, User)
    context = {
        "own_memberships": orgs.selectors.memberships_of(request.user.pk),
        "invitations": [
            (invitation, orgs.joining.token_of(invitation))
            for invitation in orgs.selectors.invitations_of(request.user)
        ],
        "may_create": may_create_organization(),
    }
    return render(request, "account/organizations.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def new_organization_page(request: HttpRequest) -> HttpResponse:
    """Make an organization, whose Admin the person then is; where only the operator may, say so."""
    if not may_create_organization():
        return render(request, "account/organization_closed.html", status=403)
    assert isinstance(request.user, User)
    form = NewOrganizationForm(request.POST or None)
    if form.is_valid():
        sent = form.cleaned_data
        try:
            with transaction.atomic():
                organization = orgs.services.create_organization(
                    slug=sent["slug"], name=sent["name"], time_zone=sent["time_zone"], admin=request.user
                )
        except IntegrityError:
            form.add_error("slug", SLUG_TAKEN)
        else:
            messages.success(request, f"{organization.name} is made. You are its Admin.")
            return redirect("findings", slug=organization.slug)
    context = {"form": form, "time_zones": time_zones()}
    return render(request, "account/organization_new.html", context, status=422 if form.errors else 200)


@require_POST
@org_page(Permission.FINDINGS_VIEW)
def leave(request: OrgRequest) -> HttpResponse:
    """Leave an organization."""
    name = request.member.organization.name
    try:
        orgs.membership.leave(membership=request.member, actor=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"You have left {name}.")
    return redirect("account_organizations")


@require_POST
@org_page(Permission.FINDINGS_VIEW)
def choose_priority_emails(request: OrgRequest) -> HttpResponse:
    """Keep whether the person gets the organization's weekly priority e-mails."""
    gets_them = request.POST.get("gets_them") == "on"
    orgs.membership.choose_priority_emails(membership=request.member, gets_them=gets_them, actor=request.actor)
    name = request.member.organization.name
    messages.success(
        request,
        f"You get the weekly priorities of {name}." if gets_them else f"No weekly priorities of {name} any more.",
    )
    return redirect("account_organizations")


@csrf_exempt  # the link is signed; a mail program's own button sends no token of ours (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to stop the weekly priority e-mails, and stop them by POST: for whoever holds a mail's link."""
    ids = notifications.weekly.organization_and_member_of(token)
    if ids is None:
        raise Http404
    organization_id, member_id = ids
    with acting_for(organization_id), transaction.atomic():
        member = Membership.objects.select_related("organization", "user").filter(pk=member_id).first()
        if member is None:
            raise Http404
        if request.method == "POST":
            orgs.membership.choose_priority_emails(membership=member, gets_them=False, actor=actor_of(member.user))
            member.gets_priority_emails = False
        # Rendered in the scope, and as for a stranger: the page shows nothing but the organization's name.
        context = {"name": member.organization.name, "gets_them": member.gets_priority_emails}
        return render(request, "account/unsubscribe.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation to whoever holds its link, and accept it by the address it belongs to."""
    invitation = orgs.selectors.invitation_by_value(token)
    if invitation is None or not invitation.is_open:
        return render(request, "account/invitation_ended.html", status=404)
    user = request.user
    if not isinstance(user, User):
        # Whoever has the link reads the mail of the address, so signing up needs no second proof.
        request.session[INVITATION_IN_SESSION] = invitation.digest
        AccountAdapter(request).stash_verified_email(request, invitation.email)
        context = {"invitation": invitation, "may_sign_up": may_sign_up(request)}
        return render(request, "account/invitation.html", context)
    if request.method == "POST":
        return _accept(request, user, invitation)
    proved = [address.lower() for address in orgs.selectors.verified_addresses(user)]
    context = {
        "invitation": invitation,
        "is_own": invitation.email in proved,
        "is_unproved": invitation.email not in proved and user.email.lower() == invitation.email,
    }
    return render(request, "account/invitation.html", context)


def _accept(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    try:
        membership = orgs.joining.accept(invitation=invitation, user=user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("account_organizations")
    request.session.pop(INVITATION_IN_SESSION, None)
    messages.success(
        request, f"You are in {invitation.organization.name} now. Your role is {membership.get_role_display()}."
    )
    return redirect("findings", slug=invitation.organization.slug)
