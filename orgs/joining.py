"""Inviting people by e-mail, and accepting."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

import orgs.selectors
from events.kinds import Actor, Kind
from events.services import record
from lib.crypto import digest_of_token
from orgs.membership import Refused
from orgs.models import Invitation, Membership
from orgs.permissions import Role, roles_given_by
from orgs.services import actor_of
from tenancy.scope import acting_for

LIFETIME = timedelta(days=7)
MOST_AT_ONCE = 20
MOST_A_DAY = 200  # so that an organization is no way to write to strangers

NO_ADDRESS = "This is no e-mail address."
IS_MEMBER = "Is a member already."
IS_INVITED = "Has an open invitation already; it can be sent again below."
NOT_ACCEPTABLE = "This invitation was used, revoked or has expired. Ask whoever invited you for another."
OTHER_ADDRESS = "This invitation belongs to another e-mail address than those of your account."


@dataclass(frozen=True)
class Invited:
    """What became of the addresses: those invited, and of each other one why not."""

    invitations: list[Invitation]
    problems: dict[str, str]


def token_of(invitation: Invitation) -> str:
    """Return the value of an invitation's link.

    It is derived from the server's key and never stored, so the Job that sends the mail carries no secret; sending
    again moves the expiry, and with it the value: only the newest link works.
    """
    expiry = invitation.expires_at.astimezone(UTC).isoformat()
    signed = f"{invitation.organization_id}:{invitation.email}:{expiry}"
    digest = salted_hmac("orgs.invitation", signed, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def invite(*, addresses: Iterable[str], role: Role, by: Membership, actor: Actor) -> Invited:
    """Invite each address that can be; one that cannot does not keep the others from it. Raises Refused."""
    _require_may_give(role, by)
    wanted = list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
    if len(wanted) > MOST_AT_ONCE:
        raise Refused(f"At most {MOST_AT_ONCE} addresses can be invited at a time; these are {len(wanted)}.")
    invited, problems = [], {}
    with transaction.atomic():
        today = Invitation.objects.filter(created_at__gt=timezone.now() - timedelta(days=1)).count()
        if today + len(wanted) > MOST_A_DAY:
            raise Refused(f"An organization sends at most {MOST_A_DAY} invitations a day. Try again tomorrow.")
        for address in wanted:
            try:
                invited.append(_invite_one(address, role, by))
            except ValidationError as error:
                problems[address] = str(error.message)
            else:
                _record_sending(invited[-1], actor)
    return Invited(invited, problems)


def _invite_one(address: str, role: Role, by: Membership) -> Invitation:
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError(NO_ADDRESS) from None
    if Membership.objects.filter(user__email__iexact=address).exists():
        raise ValidationError(IS_MEMBER)
    before = Invitation.objects.filter(email=address, accepted_at=None, revoked_at=None).first()
    if before is not None:
        if not before.is_expired:
            raise ValidationError(IS_INVITED)
        before.revoked_at = timezone.now()
        before.save(update_fields=["revoked_at"])
    invitation = Invitation(email=address, role=role.value, invited_by_id=by.user_id)
    _renew(invitation)
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        raise ValidationError(IS_INVITED) from None  # by somebody else, at this moment
    return invitation


def _renew(invitation: Invitation) -> None:
    invitation.expires_at = timezone.now() + LIFETIME
    invitation.sent_at, invitation.delivery_error = None, ""
    invitation.digest = digest_of_token(token_of(invitation))


def _record_sending(invitation: Invitation, actor: Actor) -> None:
    record(Kind.INVITATION_SENT, actor=actor, invitation_id=invitation.pk, email=invitation.email, role=invitation.role)


def send_again(*, invitation: Invitation, by: Membership, actor: Actor) -> None:
    """Send an invitation anew, with a new link and seven more days; the old link ends. Raises Refused."""
    with transaction.atomic():
        current = _changeable(invitation, by)
        _renew(current)
        current.save(update_fields=["expires_at", "sent_at", "delivery_error", "digest"])
        _record_sending(current, actor)


def revoke(*, invitation: Invitation, by: Membership, actor: Actor) -> None:
    """End an invitation before it is accepted. Raises Refused."""
    with transaction.atomic():
        current = _changeable(invitation, by)
        current.revoked_at = timezone.now()
        current.save(update_fields=["revoked_at"])
        record(Kind.INVITATION_REVOKED, actor=actor, email=current.email, role=current.role)


def _changeable(invitation: Invitation, by: Membership) -> Invitation:
    current = Invitation.objects.select_for_update().get(pk=invitation.pk)
    _require_may_give(Role(current.role), by)
    if current.accepted_at is not None or current.revoked_at is not None:
        raise Refused(f"The invitation of {current.email} was accepted or revoked meanwhile.")
    return current


def _require_may_give(role: Role, by: Membership) -> None:
    if role in roles_given_by(by.role):
        return
    able = [other.label for other in Role if role in roles_given_by(other)]
    raise Refused(f"A {Role(by.role).label} cannot invite anybody as {role.label}. These roles can: {', '.join(able)}.")


def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make a person a member by an invitation of one of their proved addresses. Raises Refused; works once."""
    if invitation.email not in [address.lower() for address in orgs.selectors.verified_addresses(user)]:
        raise Refused(OTHER_ADDRESS)
    with acting_for(invitation.organization_id), transaction.atomic():
        current = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if not current.is_open or current.digest != invitation.digest:
            raise Refused(NOT_ACCEPTABLE)
        # Who is a member already keeps the role: an old invitation is no way up or down.
        membership, _ = Membership.objects.get_or_create(user=user, defaults={"role": current.role})
        current.accepted_at = timezone.now()
        current.save(update_fields=["accepted_at"])
        record(Kind.INVITATION_ACCEPTED, actor=actor_of(user), email=current.email, role=membership.role)
    return membership
