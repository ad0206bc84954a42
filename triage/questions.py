"""What to ask oneself of a finding, by its weakness class; such questions beat general ones."""

from __future__ import annotations

from findings.context import RuleContext

GENERAL = (
    "Can somebody outside the organization choose the value, and by which line?",
    "Does it reach the matched code on every path, or is there a check or constant before it?",
    "Is this code that runs in production, or a test, an example or a tool of developers?",
)
QUESTIONS: dict[frozenset[int], tuple[str, ...]] = {
    frozenset({89, 564, 943}): (
        "Is the value bound as a parameter, or does it become part of the query text?",
        "Is it a number or one of a fixed list by the time it gets there?",
    ),
    frozenset({77, 78, 88}): (
        "Is a shell involved, or a list of arguments?",
        "Could the value start an option or a second command?",
    ),
    frozenset({79, 80, 116}): (
        "In which context does the value stand in the page: text, attribute, script, address?",
        "Does the framework escape it there by itself, and has somebody switched that off?",
    ),
    frozenset({22, 23, 36, 73}): (
        "Is the path compared with its base folder after it was resolved?",
        "Could `..`, an absolute path or a link lead outside?",
    ),
    frozenset({327, 328, 326, 916}): (
        "What is the digest or cipher used for: a password, a signature, or only a cache key or checksum?",
    ),
    frozenset({330, 338}): ("Would it matter if somebody guessed the value: a token, a password, or only jitter?",),
    frozenset({798, 259, 321}): ("Is the literal a real secret, or an example, a placeholder, a name, a test value?",),
    frozenset({918}): ("Who chooses the host, and are redirects and private addresses excluded?",),
    frozenset({502}): ("Where do the bytes come from, and are they signed before they are read?",),
    frozenset({601}): ("Is the address one of our own before the redirect?",),
    frozenset({611, 776}): ("Are external entities and document types off in the parser that is really used?",),
    frozenset({614, 1004, 1275}): ("Does the cookie carry a session or a secret, or is it being deleted?",),
    frozenset({94, 95}): ("Can somebody outside choose any part of the text that is executed?",),
    frozenset({352}): ("Does the request change anything, and does the framework check its origin elsewhere?",),
}


def questions_for(rule: RuleContext) -> tuple[str, ...]:
    """Return the questions of the rule's weakness classes, then the general ones."""
    own = [question for cwes, questions in QUESTIONS.items() if cwes & rule.cwe_numbers for question in questions]
    return (*own, *GENERAL)
