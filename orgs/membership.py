"""Changing who is in an organization and in which role, by its rules."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

import orgs.selectors
from events.kinds import Actor, Kind
from events.services import record
from orgs.models import Invitation, Membership
from orgs.permissions import Role, roles_given_by

ONLY_ADMINS = "Only an Admin can do this, and you are not one any more."
OWN_ROLE = "Nobody changes their own role. Another Admin can change yours."
OWN_REMOVAL = "Nobody removes themselves. Use Leave, under your account's organizations."
LAST_ADMIN = "You are the only Admin, so you cannot leave. Make somebody else Admin first, under People."


class Refused(Exception):
    """A rule of the organization forbids it; the text says which, and who can."""


def change_role(*, membership: Membership, role: Role, by: Membership, actor: Actor) -> None:
    """Give a member another role. Raises Refused for the own role, and where `by` is no Admin."""
    with transaction.atomic():
        _require_admin(by)
        if membership.pk == by.pk:
            raise Refused(OWN_ROLE)
        current = Membership.objects.select_for_update(of=("self",)).select_related("user").get(pk=membership.pk)
        if current.role == role:
            return
        before, current.role = current.role, role.value
        current.save(update_fields=["role"])
        record(Kind.ROLE_CHANGED, actor=actor, email=current.user.email, role=role.value, before=before)
        # Who could give a role a moment ago may have given it to another address of their own.
        _end(_open_invitations().filter(invited_by=current.user).exclude(role__in=roles_given_by(role)), actor)


def remove_member(*, membership: Membership, by: Membership, actor: Actor) -> None:
    """Take a member out of the organization, and end what would let them back in: invitations to and by them.

    Raises Refused for oneself, and where `by` is no Admin.
    """
    with transaction.atomic():
        _require_admin(by)
        if membership.pk == by.pk:
            raise Refused(OWN_REMOVAL)
        record(Kind.MEMBER_REMOVED, actor=actor, email=membership.user.email, role=membership.role)
        membership.delete()
        _end(_open_invitations().filter(Q(invited_by=membership.user) | _to(membership.user)), actor)


def leave(*, membership: Membership, actor: Actor) -> None:
    """Take a person out at their own wish. Raises Refused for the last Admin."""
    with transaction.atomic():
        admins = _lock_admins()
        if admins == {membership.pk}:
            raise Refused(LAST_ADMIN)
        record(Kind.MEMBER_LEFT, actor=actor, email=membership.user.email, role=membership.role)
        membership.delete()
        _end(_open_invitations().filter(_to(membership.user)), actor)


def _open_invitations() -> QuerySet[Invitation]:
    return Invitation.objects.select_for_update().filter(accepted_at=None, revoked_at=None)


def _to(user: User) -> Q:
    """Match the invitations to any address that a person could accept them by."""
    return Q(email__in=[user.email.lower(), *(address.lower() for address in orgs.selectors.verified_addresses(user))])


def _end(invitations: QuerySet[Invitation], actor: Actor) -> None:
    for invitation in invitations.order_by("pk"):
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        record(Kind.INVITATION_REVOKED, actor=actor, email=invitation.email, role=invitation.role)


def _require_admin(by: Membership) -> None:
    # Whoever is demoted at this moment must not demote the one who does it: then nobody would be Admin.
    if by.pk not in _lock_admins():
        raise Refused(ONLY_ADMINS)


def _lock_admins() -> set[int]:
    """Return the ids of the organization's Admins; until the transaction ends, nobody else changes them."""
    # Always in the same order, so that two of these never wait for each other.
    admins = Membership.objects.select_for_update().filter(role=Role.ADMIN).order_by("pk")
    return set(admins.values_list("pk", flat=True))


def choose_priority_emails(*, membership: Membership, gets_them: bool, actor: Actor) -> None:
    """Keep whether a person gets the weekly priority e-mails of an organization. Safe to run twice."""
    with transaction.atomic():
        changed = Membership.objects.filter(pk=membership.pk).exclude(gets_priority_emails=gets_them)
        if changed.update(gets_priority_emails=gets_them):
            record(
                Kind.PRIORITY_EMAILS_CHOSEN,
                actor=actor,
                email=membership.user.email,
                change="on" if gets_them else "off",
            )
