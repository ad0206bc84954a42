"""E-mail domains: how they are written, which nobody can own, and what the name server says of them."""

from __future__ import annotations

import re

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
import idna
from django.conf import settings
from django.core.exceptions import ValidationError

LABEL = "_assistant-challenge"
SECONDS_TO_ANSWER = 5.0
LONGEST_DOMAIN = 253
SHAPE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# Where anybody gets an address: whoever ran such a domain would sign in people of every organization.
PUBLIC_DOMAINS = frozenset(
    [
        "126.com",
        "139.com",
        "163.com",
        "aol.com",
        "att.net",
        "bigpond.com",
        "bluewin.ch",
        "btinternet.com",
        "comcast.net",
        "cox.net",
        "duck.com",
        "earthlink.net",
        "email.com",
        "fastmail.com",
        "fastmail.fm",
        "free.fr",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.de",
        "hotmail.es",
        "hotmail.fr",
        "hotmail.it",
        "hushmail.com",
        "icloud.com",
        "inbox.com",
        "inbox.ru",
        "juno.com",
        "laposte.net",
        "libero.it",
        "list.ru",
        "live.com",
        "live.co.uk",
        "live.fr",
        "live.nl",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "mailinator.com",
        "me.com",
        "msn.com",
        "naver.com",
        "ntlworld.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "outlook.es",
        "outlook.fr",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.ch",
        "protonmail.com",
        "qq.com",
        "rambler.ru",
        "rediffmail.com",
        "rocketmail.com",
        "sbcglobal.net",
        "seznam.cz",
        "sfr.fr",
        "sina.com",
        "sky.com",
        "t-online.de",
        "tuta.com",
        "tuta.io",
        "tutanota.com",
        "verizon.net",
        "virgilio.it",
        "wanadoo.fr",
        "web.de",
        "wp.pl",
        "xtra.co.nz",
        "yahoo.ca",
        "yahoo.co.in",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.com.br",
        "yahoo.de",
        "yahoo.es",
        "yahoo.fr",
        "yahoo.it",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    ]
)


class NoAnswer(Exception):
    """The name server could not be asked; the text says what happened."""


def domain_from(typed: str) -> str:
    """Return a domain as it is compared: lower case, ASCII. Raises ValidationError for what nobody can own."""
    name = typed.strip().lower().rpartition("@")[2].removesuffix(".")
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValidationError("This is no domain. Give what follows the @, such as example.com.") from error
    if len(name) > LONGEST_DOMAIN or not SHAPE.fullmatch(name):
        raise ValidationError("This is no domain. Give what follows the @, such as example.com.")
    if name in PUBLIC_DOMAINS:
        raise ValidationError(f"{name} gives addresses to everybody, so no organization can claim it.")
    return name


def record_name(domain: str) -> str:
    """Return the name at which the TXT record is looked for."""
    return f"{LABEL}.{domain}"


def record_value(token: str) -> str:
    """Return what the TXT record must say."""
    return f"assistant-domain={token}"


def texts_at(name: str) -> list[str]:
    """Return what the TXT records of a name say, nothing where it has none. Raises NoAnswer."""
    try:
        answer = _resolver().resolve(f"{name}.", dns.rdatatype.TXT, lifetime=SECONDS_TO_ANSWER)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise NoAnswer("The name servers did not answer. Try again in a moment.") from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer]


def _resolver() -> dns.resolver.Resolver:
    servers = settings.DNS_SERVERS
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*_place(server)) for server in servers]
    return resolver


def _place(server: str) -> tuple[str, int]:
    host, _, port = server.partition("#")
    return host, int(port or 53)
