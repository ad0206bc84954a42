"""Weak digests replaced by SHA-256, never where a password is hashed: that needs another kind of function."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Draft,
    arguments_of,
    constant_text,
    keyword_of,
    named,
    recipe,
    replaced,
    scope_of,
    statement_of,
    text_of,
)
from remediation.recipes.imports_javascript import javascript_full_name
from remediation.recipes.imports_python import python_full_name, python_sibling

WEAK = frozenset({"md5", "md4", "md2", "sha1", "sha", "sha-1"})
PASSWORD_WORDS = re.compile(r"passw|passphrase|pwd|passcode|\bpin\b|credential|login", re.IGNORECASE)
# Protocols that prescribe the weak digest, and digests written down: another one would never match.
FIXED_BY_OTHERS = re.compile(
    r"gravatar|content-?md5|\bwsse\b|www-authenticate|x-hub-signature|sec-websocket|\betag\b|\bgit\b|\buuid|"
    # A digest that serves as a key or a vector has the length that the cipher wants.
    r"cipher|encrypt|decrypt|\bAES\b|\bDES|SecretKeySpec|[\"'][0-9a-fA-F]{32}(?:[0-9a-fA-F]{8})?[\"']",
    re.IGNORECASE,
)
EXPLANATION = (
    "The digest is computed with SHA-256, for which no collisions are known. It is longer and differs from before: "
    "check stored digests, column lengths and other systems that compare it."
)


def _is_free_to_change(node: Node) -> bool:
    around = f"{text_of(statement_of(node))} {text_of(named(scope_of(node), 'name'))}"
    return not PASSWORD_WORDS.search(around) and not FIXED_BY_OTHERS.search(text_of(scope_of(node)))


def hash_with_sha256_in_python(case: Case) -> Draft | None:
    """Turn `hashlib.md5(…)` and `hashlib.new("md5", …)` into SHA-256."""
    for call in case.nodes("call"):
        function = named(call, "function")
        full_name = python_full_name(case.code, text_of(function))
        arguments = arguments_of(call)
        if function is None or keyword_of(call, "usedforsecurity") or not _is_free_to_change(call):
            continue
        if full_name == "hashlib.new" and arguments and (constant_text(arguments[0]) or "").lower() in WEAK:
            quote = text_of(arguments[0])[-1]
            return Draft((replaced(arguments[0], f"{quote}sha256{quote}"),), EXPLANATION)
        if full_name in {f"hashlib.{name}" for name in WEAK}:
            known = python_sibling(case.code, function, "hashlib", "sha256")
            return Draft((*known.changes, replaced(function, known.name)), EXPLANATION) if known is not None else None
    return None


def hash_with_sha256_in_java(case: Case) -> Draft | None:
    """Turn `MessageDigest.getInstance("MD5")` into SHA-256."""
    for call in case.nodes("method_invocation"):
        arguments = arguments_of(call)
        receiver = text_of(named(call, "object")).rpartition(".")[2]
        if (receiver, text_of(named(call, "name"))) != ("MessageDigest", "getInstance") or not arguments:
            continue
        if (constant_text(arguments[0]) or "").lower() in WEAK and _is_free_to_change(call):
            return Draft((replaced(arguments[0], '"SHA-256"'),), EXPLANATION)
    return None


def hash_with_sha256_in_javascript(case: Case) -> Draft | None:
    """Turn `crypto.createHash('md5')` into SHA-256."""
    for call in case.nodes("call_expression"):
        function = named(call, "function")
        arguments = arguments_of(call)
        name = javascript_full_name(case.code, text_of(function))
        if name != "crypto.createHash" and not name.endswith(".crypto.createHash"):
            continue
        if arguments and (constant_text(arguments[0]) or "").lower() in WEAK and _is_free_to_change(call):
            quote = text_of(arguments[0])[0]
            return Draft((replaced(arguments[0], f"{quote}sha256{quote}"),), EXPLANATION)
    return None


WORDS = "md5 sha1 md4 hash digest hashlib"
RECIPES = (
    recipe(hash_with_sha256_in_python, languages=PYTHON, cwes={327, 328, 326}, words=WORDS),
    recipe(hash_with_sha256_in_java, languages=JAVA, cwes={327, 328, 326}, words=WORDS),
    recipe(hash_with_sha256_in_javascript, languages=JAVASCRIPT, cwes={327, 328, 326}, words=WORDS),
)
