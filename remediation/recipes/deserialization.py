"""Loaders and evaluators that can run code, replaced by those that only read values."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    arguments_of,
    constant_text,
    enclosing,
    keyword_of,
    named,
    recipe,
    removed_argument,
    replaced,
    scope_of,
    statement_of,
    text_of,
)
from remediation.recipes.imports_python import python_full_name, python_import, python_sibling

SAFE_LOADER = {
    "yaml.load": "safe_load",
    "yaml.unsafe_load": "safe_load",
    "yaml.full_load": "safe_load",
    "yaml.load_all": "safe_load_all",
    "yaml.unsafe_load_all": "safe_load_all",
    "yaml.full_load_all": "safe_load_all",
}
UNSAFE_LOADERS = frozenset(
    f"yaml.{name}" for name in ("Loader", "UnsafeLoader", "FullLoader", "CLoader", "CUnsafeLoader", "CFullLoader")
)
LOAD_EXPLANATION = (
    "The document is read with PyYAML's safe loader, which builds plain values and never runs code. "
    "Check that no document relies on Python tags such as !!python/object."
)
# Words in the names around an evaluation that say it reads a value, and those that say it computes one.
VALUE_WORDS = re.compile(
    r"data|json|payload|config|setting|option|literal|dict|list|tuple|pref|body|record|profile|attribute|metadata|session",
    re.IGNORECASE,
)
PROGRAM_WORDS = re.compile(
    r"formula|expr|calc|comput|math|equation|condition|filter|code|script|rule|command|func|lambda|query|source",
    re.IGNORECASE,
)


def load_yaml_safely(case: Case) -> Draft | None:
    """Turn `yaml.load` and its unsafe kin into `yaml.safe_load`."""
    for call in case.nodes("call"):
        function = named(call, "function")
        safe = SAFE_LOADER.get(python_full_name(case.code, text_of(function)))
        if safe is None or function is None:
            continue
        arguments = arguments_of(call)
        loader = keyword_of(call, "Loader") or next(iter(arguments[1:2]), None)
        if loader is not None and _loader_name(case, loader) not in UNSAFE_LOADERS:
            continue
        # The document's own tags are registered for another loader than the safe one.
        if not arguments or re.search(r"\badd_(?:multi_)?(?:constructor|representer)\b|\bYAMLObject\b", case.code.text):
            return None
        known = python_sibling(case.code, function, "yaml", safe)
        if known is None:
            return None
        name = Change(function.start_byte, function.end_byte, known.name)
        dropped = (removed_argument(case.code, loader),) if loader is not None else ()
        return Draft((*known.changes, name, *dropped), LOAD_EXPLANATION)
    return None


def _loader_name(case: Case, loader: Node) -> str:
    value = named(loader, "value") if loader.type == "keyword_argument" else loader
    return python_full_name(case.code, text_of(value))


def load_ruamel_safely(case: Case) -> Draft | None:
    """Turn ruamel's `YAML(typ="unsafe")` into `YAML(typ="safe")`."""
    for call in case.nodes("call"):
        if python_full_name(case.code, text_of(named(call, "function"))) != "ruamel.yaml.YAML":
            continue
        kind = keyword_of(call, "typ")
        value = named(kind, "value") if kind is not None else None
        if value is not None and constant_text(value) == "unsafe":
            quote = text_of(value)[0]
            return Draft((replaced(value, f"{quote}safe{quote}"),), LOAD_EXPLANATION.replace("PyYAML", "ruamel.yaml"))
    return None


def evaluate_literals_only(case: Case) -> Draft | None:
    """Turn `eval(value)` into `ast.literal_eval(value)` where the names around it say that it reads a value."""
    for call in case.nodes("call"):
        arguments = arguments_of(call)
        if text_of(named(call, "function")) != "eval" or len(arguments) != 1 or "=" in text_of(arguments[0]):
            continue
        around = f"{text_of(arguments[0])} {_assigned_name(call)} {text_of(named(scope_of(call), 'name'))}"
        if not VALUE_WORDS.search(around) or PROGRAM_WORDS.search(around):
            continue
        known = python_import(case.code, "ast")
        function = named(call, "function")
        if known is not None and function is not None:
            return Draft(
                (*known.changes, replaced(function, f"{known.name}.literal_eval")),
                "Only Python literals (texts, numbers, lists, dictionaries) are accepted; anything else raises "
                "ValueError instead of running. If the text is JSON with true, false or null, use json.loads instead.",
            )
    return None


def _assigned_name(call: Node) -> str:
    assignment = enclosing(call, "assignment", "variable_declarator")
    return text_of(named(assignment, "left") or named(assignment, "name")) if assignment is not None else ""


def parse_json(case: Case) -> Draft | None:
    """Turn `eval("(" + text + ")")` and `Function("return " + text)()` into `JSON.parse(text)`."""
    for node in case.nodes("call_expression", "new_expression"):
        value = _json_in_brackets(node) or _json_returned(node)
        target = _whole_evaluation(node)
        if value is not None and target is not None:
            return Draft(
                (replaced(target, f"JSON.parse({text_of(value)})"),),
                "The text is parsed as JSON and never runs. Check that its writers send strict JSON: names in double "
                "quotes, no comments, no trailing commas.",
            )
    return None


def _json_in_brackets(node: Node) -> Node | None:
    arguments = arguments_of(node)
    if text_of(named(node, "function")) not in {"eval", "window.eval", "global.eval"} or len(arguments) != 1:
        return None
    outer = arguments[0]
    inner, closing = named(outer, "left"), named(outer, "right")
    if outer.type == "template_string":
        pieces = [child for child in outer.children if child.type != "comment"]
        texts = [text_of(piece) for piece in pieces if piece.type == "string_fragment"]
        held = [piece for piece in pieces if piece.type == "template_substitution"]
        return held[0].named_children[0] if texts == ["(", ")"] and len(held) == 1 else None
    if inner is None or inner.type != "binary_expression" or constant_text(closing) != ")":
        return None
    return named(inner, "right") if constant_text(named(inner, "left")) == "(" else None


def _json_returned(node: Node) -> Node | None:
    function = text_of(named(node, "function") or named(node, "constructor"))
    arguments = arguments_of(node)
    if function != "Function" or len(arguments) != 1 or arguments[0].type != "binary_expression":
        return None
    start = constant_text(named(arguments[0], "left"))
    return named(arguments[0], "right") if start is not None and start.strip() == "return" else None


def _whole_evaluation(node: Node) -> Node | None:
    """Return what gives the value: the call itself, or the call of the function that was made."""
    if text_of(named(node, "function")).endswith("eval"):
        return node
    outer = node.parent
    while outer is not None and outer.type == "parenthesized_expression":
        outer = outer.parent
    is_called = outer is not None and outer.type == "call_expression" and not arguments_of(outer)
    return outer if is_called and outer is not None and statement_of(outer) is not None else None


RECIPES = (
    recipe(load_yaml_safely, languages=PYTHON, cwes={502, 20, 94}, words="yaml pyyaml deserialization"),
    recipe(load_ruamel_safely, languages=PYTHON, cwes={502, 20, 94}, words="yaml ruamel deserialization"),
    recipe(evaluate_literals_only, languages=PYTHON, cwes={94, 95, 78}, words="eval"),
    recipe(parse_json, languages=JAVASCRIPT, cwes={94, 95}, words="eval"),
)
