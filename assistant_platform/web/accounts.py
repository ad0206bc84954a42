"""How django-allauth behaves here."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest, HttpResponse

import notifications.mail
import orgs.selectors
from assistant_platform.web.sign_on import enforcement
from lib.crypto import Sealer
from orgs.models import Invitation

logger = logging.getLogger(__name__)

# The digest of the invitation that a visitor followed: it lets them make an account where SIGN_UP is `invited`.
INVITATION_IN_SESSION = "invitation"
NOT_SENT = "The mail could not be sent: the mail server does not answer. Try again in some minutes."


def invitation_followed(request: HttpRequest) -> Invitation | None:
    """Return the open invitation whose link this visitor followed."""
    digest = request.session.get(INVITATION_IN_SESSION)
    invitation = orgs.selectors.invitation_by_digest(digest) if digest else None
    return invitation if invitation is not None and invitation.is_open else None


def may_sign_up(request: HttpRequest) -> bool:
    """Tell whether this visitor may make an account."""
    if settings.SIGN_UP == "invited":
        return invitation_followed(request) is not None
    return bool(settings.SIGN_UP == "open")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Sign-up by the operator's choice, and mails in our words."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether the sign-up page is open to this visitor."""
        return may_sign_up(request)

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMultiAlternatives:
        """Return a mail made of our template."""
        return notifications.mail.written(f"{template_prefix}.txt", context, to=email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail now; a mail server that does not answer is told of on the page, the same for every address."""
        try:
            notifications.mail.send(self.render_mail(template_prefix, email, context))
        except notifications.mail.MailNotSent as failure:
            logger.warning("%s was not sent: %s", template_prefix, failure)
            messages.error(self.request, NOT_SENT)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a password, right or wrong, where single sign-on is required."""
        enforcement.refuse_password(str(credentials.get("email") or ""))
        super().pre_authenticate(request, **credentials)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **arguments: Any) -> HttpResponse | None:
        """Refuse every other way in where single sign-on is required: passkeys, links, codes."""
        refused = enforcement.refusal(request, user, arguments.get("signal_kwargs") or {})
        return refused or super().pre_login(request, user, **arguments)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """Keeps the secrets of second factors sealed."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return Sealer(settings.FIELD_ENCRYPTION_KEYS).seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret."""
        return Sealer(settings.FIELD_ENCRYPTION_KEYS).open(encrypted_text)
