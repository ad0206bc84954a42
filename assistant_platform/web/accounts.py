"""How django-allauth behaves here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from assistant_platform.web.sign_on import enforcement


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Sign-in only for now: accounts are made by `create_org` and by the demo."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Keep the sign-up page closed."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a password, right or wrong, where single sign-on is required."""
        enforcement.refuse_password(str(credentials.get("email") or ""))
        super().pre_authenticate(request, **credentials)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **arguments: Any) -> HttpResponse | None:
        """Refuse every other way in where single sign-on is required: passkeys, links, codes."""
        refused = enforcement.refusal(request, user, arguments.get("signal_kwargs") or {})
        return refused or super().pre_login(request, user, **arguments)
