"""Computing with constants, as far as the languages agree on the answer."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product

from triage.facts.flow.program import Literal
from triage.facts.flow.values import FIXED, MOST_CONSTANTS, Exact, Value, constant, exact, mixed, one_of

LONGEST_TEXT = 4000
Number = int | float


def _divide(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):  # Java's way; the others' is taken care of by the caller
        return int(left / right)
    return left / right


COMPARISONS: dict[str, Callable[[Literal, Literal], bool]] = {
    "==": operator.eq, "===": operator.eq, "is": operator.eq, "!=": operator.ne, "!==": operator.ne,
    "is not": operator.ne,
}  # fmt: skip
ORDERINGS: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


class CannotFold(Exception):
    """The operation has no answer that can be computed here."""


def folded(symbol: str, values: list[Value], language: str) -> Value | None:
    """Return the constants that an operation over constants gives, None where they cannot be computed."""
    choices = [value.constants for value in values]
    if any(choice is None for choice in choices):
        return None
    known = [choice for choice in choices if choice is not None]
    results: set[Exact] = set()
    combinations = list(product(*known))
    if len(combinations) > MOST_CONSTANTS:
        return None
    try:
        for combination in combinations:
            results.add(exact(_compute(symbol, [value for _, value in combination], language)))
    except (CannotFold, ArithmeticError, TypeError, ValueError):
        return None
    united = mixed(values)
    answer = one_of(results)
    if answer.single is not None and isinstance(answer.single[1], str):
        answer = constant(answer.single[1])
    return Value(constants=answer.constants, notes=united.notes, prefix=answer.prefix) if answer is not FIXED else None


def _compute(symbol: str, values: list[Literal], language: str) -> Literal:
    if len(values) == 1:
        return _compute_one(symbol, values[0])
    left, right = values
    if symbol in COMPARISONS:
        if symbol in {"==", "!="} and type(left) is not type(right) and language in {"javascript", "typescript"}:
            raise CannotFold
        return COMPARISONS[symbol](left, right)
    if symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
        return _joined(left, right, language)
    if symbol == "in" and isinstance(left, str) and isinstance(right, str):
        return left in right
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise CannotFold
    return _calculated(symbol, left, right, language)


def _calculated(symbol: str, left: Number, right: Number, language: str) -> Literal:
    if symbol in ORDERINGS:
        return ORDERINGS[symbol](left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        raise CannotFold
    if symbol == "/":
        return _divide(left, right) if language == "java" else left / right
    if symbol in ARITHMETIC and (symbol != "%" or (left >= 0 and right > 0)):  # signs differ between languages
        return ARITHMETIC[symbol](left, right)
    raise CannotFold


def _compute_one(symbol: str, value: Literal) -> Literal:
    if symbol in {"not", "!"} and isinstance(value, bool):
        return not value
    if symbol == "-" and isinstance(value, int | float) and not isinstance(value, bool):
        return -value
    raise CannotFold


def _joined(left: Literal, right: Literal, language: str) -> str:
    if language == "python" and not (isinstance(left, str) and isinstance(right, str)):
        raise CannotFold
    text = _as_text(left) + _as_text(right)
    if len(text) > LONGEST_TEXT:
        raise CannotFold
    return text


def _as_text(value: Literal) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise CannotFold


def concatenated(values: list[Value]) -> Value:
    """Return the text that several values make, one after the other."""
    texts = [value.constants for value in values]
    if values and all(choice is not None and len(choice) == 1 for choice in texts):
        try:
            whole = "".join(_as_text(value.single[1]) for value in values if value.single is not None)
        except CannotFold:
            return mixed(values)
        if len(whole) <= LONGEST_TEXT:
            return Value(constants=constant(whole).constants, notes=mixed(values).notes, prefix=whole)
    return _with_text(values)


def _with_text(values: list[Value]) -> Value:
    prefix, fragments = "", set[str]()
    is_leading = True
    for value in values:
        single = value.single
        if single is not None and isinstance(single[1], str):
            fragments.add(single[1][-80:])
            prefix += single[1] if is_leading else ""
        else:
            prefix += value.prefix if is_leading else ""
            is_leading = False
    united = mixed(values)
    return Value(
        taints=united.taints,
        is_unknown=united.is_unknown,
        notes=united.notes,
        fragments=united.fragments | frozenset(fragments),
        prefix=prefix[:200],
        boxes=united.boxes,
        roles=united.roles,
        made_of=united.made_of,
    )


def method_folded(method: str, receiver: Value, arguments: list[Value]) -> Value | None:
    """Return what a method of one constant text gives for constant arguments, None where that is not computed."""
    single = receiver.single
    known = [argument.single for argument in arguments]
    if single is None or not isinstance(single[1], str) or any(argument is None for argument in known):
        return None
    try:
        answer = _method(method, single[1], [argument[1] for argument in known if argument is not None])
    except (CannotFold, IndexError, TypeError, ValueError):
        return None
    return Value(constants=constant(answer).constants, prefix=answer if isinstance(answer, str) else "")


def _method(method: str, text: str, given: list[Literal]) -> Literal:  # noqa: PLR0911  one line a case
    match method, given:
        case (("charAt" | "at"), [int(index)]) if 0 <= index < len(text):
            return text[index]
        case (("substring" | "slice"), [int(start), int(end)]) if 0 <= start <= end <= len(text):
            return text[start:end]
        case (("substring" | "slice"), [int(start)]) if 0 <= start <= len(text):
            return text[start:]
        case (("trim" | "strip"), []):
            return text.strip()
        case (("toLowerCase" | "lower"), []):
            return text.lower()
        case (("toUpperCase" | "upper"), []):
            return text.upper()
        case "length", []:
            return len(text)
        case (("startsWith" | "startswith"), [str(start)]):
            return text.startswith(start)
        case (("endsWith" | "endswith"), [str(end)]):
            return text.endswith(end)
        case "equals", [other]:
            return text == other
        case (("toString" | "intern"), []):
            return text
        case _:
            return _longer_method(method, text, given)


def _longer_method(method: str, text: str, given: list[Literal]) -> Literal:
    match method, given:
        case (("contains" | "includes"), [str(part)]):
            return part in text
        case "concat", [str(other)]:
            return text + other
        case (("indexOf" | "find"), [str(part)]):
            return text.find(part)
        case "isEmpty", []:
            return not text
        case _:
            raise CannotFold
