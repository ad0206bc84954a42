"""Keeping the other ways in closed where an organization requires single sign-on for a domain.

The way out of a broken identity provider is the operator's (`manage.py sign_on ORGANIZATION --optional`), and an
Admin's who is still signed in. No role is exempt: a password of an Admin would be the one worth stealing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs.sign_on.selectors import Place, place_of_address


def refuse_password(address: str) -> None:
    """Raise ValidationError for an address whose people have to sign in elsewhere."""
    place = _required(address)
    if place is not None:
        raise ValidationError(_words(place), code="sign_on_required")


def refusal(request: HttpRequest, user: AbstractBaseUser, signal_kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """Answer somebody who came another way than the required one; None where the way is open."""
    place = _required(getattr(user, "email", ""))
    login = signal_kwargs.get("sociallogin")
    if place is None or (login is not None and login.account.provider == place.key):
        return None
    messages.error(request, _words(place))
    return redirect("sign-on")


def refuse_to_leave(user: AbstractBaseUser, address: str) -> None:
    """Raise ValidationError where another main address would lead out of the single sign-on that is required.

    A person stays a member under any main address, so one elsewhere would open passwords again, also for somebody whom
    the identity provider no longer knows.
    """
    place = _required(getattr(user, "email", ""))
    if place is not None and _required(address) != place:
        raise ValidationError(
            f"{place.organization_name} requires single sign-on for your main address, so it stays your main address."
        )


def _required(address: str) -> Place | None:
    place = place_of_address(address) if address else None
    return place if place is not None and place.is_enforced else None


def _words(place: Place) -> str:
    return (
        f"{place.organization_name} requires single sign-on for this address."
        f" Continue with {place.name} instead of a password or passkey."
    )
