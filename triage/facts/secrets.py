"""Hard-coded secrets: is the text a real secret, a placeholder, or not in the code at all?"""

from __future__ import annotations

import math
import re
from collections import Counter

from findings.context import FindingContext
from triage.answers import EvidenceRole, Quote
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, match_quote
from triage.facts.wording import Surroundings, text_literals, without_comments

KNOWN_FORMAT = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{40,}|\bglpat-[\w-]{20,}|\bsk_live_\w{16,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{35}\b|-----BEGIN (?:\w+ )*PRIVATE KEY-----"
)
TEMPLATE_TEXT = re.compile(
    r"^(?:<[^>]*>|\$\{[^}]*\}|\{\{[^}]*\}\}|%\w+%|[xX*.\-_#0]+|your[\s_-].*|my[\s_-](?:secret|api|key|password|token)\b.*"
    r"|(?:insert|enter|put|add|replace|fill)[\s_-].*|.*\b(?:placeholder|redacted)\b.*|.*(?:goes|your|key|value)[\s_-]here.*|example|dummy"
    r"|todo|tbd|none|null|n/?a)$",
    re.I,
)
DEFAULT_TEXT = re.compile(r"change[\s_-]?me|example|dummy|sample|default|replace|insecure|fake|test", re.I)
FROM_ENVIRONMENT = re.compile(
    r"\bos\.environ\b|\bos\.getenv\s*\(|\bgetenv\s*\(|\bprocess\.env\b|\bSystem\.getenv\s*\(|\bENV\s*[\[.]|\bos\.Getenv\s*\("
    r"|\bEnvironment\.GetEnvironmentVariable\s*\(|\benv\s*\(|\bos\.LookupEnv\s*\("
)
NAME_OF_VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]{2,}$")
SHORTEST_SECRET = 8
LEAST_ENTROPY = 2.7


def facts_of_secret(context: FindingContext) -> list[Fact]:
    """Return what the matched text, or the place it is read from, tells about a hard-coded secret."""
    matched = without_comments(context.matched_text)
    values = [text for text in text_literals(matched) if text]
    if FROM_ENVIRONMENT.search(matched):
        given = [value for value in values if not NAME_OF_VARIABLE.match(value)]
        return [_from_environment(context)] if not given else []
    if KNOWN_FORMAT.search(matched):
        statement = "The text has the format of a real key."
        return [Fact(FactKind.REAL_SECRET, statement, _shown(context), Leaning.DANGEROUS, Strength.STRONG)]
    candidates = _candidates(context, values)
    if not candidates:
        return []
    if all(TEMPLATE_TEXT.match(value) for value in candidates):
        statement = "The text is a placeholder to be filled in, not a secret."
        return [Fact(FactKind.PLACEHOLDER_SECRET, statement, _shown(context), Leaning.SAFE, Strength.STRONG)]
    if any(DEFAULT_TEXT.search(value) for value in candidates):
        statement = "The text looks like a default or an example; whether it is used as it stands cannot be seen here."
        return [Fact(FactKind.PLACEHOLDER_SECRET, statement, _shown(context), Leaning.SAFE, Strength.WEAK)]
    real = [value for value in candidates if len(value) >= SHORTEST_SECRET and entropy(value) >= LEAST_ENTROPY]
    if not real:
        return []
    statement = f"A text of {len(real[0])} characters with the randomness of a real secret is written in the code."
    return [Fact(FactKind.REAL_SECRET, statement, _shown(context), Leaning.DANGEROUS, Strength.STRONG)]


def _candidates(context: FindingContext, values: list[str]) -> list[str]:
    """Return the texts that may be the secret: what is assigned or handed over, not the name it goes by."""
    if len(values) <= 1:
        return values
    statement = without_comments(Surroundings(context).statement)
    named = re.findall(
        r"(?:secret|password|passwd|pwd|token|key|credential)\w*[\"']?\s*(?:=>|[:=])\s*([\"'`])(.*?)\1", statement, re.I
    )
    return [value for _, value in named if value] or [max(values, key=entropy)]


def _from_environment(context: FindingContext) -> Fact:
    statement = "The value is read from the environment when the program runs, and no fallback is written in the code."
    return Fact(FactKind.SECRET_FROM_ENVIRONMENT, statement, _shown(context), Leaning.SAFE, Strength.STRONG)


def _shown(context: FindingContext) -> tuple[Quote, ...]:
    return match_quote(context, EvidenceRole.CONTEXT)


def entropy(text: str) -> float:
    """Return the Shannon entropy of a text in bits per character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0
