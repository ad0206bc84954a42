"""Secrets and addresses of people never leave: they are replaced by placeholders, and put back in fixes locally."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field

# Formats that their issuers publish; what they have in common is that a match is a secret by its shape alone.
_TOKEN_SHAPES = re.compile(
    r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY-----.*?(?:-----END (?:[A-Z ]+ )?PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[0-9A-Za-z]{30,255}\b|\bgithub_pat_[0-9A-Za-z_]{40,255}\b"
    r"|\bglpat-[0-9A-Za-z_-]{20,}\b"
    r"|\bxox[abeoprs]-[0-9A-Za-z-]{10,}"
    r"|\bhooks\.slack\.com/services/[A-Za-z0-9/]{20,}"
    r"|\bsk-(?:ant-|proj-)?[0-9A-Za-z_-]{20,}\b"
    r"|\b[rs]k_(?:live|test)_[0-9A-Za-z]{10,}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"
    r"|\bnpm_[0-9A-Za-z]{36}\b|\bpypi-[0-9A-Za-z_-]{50,}"
    r"|\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}",
    re.DOTALL,
)
# user:password@host in an address
_ADDRESS_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"]{1,100}:)(?P<secret>[^\s@/'\"{}$<>%]{3,200})(?=@)", re.IGNORECASE)
# a literal given to a name that says it is secret
_NAMED_SECRET = re.compile(
    r"(?P<before>\b[\w.\[\]'\"-]{0,60}(?:passw(?:or)?d|passphrase|secret|token|api_?key|apikey|access_?key|auth_?key|private_?key|"
    r"credential|client_?secret|encryption_?key|signing_?key)[\w'\"\]-]{0,30}\s*(?:=>|:=|[:=])\s*[brfu]{0,2})"
    r"(?P<quote>[\"'`])(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\.){4,500})(?P=quote)",
    re.IGNORECASE,
)
_LONG_LITERAL = re.compile(r"(?P<quote>[\"'`])(?P<secret>[0-9A-Za-z+/=_-]{24,200})(?P=quote)")
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b")
_AUTHOR = re.compile(r"(?P<before>(?:@author|\bauthors?|\bmaintainers?|\bcopyright|\(c\)|©|\bwritten by|\bcreated by)\s*[:=]?\s*(?:\(c\)|©)?\s*(?:\d{4}(?:\s*[-–,]\s*\d{4})*,?\s*)?)(?P<secret>[A-Z][\w.'’-]+(?:\s+[A-Z][\w.'’-]+){0,3})", re.IGNORECASE)
_TASK_OWNER = re.compile(r"(?P<before>\b(?:TODO|FIXME|XXX|HACK|NOTE)\()(?P<secret>[\w.@-]{2,40})(?=\))")

_PLACEHOLDER_WORDS = re.compile(r"^(?:x+|\*+|<.*>|\$\{.*\}|\{\{.*\}\}|%\(.*\)s|change[-_ ]?me|example|placeholder|your[-_ ].*)$", re.IGNORECASE)
_LOOKS_RANDOM_BITS = 3.6


@dataclass
class Redactor:
    """Replaces secrets in several texts of one question by the same placeholders, and puts them back in the answer."""

    _placeholder_of: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many different values were hidden."""
        return len(self._placeholder_of)

    def hide(self, text: str) -> str:
        """Return the text with every secret and every person's address or name replaced."""
        text = _TOKEN_SHAPES.sub(lambda match: self._placeholder(match.group(), "SECRET"), text)
        text = _ADDRESS_PASSWORD.sub(lambda m: m["before"] + self._placeholder(m["secret"], "SECRET"), text)
        text = _NAMED_SECRET.sub(self._named, text)
        text = _LONG_LITERAL.sub(self._long_literal, text)
        text = _EMAIL.sub(lambda match: self._placeholder(match.group(), "EMAIL"), text)
        text = _AUTHOR.sub(lambda m: m["before"] + self._placeholder(m["secret"], "PERSON"), text)
        return _TASK_OWNER.sub(lambda m: m["before"] + self._placeholder(m["secret"], "PERSON"), text)

    def restore(self, text: str) -> str:
        """Return the text with the placeholders replaced by what they stand for."""
        for value, placeholder in self._placeholder_of.items():
            text = text.replace(placeholder, value)
        return text

    def _placeholder(self, value: str, kind: str) -> str:
        if value in self._placeholder_of.values():
            return value
        return self._placeholder_of.setdefault(value, f"⟦{kind}-{len(self._placeholder_of) + 1}⟧")

    def _named(self, match: re.Match[str]) -> str:
        secret = match["secret"]
        if _PLACEHOLDER_WORDS.match(secret) or "⟦" in secret or " " in secret.strip():
            return match.group()
        return f"{match['before']}{match['quote']}{self._placeholder(secret, 'SECRET')}{match['quote']}"

    def _long_literal(self, match: re.Match[str]) -> str:
        secret = match["secret"]
        if _bits_per_character(secret) < _LOOKS_RANDOM_BITS or not re.search(r"\d", secret):
            return match.group()
        return f"{match['quote']}{self._placeholder(secret, 'SECRET')}{match['quote']}"


def _bits_per_character(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
