"""Weaknesses that are wrong by themselves: weak hashes and randomness, cookies, certificates, debug mode, tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from findings.context import FindingContext
from triage.answers import EvidenceRole
from triage.facts.families import Family
from triage.facts.secrets import facts_of_secret
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, match_quote, quotes
from triage.facts.wording import (
    Surroundings,
    identifiers,
    matched_code,
    text_literals,
    without_comments,
    without_texts,
    words_of,
)
from triage.facts.wordlists import words

SECRET_WORDS = words(
    """
    password passwd passwort pwd passphrase credential credentials signature hmac
    """
)
TOKEN_WORDS = SECRET_WORDS | words(
    """
    token secret nonce salt otp pin csrf xsrf captcha session sessionid apikey
    """
)
SECRET_PAIRS = {
    ("secret", "key"), ("api", "key"), ("private", "key"), ("signing", "key"), ("session", "key"), ("session", "id"),
    ("reset", "code"), ("verification", "code"), ("remember", "me"), ("crypto", "key"), ("encryption", "key"),
}  # fmt: skip
HARMLESS_WORDS = words(
    """
    etag cache cached checksum digest_file dedupe dedup shard bucket gravatar jitter backoff delay sleep shuffle
    sample color colour animation
    """
)
WEAK_CIPHER = re.compile(
    r"\b(?:DES|DESede|TripleDES|3DES|RC4|ARC4|ARCFOUR|RC2|Blowfish|ECB|des-\w+|rc4|bf-\w+)\b|(?<=[/_-])ECB\b"
)
LOCAL_HOST = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/\"']|$)")

Reader = Callable[[FindingContext, Surroundings], list[Fact]]


def facts_of_policy(context: FindingContext, family: Family) -> list[Fact]:
    """Return what the matched code itself tells, for weaknesses that are no matter of data flow."""
    reader = READERS.get(family)
    return reader(context, Surroundings(context)) if reader is not None else []


def _safe(context: FindingContext, kind: FactKind, statement: str, strength: Strength) -> Fact:
    role = EvidenceRole.SANITIZER if strength is Strength.STRONG else EvidenceRole.CONTEXT
    return Fact(kind, statement, match_quote(context, role), Leaning.SAFE, strength)


def _danger(context: FindingContext, kind: FactKind, statement: str) -> Fact:
    return Fact(kind, statement, match_quote(context, EvidenceRole.SINK), Leaning.DANGEROUS, Strength.STRONG)


def _hash(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = without_texts(matched_code(context))
    if re.search(r"\busedforsecurity\s*=\s*False\b", code):
        statement = "The call itself says usedforsecurity=False: the hash protects nothing."
        return [_safe(context, FactKind.NO_SECURITY_PURPOSE, statement, Strength.STRONG)]
    return _by_purpose(context, around, SECRET_WORDS, "is hashed")


def _random(context: FindingContext, around: Surroundings) -> list[Fact]:
    return _by_purpose(context, around, TOKEN_WORDS, "is made of random numbers that can be guessed")


def _by_purpose(context: FindingContext, around: Surroundings, telling: frozenset[str], what: str) -> list[Fact]:
    names = [*identifiers(around.statement), around.function_name]
    for name in names:
        words = words_of(name)
        if telling.intersection(words) or any(pair in SECRET_PAIRS for pair in pairwise(words)):
            statement = f"By the name {name}, something secret {what} here."
            return [_danger(context, FactKind.SECURITY_PURPOSE, statement)]
    for name in names:
        if HARMLESS_WORDS.intersection(words_of(name)):
            statement = f"By the name {name}, nothing secret depends on it."
            return [_safe(context, FactKind.NO_SECURITY_PURPOSE, statement, Strength.WEAK)]
    return []


def _cipher(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = without_comments(matched_code(context))
    found = WEAK_CIPHER.search(code)
    if found is None or re.search(r"//\s*$", code):
        return []
    return [
        _danger(
            context,
            FactKind.WEAK_ALGORITHM,
            f"The code asks for {found.group(0)}, which is broken whatever it protects.",
        )
    ]


# Cookies

FLAG_OF_CWE = {614: "secure", 1004: "httponly", 1275: "samesite"}
FLAG_SPELLING = {"secure": r"secure", "httponly": r"http_?only", "samesite": r"same_?site"}
DELETED = re.compile(
    r"\bmax_?age\s*[=:]\s*(?:-\s*\d+|0)(?!\s*[\w.*+])|\bexpires\s*[=:]\s*(?:0(?!\w)|new\s+Date\(\s*0\s*\)|time\.Unix\(0)",
    re.I,
)
DELETING_CALL = re.compile(r"\b(?:delete_cookie|clearCookie|deleteCookie|remove_cookie)\s*\(")


def _cookie(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = matched_code(context)
    code = code if "(" in code or "{" in code else around.statement
    bare = without_texts(code)
    if DELETED.search(bare) or DELETING_CALL.search(bare):
        statement = "The cookie is deleted here, so there is nothing for the flag to protect."
        return [_safe(context, FactKind.DELETED_COOKIE, statement, Strength.STRONG)]
    flags = [FLAG_OF_CWE[number] for number in sorted(context.rule.cwe_numbers) if number in FLAG_OF_CWE]
    if not flags:
        return []
    states = {flag: _flag(bare, code, flag) for flag in flags}
    if context.language == "java":
        return _java_cookie(context, around, flags)
    if all(state is True for state in states.values()):
        statement = f"The call sets {' and '.join(flags)}."
        return [_safe(context, FactKind.SAFE_FLAG, statement, Strength.STRONG)]
    off = [flag for flag, state in states.items() if state is False]
    if off:
        return [_danger(context, FactKind.DANGEROUS_SETTING, f"The call switches {' and '.join(off)} off.")]
    missing = [flag for flag, state in states.items() if state is None]
    if missing and not _may_be_set_elsewhere(context, around, bare, missing):
        return [_danger(context, FactKind.MISSING_FLAG, f"The cookie is set without {' and '.join(missing)}.")]
    return []


def _may_be_set_elsewhere(context: FindingContext, around: Surroundings, bare: str, missing: list[str]) -> bool:
    """Say whether the flags may come from options that are not written in the call, or be set on the cookie later."""
    if not re.search(r"[({]", bare) or re.search(r"\*\*|\.\.\.", bare):
        return True
    if context.language != "python" and re.search(r",\s*[A-Za-z_$][\w$.]*\s*\)\s*;?\s*$", bare):
        return True
    node = around.function_node
    body = around.source[node.start_byte : node.end_byte].decode("utf-8", errors="replace") if node is not None else ""
    return any(re.search(rf"\.\s*{FLAG_SPELLING[flag]}\s*=", without_texts(body), re.I) for flag in missing) or any(
        re.search(rf"\b{FLAG_SPELLING[flag]}[\"']?\s*[=:]", bare, re.I) for flag in missing
    )


def _flag(bare: str, code: str, flag: str) -> bool | None:
    """Return whether a flag is set or switched off; None where it is not given, or not by a literal."""
    found = re.search(rf"\b{FLAG_SPELLING[flag]}[\"']?\s*[=:]\s*([\w.\"']+)", bare, re.I)
    if found is None:
        found = re.search(rf"[\"']{FLAG_SPELLING[flag]}[\"']\s*[=:]\s*([\w.\"']+)", code, re.I)
    if found is None:
        return None
    value = found.group(1).lower()
    if flag == "samesite":
        return "none" not in code[found.start() : found.end() + 12].lower()
    if value == "false":
        return False
    return True if value == "true" else None


def _java_cookie(context: FindingContext, around: Surroundings, flags: list[str]) -> list[Fact]:
    """Judge a cookie object by the setters called on it before it is added, in the block where it is added."""
    found = re.search(
        r"addCookie\s*\(\s*(\w+)\s*\)|\b(\w+)\s*=\s*new\s+[\w.]*Cookie\s*\(", without_texts(around.statement)
    )
    if found is None:
        return []
    name = found.group(1) or found.group(2)
    node = around.function_node
    if node is None:
        return []
    body = without_texts(around.source[node.start_byte : node.end_byte].decode("utf-8", errors="replace"))
    missing = []
    for flag in flags:
        setter = {"secure": "setSecure", "httponly": "setHttpOnly"}.get(flag)
        if setter is None:
            return []
        calls = re.findall(rf"\b{re.escape(name)}\s*\.\s*{setter}\s*\(\s*([^)]*)\)", body)
        if not calls:
            missing.append(flag)
        elif any(call.strip() == "false" for call in calls):
            return [_danger(context, FactKind.DANGEROUS_SETTING, f"{name}.{setter}(false) switches {flag} off.")]
        else:
            return []
    if re.search(rf"\b{re.escape(name)}\s*\.\s*setMaxAge\s*\(\s*0\s*\)", body):
        statement = f"{name}.setMaxAge(0) deletes the cookie."
        return [_safe(context, FactKind.DELETED_COOKIE, statement, Strength.WEAK)]
    statement = f"Nothing in the function sets {' and '.join(missing)} on the cookie {name}."
    return [_danger(context, FactKind.MISSING_FLAG, statement)]


# Settings

UNCHECKED = re.compile(
    r"\bverify\s*=\s*False\b|\brejectUnauthorized[\"']?\s*:\s*false\b|\bInsecureSkipVerify\s*:\s*true\b"
    r"|\b_create_unverified_context\b|\bcheck_hostname\s*=\s*False\b|\bCERT_NONE\b|\bVERIFY_NONE\b"
    r"|\bCURLOPT_SSL_VERIFY(?:PEER|HOST)\s*(?:,|=>)\s*(?:false|0)\b|\bverify_mode\s*[:=]+\s*OpenSSL::SSL::VERIFY_NONE\b"
    r"|\bALLOW_ALL_HOSTNAME_VERIFIER\b|\bNoopHostnameVerifier\b|\bServerCertificateValidationCallback\b.*=>\s*true\b",
    re.I | re.S,
)
DEBUG_ON = re.compile(
    r"\bdebug\s*[=:]\s*True\b|\bdebug\s*:\s*true\b|\bDEBUG\s*=\s*(?:True|1|true)\b|\bSetMode\s*\(\s*gin\.DebugMode"
)
DEBUG_CONDITION = re.compile(r"__main__|\bdebug\b|\bdevelopment\b|\bNODE_ENV\b|\bis_?dev\b", re.I)
UNCHECKED_TOKEN = re.compile(
    r"[\"']verify_signature[\"']\s*:\s*False\b|\bverify\s*=\s*False\b|\balgorithms?[\"']?\s*[=:]\s*\[?\s*[\"']none[\"']"
    r"|\bignoreExpiration\s*:\s*true\b",
    re.I,
)


def _certificate(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = without_comments(context.matched_text)
    found = UNCHECKED.search(without_texts(code))
    if found is None:
        return []
    facts = [
        _danger(
            context, FactKind.DANGEROUS_SETTING, f"{_short(found.group(0))} switches the check of certificates off."
        )
    ]
    if LOCAL_HOST.search(code):
        statement = "The address is this machine itself, written in the code."
        facts.append(_safe(context, FactKind.LOCAL_ADDRESS, statement, Strength.WEAK))
    return facts


def _debug(context: FindingContext, around: Surroundings) -> list[Fact]:
    found = DEBUG_ON.search(without_texts(context.matched_text))
    if found is None:
        return []
    facts = [
        _danger(
            context, FactKind.DANGEROUS_SETTING, f"{_short(found.group(0))} switches debug mode on, fixed in the code."
        )
    ]
    for line, condition in around.conditions:
        if DEBUG_CONDITION.search(condition):
            statement = f"It runs only under the condition {_short(condition)} on line {line}."
            shown = quotes(context, (line, EvidenceRole.GUARD))
            facts.append(Fact(FactKind.UNREACHABLE_DEBUG, statement, shown, Leaning.SAFE, Strength.WEAK))
    return facts


def _token(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = without_comments(context.matched_text)
    found = UNCHECKED_TOKEN.search(code)
    if found is not None:
        return [
            _danger(context, FactKind.DANGEROUS_SETTING, f"{_short(found.group(0))} takes tokens that nobody signed.")
        ]
    return facts_of_secret(context) if re.search(r"\bsign\s*\(|secret", code, re.I) else []


def _cross_origin(context: FindingContext, around: Surroundings) -> list[Fact]:
    code = without_comments(around.statement)
    every = any(text == "*" for text in text_literals(code))
    with_credentials = re.search(r"credentials[\"']?\s*[=:,]\s*[\"']?true\b", code, re.I)
    if every and with_credentials:
        return [_danger(context, FactKind.DANGEROUS_SETTING, "Every origin is allowed together with credentials.")]
    return []


def _temporary_file(context: FindingContext, around: Surroundings) -> list[Fact]:
    if re.search(r"\b(?:mktemp|tmpnam|tempnam)\s*\(", without_texts(context.matched_text)):
        statement = "The name of the file is chosen before it is created, so another process can take it first."
        return [_danger(context, FactKind.DANGEROUS_SETTING, statement)]
    return []


def _secret(context: FindingContext, around: Surroundings) -> list[Fact]:
    return facts_of_secret(context)


def _short(text: str) -> str:
    flat = re.sub(r"\s+", " ", text)
    return flat if len(flat) <= 60 else flat[:57] + "..."  # noqa: PLR2004  a length, said by its place


READERS: dict[Family, Reader] = {
    Family.HASH: _hash,
    Family.RANDOM: _random,
    Family.CIPHER: _cipher,
    Family.COOKIE: _cookie,
    Family.TLS: _certificate,
    Family.DEBUG: _debug,
    Family.JWT: _token,
    Family.CORS: _cross_origin,
    Family.TEMPORARY_FILE: _temporary_file,
    Family.SECRET: _secret,
}
