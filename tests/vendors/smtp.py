"""A mail server on this machine, speaking the protocol by another implementation than the one that sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "assistant", "sending-is-allowed"


@dataclass
class MailServer:
    """What was handed in, and what is answered to each recipient."""

    received: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or answer what the test wants."""
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.received.append(parsed)
        return "250 OK"


def _sign_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, sent: object) -> AuthResult:
    given = sent if isinstance(sent, LoginPassword) else LoginPassword(b"", b"")
    is_known = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


@contextmanager
def mail_server(port: int) -> Iterator[MailServer]:
    """Run a mail server that refuses a wrong sign-in."""
    server = MailServer()
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        authenticator=_sign_in,
        auth_require_tls=False,
        ready_timeout=30,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
