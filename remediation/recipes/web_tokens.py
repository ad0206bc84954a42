"""JSON Web Tokens whose signature was not checked, checked with the key and the algorithm that sign them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from remediation.recipes.code import (
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    added_arguments,
    arguments_of,
    constant_text,
    keyword_of,
    named,
    recipe,
    replaced,
    text_of,
    within,
)
from remediation.recipes.imports_javascript import javascript_full_name
from remediation.recipes.imports_python import python_full_name
from remediation.recipes.objects import property_of

SYMMETRIC = re.compile(r"HS(?:256|384|512)")
EXPLANATION = (
    "The signature is checked with the key and the algorithm that this file signs with. "
    "A token with a wrong signature now raises an error: check that the caller answers it as a refused login."
)


@dataclass(frozen=True)
class Signing:
    """The key and the algorithm by which the file signs tokens."""

    key: str
    algorithm: str


def python_signing(case: Case) -> Signing | None:
    """Return how `jwt.encode` signs in this file; None where it does not, or does so in several ways."""
    found = set()
    for call in case.code.of_type("call"):
        if python_full_name(case.code, text_of(named(call, "function"))) != "jwt.encode":
            continue
        arguments = arguments_of(call)
        keyword = keyword_of(call, "algorithm")
        algorithm = named(keyword, "value") if keyword is not None else next(iter(arguments[2:3]), None)
        written = constant_text(algorithm) if algorithm is not None else "HS256"
        if not arguments[1:] or written is None or not SYMMETRIC.fullmatch(written):
            return None
        found.add(Signing(text_of(arguments[1]), written))
    return found.pop() if len(found) == 1 else None


def verify_signature_in_python(case: Case) -> Draft | None:
    """Take the switches that turn checking off out of `jwt.decode`, and pin key and algorithm."""
    for call in case.nodes("call"):
        arguments = arguments_of(call)
        if python_full_name(case.code, text_of(named(call, "function"))) != "jwt.decode" or not arguments:
            continue
        algorithms = keyword_of(call, "algorithms")
        if algorithms is not None and re.search(r"['\"]none['\"]", text_of(algorithms), re.IGNORECASE):
            return _without_none(algorithms)
        if not _is_unchecked(call) and algorithms is not None:
            continue
        signing = python_signing(case)
        given = [text_of(each) for each in arguments if each.type != "keyword_argument"]
        # What the token is read with must be what it is signed with; else only its author knows.
        if signing is None or (len(given) > 1 and given[1] not in {signing.key, "None", '""', "''"}):
            continue
        kept = [text_of(each) for each in arguments[1:] if _is_kept(each)]
        new = [given[0], signing.key, f'algorithms=["{signing.algorithm}"]', *kept]
        listed = named(call, "arguments")
        if listed is not None:
            return Draft((replaced(listed, f"({', '.join(new)})"),), EXPLANATION)
    return None


def _is_unchecked(call: Node) -> bool:
    return bool(
        re.search(
            r"['\"]verify_signature['\"]\s*:\s*False|\bverify\s*=\s*False|verify_signature\s*=\s*False", text_of(call)
        )
    )


def _is_kept(argument: Node) -> bool:
    return argument.type == "keyword_argument" and text_of(named(argument, "name")) not in {
        "options",
        "verify",
        "algorithms",
        "key",
    }


def _without_none(algorithms: Node) -> Draft | None:
    listed = next(within(algorithms, "list", "array"), None)
    if listed is None:
        return None
    kept = [text_of(each) for each in listed.named_children if (constant_text(each) or "").lower() != "none"]
    if not kept:
        return None
    return Draft(
        (replaced(listed, f"[{', '.join(kept)}]"),),
        "Unsigned tokens (algorithm none) are refused. Check that every issuer signs its tokens.",
    )


def javascript_signing(case: Case) -> Signing | None:
    """Return how `jwt.sign` signs in this file; None where it does not, or does so in several ways."""
    found = set()
    for call in case.code.of_type("call_expression"):
        if javascript_full_name(case.code, text_of(named(call, "function"))) != "jsonwebtoken.sign":
            continue
        arguments = arguments_of(call)
        if not arguments[1:]:
            return None
        options = next((each for each in arguments[2:] if each.type == "object"), None)
        pair = property_of(options, "algorithm") if options is not None else None
        algorithm = constant_text(named(pair, "value")) if pair is not None else "HS256"
        if algorithm is None or not SYMMETRIC.fullmatch(algorithm):
            return None
        found.add(Signing(text_of(arguments[1]), algorithm))
    return found.pop() if len(found) == 1 else None


def verify_signature_in_javascript(case: Case) -> Draft | None:
    """Turn `jwt.decode(token)` into `jwt.verify`, pin the algorithms of `jwt.verify`, and refuse `none`."""
    for call in case.nodes("call_expression"):
        function, arguments = named(call, "function"), arguments_of(call)
        name = javascript_full_name(case.code, text_of(function))
        if name == "jsonwebtoken.verify" and arguments[1:]:
            draft = _pinned(case, call, arguments)
            if draft is not None:
                return draft
        if (
            name != "jsonwebtoken.decode"
            or len(arguments) != 1
            or function is None
            or function.type != "member_expression"
        ):
            continue
        signing = javascript_signing(case)
        if signing is not None:
            verify = replaced(function, f"{text_of(named(function, 'object'))}.verify")
            checks = added_arguments(case.code, call, signing.key, f'{{ algorithms: ["{signing.algorithm}"] }}')
            return Draft((verify, checks), EXPLANATION)
    return None


def _pinned(case: Case, call: Node, arguments: list[Node]) -> Draft | None:
    options = next((each for each in arguments[2:] if each.type == "object"), None)
    pair = property_of(options, "algorithms") if options is not None else None
    if pair is not None:
        return _without_none(pair) if re.search(r"['\"]none['\"]", text_of(pair), re.IGNORECASE) else None
    signing = javascript_signing(case)
    if signing is None or len(arguments) != 2 or text_of(arguments[1]) != signing.key:  # noqa: PLR2004 - token and key
        return None
    return Draft((_algorithms(case, call, signing),), EXPLANATION)


def _algorithms(case: Case, call: Node, signing: Signing) -> Change:
    return added_arguments(case.code, call, f'{{ algorithms: ["{signing.algorithm}"] }}')


CWES = {347, 345, 327, 287, 290}
WORDS = "jwt jsonwebtoken pyjwt"
RECIPES = (
    recipe(verify_signature_in_python, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(verify_signature_in_javascript, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
)
