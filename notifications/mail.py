"""Writing and sending mails: a text whose first line is the subject, and the same text as HTML."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

LONGEST_SUBJECT = 150
REFUSED_FOR_GOOD = 500  # of the protocol's answers, from here on


class MailNotSent(Exception):
    """The mail server did not take the mail; `is_permanent` where trying again is of no use."""

    def __init__(self, message: str, *, is_permanent: bool) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


def written(template: str, context: Mapping[str, object], *, to: str) -> EmailMultiAlternatives:
    """Return the mail that a template below `templates/mail` makes: its first line is the subject."""
    everything = render_to_string(template, {"public_url": settings.PUBLIC_URL, **context}, using="plain_text")
    subject, _, text = everything.strip().partition("\n")
    # A name in the subject may hold a line break, which would begin another header.
    subject = " ".join(subject.split())[:LONGEST_SUBJECT]
    mail = EmailMultiAlternatives(subject, text.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [to])
    mail.attach_alternative(render_to_string("mail/as_html.html", {"subject": subject, "text": text}), "text/html")
    return mail


def send(mail: EmailMultiAlternatives) -> None:
    """Hand a mail to the mail server, or raise MailNotSent. Takes up to EMAIL_TIMEOUT_SECONDS."""
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()), (0, b""))
        raise MailNotSent(_said(code, answer), is_permanent=code >= REFUSED_FOR_GOOD) from error
    except smtplib.SMTPResponseException as error:
        # Also a refused sign-in is tried again: the operator may correct the password meanwhile.
        raise MailNotSent(_said(error.smtp_code, error.smtp_error), is_permanent=False) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailNotSent(f"the mail server cannot be reached: {error}", is_permanent=False) from error


def _said(code: int, answer: bytes | str) -> str:
    words = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"the mail server answered {code} {words}"[:200]
