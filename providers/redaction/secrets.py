"""Secrets in code and configuration: keys of known formats, private keys, passwords, named and random values."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

from providers.redaction.spans import Hidden, Kind
from providers.redaction.tokens import spans_of_tokens

# Every expression below is bounded and is tried only where a plain word was found, so a line of a megabyte costs time
# in proportion to its length.
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY")
_LONGEST_KEY = 20_000
_KEY_PART = re.compile(r"[0-9A-Za-z+/=]{16,20000}")
_KEY_LINE = re.compile(
    r"[\s>|\d\"'`+,\\]{0,60}(?:[0-9A-Za-z+/=]{16,200}|[A-Z][A-Za-z-]{2,20}: [^\r\n]{0,120}|)[\"'`+,;)\\nr\s]{0,12}"
)

_ADDRESS_PASSWORD = re.compile(r"[^\s:/@'\"`<>]{0,100}:(?P<secret>[^\s@/'\"`{}<>]{3,200})@")

_SECRET_WORD = re.compile(
    r"passw(?:or)?ds?|passphrase|passwd|pwd|secret|token(?!i[sz])|api_?-?key|access_?-?key|auth_?-?key|account_?-?key"
    r"|private_?-?key|signing_?-?key|encryption_?-?key|master_?-?key|credential|connection_?-?string",
    re.IGNORECASE,
)
# What may stand between the word and its value: the rest of the name, a type, the sign that gives the value.
_REST_OF_NAME = r"(?P<rest>[\w.-]{0,40})[\"'`\]]{0,3}"
_TYPE = r"(?:\s{0,4}:\s{0,4}[A-Za-z_][\w.\[\]|?<> ]{0,40}?(?=\s{0,4}=))?"
_GIVES = r"\s{0,8}(?:=>|:=|===?|!==?|[:=(,])\s{0,8}"
_QUOTED_VALUE = re.compile(
    rf"{_REST_OF_NAME}{_TYPE}{_GIVES}(?:@?[brfuBRFU]{{0,2}})(?P<quote>\"\"\"|'''|[\"'`])"
    r"(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){4,500})(?:(?P=quote)|$)",
    re.MULTILINE,  # a line that is too long is shown without its end, and so without its last quote
)
_XML_VALUE = re.compile(r"(?P<rest>[\w.-]{0,40})>(?P<secret>[^<>\s]{4,200})</")
# Without quotes: an environment file, properties, YAML, a connection string, an option of a command.
_BARE_VALUE = re.compile(
    r"(?P<rest>[\w.-]{0,40})(?P<gives>=|: {1,8}| {1,4})(?P<secret>[^\s\"'`,;<>(){}\[\]|$\\]{4,200})(?=[\s\"'`;,&]|$)"
)
_PARAMETER = re.compile(r"[?&;]$")
# A name that speaks of a secret without being one: where it is, what it is called, how long it may be.
_SPEAKS_OF = re.compile(
    r"(?:ur[il]|endpoint|name|field|file|path|dir|type|header|param|label|hint|placeholder|title|text|message|error"
    r"|length|size|min|max|regex|pattern|format|template|prefix|suffix|expir|ttl|timeout|age|class|hash(?:er)?s?|policy"
    r"|column|env|var|count|limit|version|algorithm|encoding|status|selector|element|input|required|reset|page|view"
    r"|[_-]id)(?:s|es|ed|_\w*|[A-Z]\w*)?$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(?:[x*.•-]+|<.*>|\$\{.*|\{.*\}|%\(.*|.*%[sd].*|.*\{\w*\}.*|\$\w+|"
    r"change[-_ ]?(?:me|it|this).*|example.*|placeholder|"
    r"dummy|sample|your[-_ ].*|my[-_]?(?:password|secret|token|key)|todo|fixme|none|null|nil|true|false|undefined|"
    r"[a-z_]*(?:password|passwd|pwd|secret|token|api_?key|credentials?)s?[a-z_]*|(?:https?|file)://[^@]*|/[\w./-]*|[\w-]+\.(?:json|ya?ml|pem|key|txt|env|py|js))",
    re.IGNORECASE,
)
_QUOTE_SIGNS = re.compile(r"[\"'`]|\s[+.]\s|^\+|\+$")
_CODE_WORD = re.compile(
    r"[A-Za-z_][\w]*(?:(?:\.|::|->|\?\.)[A-Za-z_]\w*)+|(?:u?int|float|f|i|u|sha|md|utf|base|str|varchar|aes|rsa|hs|rs|es)-?\d{1,4}",
    re.IGNORECASE,
)
_BEFORE_SETTINGS = {"", "export", "set", "-e", "ENV", "ARG"}
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*$")

_LITERAL = re.compile(r"(?P<quote>[\"'`])(?P<secret>[0-9A-Za-z+/=_-]{24,200})(?P=quote)")
# Public by their nature: a UUID, a digest or commit hash in hexadecimal, an integrity value of a lock file.
_PUBLIC = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?:0x)?[0-9a-f]+|(?:0x)?[0-9A-F]+|sha(?:1|256|384|512)-.*"
)
_FEWEST_BITS = 3.6
_FEWEST_CHANGES = 0.28  # of letters' case or to digits, per character; words and alphabets change rarely


def spans_of_secrets(text: str) -> list[Hidden]:
    """Return where secrets stand in a text."""
    spans = [
        *spans_of_tokens(text),
        *_private_keys(text),
        *_passwords_in_addresses(text),
        *_named(text),
        *_random(text),
    ]
    return [Hidden(start, end, Kind.SECRET) for start, end in spans]


def _private_keys(text: str) -> list[tuple[int, int]]:
    """Find each line of a key by itself, so that line numbers and quotes between them stay as they are."""
    found: list[tuple[int, int]] = []
    begin = _KEY_BEGINS.search(text)
    if begin is None:
        return found
    # In a string literal the line ends are written out; their letters must not count as part of the key.
    flat = text.replace("\\n", "  ").replace("\\r", "  ")
    while begin:
        end = _KEY_ENDS.search(text, begin.end(), begin.end() + _LONGEST_KEY)
        stop = end.start() if end else _end_of_cut_key(text, begin.end())
        found += [part.span() for part in _KEY_PART.finditer(flat, begin.end(), stop)]
        begin = _KEY_BEGINS.search(text, max(stop, begin.end()))
    return found


def _end_of_cut_key(text: str, start: int) -> int:
    """Return where a key ends whose last line is not shown: at the first line that is not like its lines."""
    line_end = text.find("\n", start)
    while line_end != -1 and line_end - start < _LONGEST_KEY:
        next_end = text.find("\n", line_end + 1)
        if next_end == -1 or not _KEY_LINE.fullmatch(text, line_end + 1, next_end):
            return line_end
        line_end = next_end
    return min(len(text), start + _LONGEST_KEY)


def _passwords_in_addresses(text: str) -> list[tuple[int, int]]:
    found = []
    start = text.find("://")
    while start != -1:
        match = _ADDRESS_PASSWORD.match(text, start + 3)
        if match and not _NO_SECRET.fullmatch(match["secret"]):
            found.append(match.span("secret"))
        start = text.find("://", start + 3)
    return found


def _named(text: str) -> list[tuple[int, int]]:
    """Find values given to names that say they are secret."""
    return [span for word in _SECRET_WORD.finditer(text) if (span := _value_of(text, word)) is not None]


def _value_of(text: str, word: re.Match[str]) -> tuple[int, int] | None:
    for pattern in (_QUOTED_VALUE, _XML_VALUE):
        given = pattern.match(text, word.end())
        if given:
            may_have_spaces = "phrase" in word.group().lower()
            holds = not _SPEAKS_OF.search(given["rest"]) and _is_secret(
                given["secret"], may_have_spaces=may_have_spaces
            )
            return given.span("secret") if holds else None
    bare = _BARE_VALUE.match(text, word.end())
    return bare.span("secret") if bare and _is_bare_secret(text, word, bare) else None


def _is_secret(value: str, *, may_have_spaces: bool = False) -> bool:
    if _NO_SECRET.fullmatch(value) or _QUOTE_SIGNS.search(value):
        return False
    return may_have_spaces or not any(character.isspace() for character in value.strip())


def _is_bare_secret(text: str, word: re.Match[str], bare: re.Match[str]) -> bool:
    """Tell a secret in a configuration file from a variable, a type or a call in code."""
    value, gives = bare["secret"], bare["gives"]
    if _SPEAKS_OF.search(bare["rest"]) or not _is_secret(value) or _CODE_WORD.fullmatch(value):
        return False
    line_start = text.rfind("\n", max(0, word.start() - 200), word.start()) + 1
    before = text[max(line_start, word.start() - 100) : word.start()]
    has_digit = any(character.isdigit() for character in value)
    if gives.isspace():  # an option of a command; in prose the next word is just a word
        return has_digit and before.split(" ")[-1].startswith("-")
    if gives == "=" and not value.isidentifier():
        return True
    is_given_plainly = gives == "=" and (
        _PARAMETER.search(before) is not None or _is_configuration_line(before, word.group() + bare["rest"])
    )
    return has_digit or is_given_plainly


def _is_configuration_line(before: str, rest_of_name: str) -> bool:
    """Tell a line of an environment or properties file, `NAME=value` or `a.b.name=value`, from an argument in code."""
    stem = re.search(r"[\w.-]*$", before)
    start = stem.group() if stem else ""
    name = start + rest_of_name
    is_first = before.removesuffix(start).strip(" \t>|0123456789") in _BEFORE_SETTINGS
    return is_first and (_ENVIRONMENT_NAME.match(name) is not None or "." in name)


def _random(text: str) -> list[tuple[int, int]]:
    """Find literals that look as if dice had made them."""
    return [match.span("secret") for match in _LITERAL.finditer(text) if _looks_random(match["secret"])]


def _looks_random(value: str) -> bool:
    if _PUBLIC.fullmatch(value) or not any(character.isdigit() for character in value):
        return False
    classes = [_class_of(character) for character in value if character.isalnum()]
    changes = sum(1 for left, right in pairwise(classes) if left != right)
    return bool(classes) and changes / len(classes) >= _FEWEST_CHANGES and _bits_per_character(value) >= _FEWEST_BITS


def _class_of(character: str) -> str:
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"


def _bits_per_character(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
