"""Predictable random numbers replaced by those of the operating system, with the same bounds."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Code,
    Draft,
    arguments_of,
    constant_text,
    named,
    recipe,
    replaced,
    text_of,
)
from remediation.recipes.imports_java import java_import
from remediation.recipes.imports_javascript import javascript_imports, javascript_module
from remediation.recipes.imports_python import python_full_name, python_import_instead

EXPLANATION = "The value comes from the operating system's secure generator, so that nobody can predict it."
TOKEN_EXPLANATION = EXPLANATION + " The token is written in hexadecimal digits now: check what reads it."
# Generators whose methods secrets.SystemRandom has as well.
SYSTEM_RANDOM = frozenset(
    {
        "random",
        "uniform",
        "sample",
        "choices",
        "shuffle",
        "triangular",
        "gauss",
        "normalvariate",
        "randbytes",
        "randint",
        "randrange",
    }
)
PURE = re.compile(r"[A-Za-z_][\w.]*|\d+")


def draw_from_secrets(case: Case) -> Draft | None:
    """Turn a call of Python's `random` into its like in `secrets`."""
    # A seed asks for numbers that can be repeated.
    if re.search(r"\brandom\.seed\(|\bseed\(", case.code.text):
        return None
    for call in case.nodes("call"):
        module, _, function = python_full_name(case.code, text_of(named(call, "function"))).rpartition(".")
        if module != "random":
            continue
        known = python_import_instead(case.code, "secrets", "random", call)
        new = _secret_call(function, arguments_of(call), known.name) if known is not None else None
        if known is not None and new is not None:
            return Draft((*known.changes, replaced(call, new)), EXPLANATION)
    return None


def _secret_call(function: str, arguments: list[Node], secrets: str) -> str | None:
    texts = [text_of(argument) for argument in arguments]
    is_plain = not any(
        argument.type in {"keyword_argument", "list_splat", "dictionary_splat"} for argument in arguments
    )
    if function == "choice" and len(texts) == 1 and is_plain:
        return f"{secrets}.choice({texts[0]})"
    if function == "getrandbits" and len(texts) == 1 and is_plain:
        return f"{secrets}.randbits({texts[0]})"
    if function == "randrange" and len(texts) == 1 and is_plain:
        return f"{secrets}.randbelow({texts[0]})"
    if function in {"randint", "randrange"} and is_plain and len(texts) == 2:  # noqa: PLR2004 - lower and upper bound
        return _between(texts[0], texts[1], secrets, is_closed=function == "randint")
    if function in SYSTEM_RANDOM:
        return f"{secrets}.SystemRandom().{function}({', '.join(texts)})"
    return None


def _between(low: str, high: str, secrets: str, *, is_closed: bool) -> str:
    more = 1 if is_closed else 0
    if low.isdecimal() and high.isdecimal():
        count = int(high) - int(low) + more
        return f"{secrets}.randbelow({count})" if int(low) == 0 else f"{low} + {secrets}.randbelow({count})"
    if low == "0" and PURE.fullmatch(high):
        return f"{secrets}.randbelow({high} + 1)" if is_closed else f"{secrets}.randbelow({high})"
    # The lower bound would be evaluated twice, so the whole generator takes it over.
    return f"{secrets}.SystemRandom().{'randint' if is_closed else 'randrange'}({low}, {high})"


def use_secure_random(case: Case) -> Draft | None:
    """Turn Java's `new Random()` and `Math.random()` into SecureRandom."""
    for node in case.nodes("object_creation_expression", "method_invocation"):
        if node.type == "object_creation_expression":
            kind = text_of(named(node, "type"))
            if (
                kind not in {"Random", "java.util.Random"}
                or arguments_of(node)
                or node.named_children[-1].type == "class_body"
            ):
                continue
            new = "new {}()"
        elif re.sub(r"\s", "", text_of(node)) in {"Math.random()", "java.lang.Math.random()"}:
            new = "new {}().nextDouble()"
        else:
            continue
        known = java_import(case.code, "java.security.SecureRandom")
        name = known.name if known is not None else "java.security.SecureRandom"
        changes = known.changes if known is not None else ()
        return Draft((*changes, replaced(node, new.format(name))), EXPLANATION)
    return None


def draw_from_node_crypto(case: Case) -> Draft | None:
    """Turn the common shapes around `Math.random()` into Node's `crypto`; code of a browser is left alone."""
    if not runs_in_node(case.code):
        return None
    for random in case.nodes("call_expression"):
        if text_of(named(random, "function")) != "Math.random":
            continue
        known = javascript_module(case.code, "crypto", "crypto")
        token = _token(random, known.name) if known is not None else None
        number = _number_below(random, known.name) if known is not None else None
        if known is not None and token is not None:
            return Draft((*known.changes, replaced(*token)), TOKEN_EXPLANATION)
        if known is not None and number is not None:
            return Draft((*known.changes, replaced(*number)), EXPLANATION)
    return None


def runs_in_node(code: Code) -> bool:
    """Tell whether a JavaScript file is a Node.js program: it requires modules, or imports one of Node's own."""
    if re.search(r"\b(?:document|window|navigator|localStorage)\s*\.", code.text):
        return False
    own = {"crypto", "fs", "path", "http", "https", "os", "child_process", "express", "util", "url", "net", "stream"}
    return bool(re.search(r"\brequire\(|\bmodule\.exports\b|\bprocess\.", code.text)) or any(
        each.module in own for each in javascript_imports(code)
    )


def _call_on(node: Node, method: str) -> Node | None:
    """Return the call `node.method(…)` around a node."""
    member = node.parent
    if member is None or member.type != "member_expression" or text_of(named(member, "property")) != method:
        return None
    return member.parent if member.parent is not None and member.parent.type == "call_expression" else None


def _token(random: Node, crypto: str) -> tuple[Node, str] | None:
    """Read `Math.random().toString(36).slice(2, 10)` and its like."""
    text = _call_on(random, "toString")
    if text is None or [text_of(each) for each in arguments_of(text)] not in (["36"], ["16"], ["32"]):
        return None
    for method in ("slice", "substring", "substr"):
        cut = _call_on(text, method)
        bounds = [text_of(each) for each in arguments_of(cut)] if cut is not None else []
        if cut is None or not all(bound.isdecimal() for bound in bounds) or not bounds:
            continue
        if len(bounds) == 1:
            return cut, f'{crypto}.randomBytes(8).toString("hex")'
        length = int(bounds[1]) - (0 if method == "substr" else int(bounds[0]))
        if length <= 0:
            return None
        new = f'{crypto}.randomBytes({(length + 1) // 2}).toString("hex")'
        return cut, f"{new}.slice(0, {length})" if length % 2 else new
    return None


def _number_below(random: Node, crypto: str) -> tuple[Node, str] | None:
    """Read `Math.floor(Math.random() * count)`, in either order."""
    product = random.parent
    if product is None or product.type != "binary_expression" or text_of(named(product, "operator")) != "*":
        return None
    left, right = named(product, "left"), named(product, "right")
    factor = right if left is not None and left.id == random.id else left
    floor = product.parent.parent if product.parent is not None else None
    if (
        floor is None
        or factor is None
        or text_of(named(floor, "function")) not in {"Math.floor", "Math.trunc", "parseInt"}
    ):
        return None
    count = text_of(factor)
    if len(arguments_of(floor)) != 1 or not _is_whole(count):
        return None
    return floor, f"{crypto}.randomInt({count})"


def _is_whole(count: str) -> bool:
    """Tell whether an expression is a whole number for sure: crypto.randomInt throws on any other."""
    return bool(re.fullmatch(r"\d[\d_]*(?:e\d+)?|[\w$.]+\.length|\(\s*\d+\s*[-+]\s*\d+(?:\s*[-+]\s*\d+)?\s*\)", count))


def name_by_uuid(case: Case) -> Draft | None:
    """Turn the UUID template that is filled by `Math.random()` into `crypto.randomUUID()`."""
    for call in case.nodes("call_expression"):
        receiver = named(named(call, "function") or call, "object")
        template = constant_text(receiver) or ""
        if (
            re.fullmatch(r"x{8}-x{4}-4x{3}-yx{3}-x{12}", template)
            and "Math.random" in text_of(call)
            and runs_in_node(case.code)
        ):
            known = javascript_module(case.code, "crypto", "crypto")
            if known is not None:
                return Draft((*known.changes, replaced(call, f"{known.name}.randomUUID()")), EXPLANATION)
    return None


CWES = {330, 331, 338, 335, 340, 343}
WORDS = "random prng insecurerandom rand"
RECIPES = (
    recipe(draw_from_secrets, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(use_secure_random, languages=JAVA, cwes=CWES, words=WORDS),
    recipe(name_by_uuid, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
    recipe(draw_from_node_crypto, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
)
