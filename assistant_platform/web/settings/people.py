"""People: members with their roles, and invitations."""

from __future__ import annotations

from django.conf import settings as platform
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

import orgs.joining
import orgs.membership
import orgs.selectors
from assistant_platform.web.account_forms import InvitationsForm
from assistant_platform.web.base import OrgRequest, org_page
from orgs.membership import Refused
from orgs.models import Invitation, Membership
from orgs.permissions import PERMISSIONS_OF_ROLE, Permission, Role, roles_given_by, roles_with

# What each role adds to the one before it, in the words of the page.
MEANINGS = {
    Role.READ_ONLY: "Sees findings, projects and scans.",
    Role.MEMBER: "Also triages findings, has them analysed and uploads scans.",
    Role.MANAGER: "Also manages projects and teams, and invites people up to Manager.",
    Role.ADMIN: "Also changes roles, settings, tokens and the AI provider, and reads prompts and the audit log.",
}
assert set(MEANINGS) == set(PERMISSIONS_OF_ROLE)


@require_safe
@org_page(Permission.PEOPLE_INVITE)
def people_page(request: OrgRequest) -> HttpResponse:
    """Show the members and the open invitations."""
    return _render(request, _form(request))


@require_POST
@org_page(Permission.PEOPLE_INVITE)
def invite(request: OrgRequest) -> HttpResponse:
    """Invite up to twenty addresses; those that cannot be invited stay in the form, each with its reason."""
    form = _form(request, sent=True)
    if not form.is_valid():
        return _render(request, form, status=422)
    try:
        result = orgs.joining.invite(
            addresses=form.cleaned_data["addresses"],
            role=Role(form.cleaned_data["role"]),
            by=request.member,
            actor=request.actor,
        )
    except Refused as refusal:
        form.add_error("addresses", str(refusal))
        return _render(request, form, status=422)
    if result.invitations:
        messages.success(request, f"Invited: {', '.join(invitation.email for invitation in result.invitations)}.")
    if not result.problems:
        return redirect("settings-people", slug=request.member.organization.slug)
    remaining = InvitationsForm(
        initial={"addresses": "\n".join(result.problems), "role": form.cleaned_data["role"]}, roles=_roles(request)
    )
    return _render(request, remaining, problems=result.problems, status=422)


@require_POST
@org_page(Permission.PEOPLE_INVITE)
def send_again(request: OrgRequest, invitation_id: int) -> HttpResponse:
    """Send an invitation again."""
    invitation = get_object_or_404(Invitation.objects, pk=invitation_id)
    try:
        orgs.joining.send_again(invitation=invitation, by=request.member, actor=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{invitation.email} gets a new link; the old one has ended.")
    return redirect("settings-people", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.PEOPLE_INVITE)
def revoke(request: OrgRequest, invitation_id: int) -> HttpResponse:
    """Revoke an invitation."""
    invitation = get_object_or_404(Invitation.objects, pk=invitation_id)
    try:
        orgs.joining.revoke(invitation=invitation, by=request.member, actor=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The invitation of {invitation.email} is revoked; its link has ended.")
    return redirect("settings-people", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.PEOPLE_MANAGE)
def change_role(request: OrgRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    membership = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
    wanted = request.POST.get("role", "")
    if wanted not in Role.values:
        messages.error(request, "Choose one of the roles.")
        return redirect("settings-people", slug=request.member.organization.slug)
    try:
        orgs.membership.change_role(membership=membership, role=Role(wanted), by=request.member, actor=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{membership.user.email} is {Role(wanted).label} now.")
    return redirect("settings-people", slug=request.member.organization.slug)


@require_POST
@org_page(Permission.PEOPLE_MANAGE)
def remove(request: OrgRequest, membership_id: int) -> HttpResponse:
    """Take a member out of the organization."""
    membership = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
    try:
        orgs.membership.remove_member(membership=membership, by=request.member, actor=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{membership.user.email} is not in {request.member.organization.name} any more.")
    return redirect("settings-people", slug=request.member.organization.slug)


def _form(request: OrgRequest, *, sent: bool = False) -> InvitationsForm:
    return InvitationsForm(request.POST if sent else None, roles=_roles(request), initial={"role": Role.MEMBER})


def _roles(request: OrgRequest) -> list[tuple[str, str]]:
    return [(role.value, role.label) for role in roles_given_by(request.member.role)]


def _render(
    request: OrgRequest, form: InvitationsForm, *, problems: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "problems": problems or {},
        "members": orgs.selectors.members(),
        "invitations": [
            (invitation, Role(invitation.role) in roles_given_by(request.member.role))
            for invitation in orgs.selectors.invitations()
        ],
        "roles": [(role.value, role.label, MEANINGS[role]) for role in Role],
        "who_manages": roles_with(Permission.PEOPLE_MANAGE),
        "is_mail_set_up": platform.IS_MAIL_SET_UP,
    }
    return render(request, "settings/people.html", context, status=status)
