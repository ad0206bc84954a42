"""What does the Assistant's work: the engine that proves fixes, the model that judges, the server that takes mails."""

from __future__ import annotations

import smtplib
import time

from django.conf import settings
from django.core.mail import get_connection

from assistant_platform.diagnosis.check import Unwell
from providers.adapters import adapter_for
from providers.adapters.base import ProviderError
from providers.selectors import platform_choice
from rules import engine

TINY_RULE = """\
rules:
- id: the-word
  pattern: answer = 42
  message: found
  languages: [python]
  severity: INFO
"""


def engine_runs() -> str:
    """Say that Semgrep finds what a tiny rule describes."""
    began = time.monotonic()
    try:
        found = engine.scan({"tiny.py": "answer = 42\n"}, TINY_RULE).matches
        version = engine.version()
    except engine.EngineError as error:
        raise Unwell(str(error), remedy="python3 bootstrap.py setup; fixes are shown unverified until then") from error
    if len(found) != 1:
        raise Unwell(f"a rule that matches once matched {len(found)} times", remedy="install Semgrep anew")
    return f"Semgrep {version} ran a rule, in {time.monotonic() - began:.1f} s"


def provider() -> str:
    """Say who answers by default; a model is asked a tiny question."""
    choice = platform_choice()
    if choice is None:
        return "Built-in: no OPENAI_API_KEY is set, so facts and recipes answer and nothing leaves this machine"
    try:
        adapter_for(choice.adapter, choice.credentials).check()
    except ProviderError as error:
        raise Unwell(
            f"{choice.label}: {error}", remedy="check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL"
        ) from error
    return f"{choice.label} answered"


def mail_server() -> str:
    """Say that the mail server takes our sign-in; nothing is sent."""
    if not settings.IS_MAIL_SET_UP:
        return "no EMAIL_HOST is set, so mails are written to the log"
    connection = get_connection()
    try:
        try:
            connection.open()
        finally:
            connection.close()  # also after a refused sign-in, which leaves it open
    except (smtplib.SMTPException, OSError) as error:
        raise Unwell(
            f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}: {error}",
            remedy="check EMAIL_HOST, EMAIL_PORT, EMAIL_SECURITY, EMAIL_HOST_USER and EMAIL_HOST_PASSWORD",
        ) from error
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} answers, mails come from {settings.DEFAULT_FROM_EMAIL}"
