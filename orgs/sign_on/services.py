"""Setting single sign-on up, and letting in whom an identity provider vouches for."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

import orgs.joining
import orgs.services
from events.kinds import Actor, Kind
from events.models import Event
from events.services import record
from lib.crypto import Sealer, digest_of_token
from orgs.membership import Refused
from orgs.models import Invitation, Membership, Protocol, SignOn, SignOnDomain, UsedAssertion
from orgs.permissions import Role
from orgs.sign_on.domains import domain_from, record_value
from orgs.sign_on.identity_providers import SamlIdentityProvider
from orgs.sign_on.selectors import domain_of

MOST_SIGN_ONS = 10
MOST_DOMAINS = 50
LONGEST_UID = 191  # of allauth's column


class NotAdmitted(Exception):
    """A person is not let in; the text says why, and what can be done."""


class NotPossible(Exception):
    """A change of the set-up is refused; the text says why."""


@dataclass(frozen=True)
class Vouched:
    """What an identity provider says of a person; `is_email_verified` is None where it does not say."""

    identifier: str
    email: str
    first_name: str
    last_name: str
    is_email_verified: bool | None = None

    @property
    def uid(self) -> str:
        """The identifier as it is kept: one that is too long as its digest."""
        fits = len(self.identifier) <= LONGEST_UID
        return self.identifier if fits else digest_of_token(self.identifier)


# --- Identity providers -----------------------------------------------------------------------------------------------


def save_oidc(  # a form's worth of fields
    *, sign_on: SignOn | None, name: str, issuer: str, client_id: str, secret: str, default_role: Role, actor: Actor
) -> SignOn:
    """Keep an OpenID Connect provider, a new one for None; an empty secret leaves the one that is kept."""
    values = {"name": name, "issuer": issuer, "client_id": client_id, "default_role": default_role.value}
    if secret:
        values["sealed_secret"] = _sealer().seal(secret)
    speaks_anew = sign_on is not None and (sign_on.issuer, sign_on.client_id) != (issuer, client_id)
    if speaks_anew and not secret:
        # The kept secret was meant for the former issuer and must not be sent to another.
        raise NotPossible("Give the client secret again: it was meant for the former issuer or client.")
    return _save(sign_on, Protocol.OIDC, values, actor)


def save_saml(
    *,
    sign_on: SignOn | None,
    name: str,
    identity_provider: SamlIdentityProvider,
    metadata_url: str,
    attributes: Mapping[str, str],
    may_begin_there: bool,
    default_role: Role,
    actor: Actor,
) -> SignOn:
    """Keep a SAML identity provider, a new one for None; `attributes` names id, email, first_name and last_name."""
    values = {
        "name": name,
        "issuer": identity_provider.entity_id,
        "sso_url": identity_provider.sso_url,
        "certificates": "\n".join(identity_provider.certificates),
        "metadata_url": metadata_url,
        "may_begin_there": may_begin_there,
        "default_role": default_role.value,
        **{f"{key}_attribute": value for key, value in attributes.items()},
    }
    return _save(sign_on, Protocol.SAML, values, actor)


# Who may sign in hangs on these: a test of others says nothing any more.
_DECIDING = {"issuer", "client_id", "sso_url", "id_attribute", "email_attribute"}
# Keys are exchanged in the middle of work, also while other ways in are closed.
_KEYS = {"sealed_secret", "certificates"}
# Another issuer means other people by the same identifiers.
_NAMING_PEOPLE = {"issuer", "id_attribute"}


def _save(sign_on: SignOn | None, protocol: Protocol, values: Mapping[str, object], actor: Actor) -> SignOn:
    with transaction.atomic():
        if sign_on is None:
            if SignOn.objects.count() >= MOST_SIGN_ONS:
                raise NotPossible(f"An organization has at most {MOST_SIGN_ONS} identity providers.")
            kept = SignOn.objects.create(key=secrets.token_hex(8), protocol=protocol.value, **values)
            # What waits for an identity provider gets the first one.
            SignOnDomain.objects.filter(sign_on=None).update(sign_on=kept)
            record(Kind.SIGN_ON_CHANGED, actor=actor, sign_on=kept.name, change=f"added ({protocol.label})")
            return kept
        kept = SignOn.objects.select_for_update().get(pk=sign_on.pk, protocol=protocol)
        changed = {name: value for name, value in values.items() if getattr(kept, name) != value}
        if kept.is_enforced and changed.keys() & _DECIDING:
            raise NotPossible("Open the other ways in first: if the change were wrong, nobody could come in.")
        for name, value in changed.items():
            setattr(kept, name, value)
        if not kept.is_enforced and changed.keys() & (_DECIDING | _KEYS):
            kept.tested_at, kept.last_test = None, {}
        if changed.keys() & _NAMING_PEOPLE:
            SocialAccount.objects.filter(provider=kept.key).delete()
        kept.save()
        if changed:
            names = ", ".join("secret" if name == "sealed_secret" else name for name in changed)
            record(Kind.SIGN_ON_CHANGED, actor=actor, sign_on=kept.name, change=f"changed: {names}")
    return kept


def secret_of(sign_on: SignOn) -> str:
    """Return the client's secret. Raises CannotDecrypt where the key that sealed it is gone."""
    return _sealer().open(sign_on.sealed_secret) if sign_on.sealed_secret else ""


def _sealer() -> Sealer:
    return Sealer(settings.FIELD_ENCRYPTION_KEYS)


def remove_sign_on(*, sign_on: SignOn, actor: Actor) -> None:
    """Forget an identity provider; its domains stay claimed, and its people sign in as before it was there."""
    with transaction.atomic():
        name = sign_on.name
        SocialAccount.objects.filter(provider=sign_on.key).delete()
        sign_on.delete()
        record(Kind.SIGN_ON_REMOVED, actor=actor, sign_on=name)


def enforce(*, sign_on: SignOn, actor: Actor) -> None:
    """Close the other ways in for the people of its domains. Raises NotPossible before a test has succeeded."""
    with transaction.atomic():
        kept = SignOn.objects.select_for_update().get(pk=sign_on.pk)
        if kept.tested_at is None:
            raise NotPossible("Test the sign-in first: nobody could get in if it did not work.")
        if not kept.domains.filter(proved_at__isnull=False).exists():
            raise NotPossible("Prove an e-mail domain first: without one it holds for nobody.")
        _set_enforced(kept, True, actor)


def stop_enforcing(*, sign_on: SignOn, actor: Actor) -> None:
    """Open passwords and passkeys again for the people of its domains."""
    with transaction.atomic():
        _set_enforced(SignOn.objects.select_for_update().get(pk=sign_on.pk), False, actor)


def _set_enforced(sign_on: SignOn, is_enforced: bool, actor: Actor) -> None:
    if sign_on.is_enforced != is_enforced:
        sign_on.is_enforced = is_enforced
        sign_on.save(update_fields=["is_enforced"])
        record(
            Kind.SIGN_ON_CHANGED, actor=actor, sign_on=sign_on.name, change="required" if is_enforced else "optional"
        )


# --- Domains ----------------------------------------------------------------------------------------------------------


def claim_domain(*, typed: str, sign_on: SignOn | None, actor: Actor) -> SignOnDomain:
    """Claim an e-mail domain, to be proved. Raises ValidationError for what is no domain, or anybody's."""
    domain = domain_from(typed)
    with transaction.atomic():
        if SignOnDomain.objects.count() >= MOST_DOMAINS:
            raise ValidationError(f"An organization claims at most {MOST_DOMAINS} domains.")
        claimed, is_new = SignOnDomain.objects.get_or_create(
            domain=domain, defaults={"token": secrets.token_urlsafe(24), "sign_on": sign_on}
        )
        if not is_new:
            raise ValidationError(f"{domain} is in the list already.")
        record(Kind.SIGN_ON_CHANGED, actor=actor, domain=domain, change="domain claimed")
    return claimed


def note_check(*, domain: SignOnDomain, texts: Collection[str], actor: Actor) -> bool:
    """Keep what the name server said of a domain; tell whether that proves it. Raises NotPossible."""
    is_proof = record_value(domain.token) in {text.strip() for text in texts}
    if is_proof:
        _prove(domain, "DNS", actor)
    else:
        SignOnDomain.objects.filter(pk=domain.pk).update(checked_at=timezone.now())
    return is_proof


def prove_by_operator(*, domain: SignOnDomain, actor: Actor) -> None:
    """Take a domain for proved because whoever runs the server says so. Raises NotPossible."""
    _prove(domain, "operator", actor)


def _prove(domain: SignOnDomain, proved_by: str, actor: Actor) -> None:
    now = timezone.now()
    try:
        with transaction.atomic():
            is_new = SignOnDomain.objects.filter(pk=domain.pk, proved_at=None).update(
                proved_at=now, checked_at=now, proved_by=proved_by
            )
            if is_new:
                record(Kind.SIGN_ON_CHANGED, actor=actor, domain=domain.domain, change=f"domain proved by {proved_by}")
    except IntegrityError as error:
        raise NotPossible(
            f"{domain.domain} is proved by another organization on this server. It has to give it up first;"
            " whoever runs the server can help."
        ) from error


def lead_domain(*, domain: SignOnDomain, sign_on: SignOn | None, actor: Actor) -> None:
    """Choose where the people of a domain sign in, None for nowhere in particular."""
    with transaction.atomic():
        domain.sign_on = sign_on
        domain.save(update_fields=["sign_on"])
        record(Kind.SIGN_ON_CHANGED, actor=actor, domain=domain.domain, change=f"led to {sign_on or 'no sign-on'}")


def remove_domain(*, domain: SignOnDomain, actor: Actor) -> None:
    """Give a domain up."""
    with transaction.atomic():
        name = domain.domain
        domain.delete()
        record(Kind.SIGN_ON_CHANGED, actor=actor, domain=name, change="domain removed")


# --- People -----------------------------------------------------------------------------------------------------------


def admitted_address(*, sign_on: SignOn, vouched: Vouched) -> str:
    """Return the address under which a person may come in. Raises NotAdmitted.

    An identity provider answers for the proved domains that are led to it, and for no other address in the world.
    """
    address = vouched.email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise NotAdmitted(
            f"{sign_on.name} gave no e-mail address for you. Its administrator has to send one."
        ) from error
    if vouched.is_email_verified is False:
        raise NotAdmitted(f"{sign_on.name} says that {address} is not verified, so it is not accepted here.")
    own = SignOnDomain.objects.filter(sign_on=sign_on, proved_at__isnull=False, domain=domain_of(address))
    if not own.exists():
        raise NotAdmitted(
            f"{sign_on.name} vouches for {address}, but {domain_of(address)} is no proved domain of this sign-on."
        )
    return address


def admit(*, sign_on: SignOn, vouched: Vouched, linked: User | None) -> User:
    """Return the person an identity provider vouches for, made and let into the organization on first sight.

    `linked` is whom the identity provider's identifier led to before. Raises NotAdmitted. Needs the scope.
    """
    with transaction.atomic():
        address = admitted_address(sign_on=sign_on, vouched=vouched)
        user = linked or User.objects.filter(email__iexact=address).order_by("pk").first()
        if user is None:
            user = _person_of(address, vouched)
        elif not _answers_for(sign_on, user):
            raise NotAdmitted(
                f"The account behind {address} has an address elsewhere, so {sign_on.name} cannot open it."
            )
        elif not user.is_active:
            raise NotAdmitted("This account is closed. Whoever runs this server can open it again.")
        elif linked is None:
            _take_from_whoever_only_claimed(user, address)
        if not Membership.objects.filter(user=user).exists():
            _join(sign_on, user, is_linked=linked is not None)
    return user


def _join(sign_on: SignOn, user: User, *, is_linked: bool) -> None:
    # Whoever was invited comes in as invited, also after a removal: that is how an Admin lets somebody back.
    invitations = Invitation.objects.filter(email__iexact=user.email, accepted_at=None, revoked_at=None)
    invitation = next((entry for entry in invitations if entry.is_open), None)
    if invitation is not None:
        try:
            orgs.joining.accept(invitation=invitation, user=user)
        except Refused as refused:
            raise NotAdmitted(str(refused)) from refused
        return
    _refuse_who_was_removed(user, sign_on, is_linked=is_linked)
    orgs.services.add_member(user=user, role=Role(sign_on.default_role), actor=orgs.services.actor_of(user))


def _answers_for(sign_on: SignOn, user: User) -> bool:
    own = SignOnDomain.objects.filter(sign_on=sign_on, proved_at__isnull=False, domain=domain_of(user.email))
    return own.exists()


def _person_of(address: str, vouched: Vouched) -> User:
    if EmailAddress.objects.filter(email__iexact=address, verified=True).exists():
        raise NotAdmitted(f"{address} belongs to another account here. Remove it there first, then sign in again.")
    user = orgs.services.person(address)
    user.first_name, user.last_name = vouched.first_name[:150], vouched.last_name[:150]
    user.save(update_fields=["first_name", "last_name"])
    _note_proved(user, address)
    return user


def _take_from_whoever_only_claimed(user: User, address: str) -> None:
    """Shut out whoever made this account without ever proving the address, before its owner comes in."""
    if EmailAddress.objects.filter(user=user, email__iexact=address, verified=True).exists():
        return
    EmailAddress.objects.filter(user=user).exclude(email__iexact=address).delete()
    Authenticator.objects.filter(user=user).delete()  # a passkey of theirs would outlive the password
    user.set_unusable_password()  # ends the account's sessions too
    user.save(update_fields=["password"])
    _note_proved(user, address)


def _note_proved(user: User, address: str) -> None:
    EmailAddress.objects.update_or_create(user=user, email=address, defaults={"verified": True, "primary": True})


def _refuse_who_was_removed(user: User, sign_on: SignOn, *, is_linked: bool) -> None:
    """Raise NotAdmitted for whom an Admin took out: the identity provider does not undo that."""
    last = (
        Event.objects.filter(kind__in=[Kind.MEMBER_REMOVED, Kind.MEMBER_LEFT], subject__email__iexact=user.email)
        .order_by("-pk")
        .first()
    )
    was_removed = last.kind == Kind.MEMBER_REMOVED if last else is_linked
    if was_removed:
        raise NotAdmitted(
            f"You were removed from {sign_on.organization}. An Admin or Manager there can invite you again."
        )


def use_assertion(*, sign_on: SignOn, assertion_id: str, expires_at: datetime) -> None:
    """Remember that a SAML assertion has signed somebody in. Raises NotAdmitted the second time."""
    digest = digest_of_token(assertion_id)
    try:
        with transaction.atomic():
            UsedAssertion.objects.filter(sign_on=sign_on, expires_at__lt=timezone.now()).delete()
            UsedAssertion.objects.create(sign_on=sign_on, digest=digest, expires_at=expires_at)
    except IntegrityError as error:
        raise NotAdmitted("This sign-in was used already. Begin again.") from error


def note_test(*, sign_on: SignOn, vouched: Vouched, problem: str, actor: Actor) -> None:
    """Keep what an identity provider said of the Admin who tried it, and why it would not let them in, if so."""
    said = {
        "identifier": vouched.identifier[:200],
        "email": vouched.email[:254],
        "name": f"{vouched.first_name} {vouched.last_name}".strip()[:200],
        "problem": problem[:500],
        "at": timezone.now().isoformat(),
    }
    with transaction.atomic():
        kept = SignOn.objects.select_for_update().get(pk=sign_on.pk)
        kept.last_test = said
        if not problem:
            kept.tested_at = timezone.now()
        kept.save(update_fields=["last_test", "tested_at"])
        record(Kind.SIGN_ON_CHANGED, actor=actor, sign_on=kept.name, change="tested" if not problem else "test failed")
