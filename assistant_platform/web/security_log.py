"""What people do with their accounts, as lines of the audit log of each organization they are in.

django-allauth tells of it by signals, its own hooks; this module names every one that is heard, and the start of the
product calls `listen()`.
"""

from __future__ import annotations

from typing import Any

import allauth.account.signals as account
import allauth.mfa.signals as second_factor
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.db import transaction

import orgs.selectors
from events.kinds import SYSTEM, Actor, Kind
from events.services import record
from orgs.services import actor_of
from tenancy.scope import acting_for


def listen() -> None:
    """Hear of sign-ins, refused ones, passwords and second factors."""
    account.user_logged_in.connect(_signed_in)
    user_login_failed.connect(_sign_in_failed)
    for signal in (account.password_set, account.password_changed, account.password_reset):
        signal.connect(_password_changed)
    second_factor.authenticator_added.connect(_second_factor_added)
    second_factor.authenticator_removed.connect(_second_factor_removed)


def _signed_in(user: User, **_: Any) -> None:
    _tell(Kind.SIGNED_IN, user, actor=actor_of(user))


def _sign_in_failed(credentials: dict[str, Any], **_: Any) -> None:
    """Tell of a refused sign-in where the address is somebody's.

    That takes a few milliseconds more than for an unknown address; the limits on tries keep that from being measured.
    """
    address = str(credentials.get("email") or credentials.get("username") or "")[:254].replace("\0", "")
    user = User.objects.filter(email__iexact=address).first() if address else None
    if user is not None:
        # Whoever tried is not known, and may be anybody but that person.
        _tell(Kind.SIGN_IN_FAILED, user, actor=SYSTEM, email=user.email)


def _password_changed(user: User, **_: Any) -> None:
    _tell(Kind.PASSWORD_CHANGED, user, actor=actor_of(user))


def _second_factor_added(user: User, authenticator: Any, **_: Any) -> None:
    _tell(Kind.SECOND_FACTOR_ADDED, user, actor=actor_of(user), factor=str(authenticator.get_type_display()))


def _second_factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    _tell(Kind.SECOND_FACTOR_REMOVED, user, actor=actor_of(user), factor=str(authenticator.get_type_display()))


def _tell(kind: Kind, user: User, *, actor: Actor, **subject: str) -> None:
    for membership in orgs.selectors.memberships_of(user.pk):
        with acting_for(membership.organization_id), transaction.atomic():
            record(kind, actor=actor, finding_id=None, **subject)
