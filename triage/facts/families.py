"""Which kind of weakness a rule looks for. Metadata of rules is sometimes wrong, so its name is asked as well."""

from __future__ import annotations

import re
from enum import StrEnum

from findings.context import RuleContext


class Family(StrEnum):
    """Kinds of weakness that are judged alike."""

    SQL = "SQL injection"
    COMMAND = "command injection"
    XSS = "cross-site scripting"
    PATH = "path traversal"
    CODE = "code injection"
    REDIRECT = "open redirect"
    SSRF = "server-side request forgery"
    DESERIALIZATION = "unsafe deserialization"
    XXE = "XML external entities"
    LDAP = "LDAP injection"
    XPATH = "XPath injection"
    TEMPLATE = "template injection"
    TRUST_BOUNDARY = "trust boundary violation"
    HASH = "weak hash"
    CIPHER = "weak cipher"
    RANDOM = "weak randomness"
    COOKIE = "insecure cookie"
    SECRET = "hard-coded secret"  # noqa: S105  the name of a kind
    TLS = "unchecked certificate"
    CORS = "cross-origin access"
    DEBUG = "debug mode"
    TEMPORARY_FILE = "insecure temporary file"
    JWT = "unchecked token"
    OTHER = "other"


# Those where the question is whether data from outside reaches the match.
INJECTIONS = frozenset(
    {
        Family.SQL,
        Family.COMMAND,
        Family.XSS,
        Family.PATH,
        Family.CODE,
        Family.REDIRECT,
        Family.SSRF,
        Family.DESERIALIZATION,
        Family.XXE,
        Family.LDAP,
        Family.XPATH,
        Family.TEMPLATE,
        Family.TRUST_BOUNDARY,
    }
)

# The first that fits decides: the narrow before the wide.
FAMILY_OF_WORDS = [
    (r"jwt|jsonwebtoken|jose", Family.JWT),
    (r"sql", Family.SQL),
    (r"ldap", Family.LDAP),
    (r"xpath", Family.XPATH),
    (r"ssti|template-injection|render-template-string|template-string", Family.TEMPLATE),
    (r"xss|direct-response|response-write|inner-?html|unescaped|make-response|raw-html|mark-safe|directly", Family.XSS),
    (r"subprocess|command|cmd|exec-?shell|shell|os-system|spawn|child-proc|system-call|process-build", Family.COMMAND),
    (r"traversal|path-join|tainted-path|file-inclusion|zip-?slip|sendfile|path-injection", Family.PATH),
    (r"ssrf|tainted-url-host", Family.SSRF),
    (r"redirect", Family.REDIRECT),
    (r"xxe|defused|xml-?external|documentbuilder|saxparser|xmlinput", Family.XXE),
    (r"deserial|pickle|pyyaml|yaml-load|unserialize|object-?input|marshal|unsafe-yaml", Family.DESERIALIZATION),
    (r"tainted-session|trust-boundary", Family.TRUST_BOUNDARY),
    (r"eval|exec-|-exec|code-injection|exec-detected|dynamic-code", Family.CODE),
    (r"cors|cross-origin", Family.CORS),
    (r"cookie|session-(?:secure|httponly)|httponly", Family.COOKIE),
    (r"hardcod|hard-coded|generic-secret|api-key|private-key|detected-.*(?:key|token|password|secret)", Family.SECRET),
    (r"verify|certificate|ssl|tls|trust-?manager|hostname", Family.TLS),
    (r"debug", Family.DEBUG),
    (r"tempfile|mktemp|tmp", Family.TEMPORARY_FILE),
    (r"random|rand\b|prng", Family.RANDOM),
    (r"\bdes\b|desede|rc4|blowfish|ecb|cipher", Family.CIPHER),
    (r"md5|sha-?1\b|hash|md4|md2", Family.HASH),
]  # fmt: skip

FAMILY_OF_CWE = {
    78: Family.COMMAND, 77: Family.COMMAND, 88: Family.COMMAND, 79: Family.XSS, 80: Family.XSS, 116: Family.XSS,
    89: Family.SQL, 564: Family.SQL, 943: Family.SQL, 22: Family.PATH, 23: Family.PATH, 73: Family.PATH,
    98: Family.PATH, 94: Family.CODE, 95: Family.CODE, 96: Family.CODE, 601: Family.REDIRECT, 918: Family.SSRF,
    502: Family.DESERIALIZATION, 611: Family.XXE, 776: Family.XXE, 90: Family.LDAP, 643: Family.XPATH,
    1336: Family.TEMPLATE, 501: Family.TRUST_BOUNDARY, 328: Family.HASH, 916: Family.HASH, 330: Family.RANDOM,
    338: Family.RANDOM, 614: Family.COOKIE, 1004: Family.COOKIE, 1275: Family.COOKIE, 798: Family.SECRET,
    259: Family.SECRET, 321: Family.SECRET, 522: Family.SECRET, 295: Family.TLS, 297: Family.TLS, 346: Family.CORS,
    942: Family.CORS, 489: Family.DEBUG, 377: Family.TEMPORARY_FILE, 379: Family.TEMPORARY_FILE, 347: Family.JWT,
}  # fmt: skip

# CWEs that more than one family shares; the name of the rule tells which.
AMBIGUOUS_CWE = {327: {Family.HASH, Family.CIPHER, Family.JWT}, 326: {Family.HASH, Family.CIPHER}}

LINTER_NAMES = {
    "B102": Family.CODE, "B103": Family.OTHER, "B108": Family.TEMPORARY_FILE, "B201": Family.DEBUG,
    "B301": Family.DESERIALIZATION, "B303": Family.HASH, "B306": Family.TEMPORARY_FILE, "B307": Family.CODE,
    "B311": Family.RANDOM, "B324": Family.HASH, "B501": Family.TLS, "B506": Family.DESERIALIZATION,
    "B602": Family.COMMAND, "B603": Family.COMMAND, "B605": Family.COMMAND, "B608": Family.SQL,
    "B703": Family.XSS,
}  # fmt: skip


def family_of(rule: RuleContext) -> Family:
    """Return the family of a rule, from its name where that says it, else from its CWE."""
    name = rule.name
    if name.upper() in LINTER_NAMES:
        return LINTER_NAMES[name.upper()]
    by_cwe = [FAMILY_OF_CWE[number] for number in sorted(rule.cwe_numbers) if number in FAMILY_OF_CWE]
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name).lower().replace("_", "-")
    by_name = [family for pattern, family in FAMILY_OF_WORDS if re.search(pattern, words)]
    for family in by_name:
        if family in by_cwe:
            return family
    possible = set[Family]().union(*(AMBIGUOUS_CWE.get(number, set()) for number in rule.cwe_numbers))
    for family in by_name:
        if family in possible:
            return family
    if by_name and not by_cwe:
        return by_name[0]
    if by_cwe:
        return by_cwe[0] if not by_name or by_cwe[0] in INJECTIONS or by_name[0] not in INJECTIONS else by_name[0]
    return Family.HASH if possible == {Family.HASH, Family.CIPHER} else Family.OTHER
