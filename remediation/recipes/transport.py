"""Certificates that were not checked, checked again."""

from __future__ import annotations

import re

from remediation.recipes.code import (
    JAVASCRIPT,
    PYTHON,
    Case,
    Draft,
    constant_text,
    keyword_of,
    named,
    recipe,
    removed_argument,
    replaced,
    scope_of,
    text_of,
    within,
)
from remediation.recipes.imports_python import python_full_name

EXPLANATION = (
    "The server's certificate is checked again. Check that it is signed by an authority the client knows; "
    "for a private one, name its certificate file instead of switching the check off."
)


def verify_certificates(case: Case) -> Draft | None:
    """Take `verify=False` (requests, httpx) or `ssl=False` (aiohttp) out of a call, so that the safe default holds."""
    for call in case.nodes("call"):
        for name in ("verify", "verify_ssl", "ssl_verify", "ssl"):
            keyword = keyword_of(call, name)
            function = text_of(named(call, "function"))
            # For most libraries `ssl=False` means a plain connection; in aiohttp it means an unchecked one.
            if keyword is None or (name == "ssl" and "aiohttp" not in case.code.text):
                continue
            # In jwt.decode, `verify` is about a signature.
            if text_of(named(keyword, "value")) == "False" and not function.endswith("decode"):
                return Draft((removed_argument(case.code, keyword),), EXPLANATION)
    return None


def verify_in_session(case: Case) -> Draft | None:
    """Turn `session.verify = False` into `True`."""
    for assignment in case.nodes("assignment"):
        target, value = named(assignment, "left"), named(assignment, "right")
        if target is None or value is None or target.type != "attribute" or text_of(value) != "False":
            continue
        if text_of(named(target, "attribute")) in {"verify", "verify_ssl"}:
            return Draft((replaced(value, "True"),), EXPLANATION)
    return None


def default_context(case: Case) -> Draft | None:
    """Turn `ssl._create_unverified_context()` into the checking context, called or assigned."""
    for node in case.nodes("call", "attribute"):
        target = named(node, "function") if node.type == "call" else node
        if target is None or python_full_name(case.code, text_of(target)) != "ssl._create_unverified_context":
            continue
        module = text_of(named(target, "object"))
        if module and target.type == "attribute":
            return Draft((replaced(target, f"{module}.create_default_context"),), EXPLANATION)
    return None


def checking_context(case: Case) -> Draft | None:
    """Turn `verify_mode = ssl.CERT_NONE` and `check_hostname = False` of one context into the checking values."""
    for assignment in case.nodes("assignment"):
        target = named(assignment, "left")
        if target is None or text_of(named(target, "attribute")) not in {"verify_mode", "check_hostname"}:
            continue
        context = text_of(named(target, "object"))
        changes = []
        for each in within(scope_of(assignment), "assignment"):
            attribute, value = text_of(named(each, "left")), named(each, "right")
            if value is None:
                continue
            if attribute == f"{context}.verify_mode" and text_of(value).endswith("CERT_NONE"):
                changes.append(replaced(value, text_of(value).replace("CERT_NONE", "CERT_REQUIRED")))
            elif attribute == f"{context}.check_hostname" and text_of(value) == "False":
                changes.append(replaced(value, "True"))
        if changes:
            return Draft(tuple(changes), EXPLANATION)
    return None


def reject_unauthorized(case: Case) -> Draft | None:
    """Turn `rejectUnauthorized: false`, and the like of it, into true."""
    for pair in case.nodes("pair"):
        name, value = text_of(named(pair, "key")).strip("'\""), named(pair, "value")
        if name in {"rejectUnauthorized", "strictSSL"} and value is not None and value.type == "false":
            return Draft((replaced(value, "true"),), EXPLANATION)
    for assignment in case.nodes("assignment_expression"):
        target, value = named(assignment, "left"), named(assignment, "right")
        if value is None:
            continue
        name = re.split(r"[.\[]", text_of(target))[-1].strip("'\"]")
        if name == "rejectUnauthorized" and value.type == "false":
            return Draft((replaced(value, "true"),), EXPLANATION)
        if name == "NODE_TLS_REJECT_UNAUTHORIZED" and (text_of(value) == "0" or constant_text(value) == "0"):
            return Draft((replaced(value, text_of(value).replace("0", "1")),), EXPLANATION)
    return None


WORDS = "tls ssl certificate certificates verify unverified insecuretls rejectunauthorized"
RECIPES = (
    recipe(verify_certificates, languages=PYTHON, cwes={295, 297, 319}, words=WORDS),
    recipe(verify_in_session, languages=PYTHON, cwes={295, 297, 319}, words=WORDS),
    recipe(default_context, languages=PYTHON, cwes={295, 297}, words=WORDS),
    recipe(checking_context, languages=PYTHON, cwes={295, 297}, words=WORDS),
    recipe(reject_unauthorized, languages=JAVASCRIPT, cwes={295, 297}, words=WORDS),
)
