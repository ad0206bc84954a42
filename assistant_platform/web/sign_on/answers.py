"""What people read when they are not let in, and where they go when they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import Provider
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from orgs.models import SignOn
from orgs.sign_on.services import Vouched

TEST = "test"  # the process of a sign-in that only shows what the identity provider says


def not_let_in(request: HttpRequest, reason: str, *, sign_on: SignOn | None = None) -> HttpResponse:
    """Answer that somebody is not let in, and why; without a reason, that the two servers did not understand."""
    return render(request, "sign_on/not_let_in.html", {"reason": reason, "sign_on": sign_on}, status=403)


def public_address(name: str, key: str) -> str:
    """Return one of our addresses as identity providers know it, whatever host this request came by."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(name, kwargs={"key": key})


def login_of(provider: Provider, vouched: Vouched, state: Mapping[str, Any]) -> SocialLogin:
    """Return a sign-in as allauth carries it on; of what the identity provider told only the identifier is kept."""
    account = SocialAccount(provider=provider.sub_id, uid=vouched.uid, extra_data={})
    login = SocialLogin(provider=provider, account=account, user=User())
    login.state = dict(state)
    login.vouched = vouched
    return login
