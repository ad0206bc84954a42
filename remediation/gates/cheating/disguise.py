"""Fixes that leave the danger in place and only make it look different to a pattern."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from remediation.gates.cheating.comparison import Comparison
from remediation.gates.tokens import JOINTS, Call, Kind, Token, closing

WITHOUT_CODE = frozenset({"yaml", "json", "terraform", "dockerfile", "html", "xml", "generic", "proto"})
DECLARE = frozenset(
    {"def", "function", "func", "fun", "fn", "let", "const", "var", "val", "lambda", "return", "static", "private"}
    | {
        "public",
        "protected",
        "final",
        "async",
        "await",
        "self",
        "this",
        "as",
        "from",
        "import",
        "use",
        "require",
        "end",
    }
    | {"string", "String", "void", "int", "auto", "object", "Object", "str", "None", "any", "Any", "partial"}
)
# Punctuation and joining carry no meaning of their own here.
LAYOUT = frozenset("()[]{},;:.=+") | {"=>", "->", "::", ":=", "?."}
OPPOSITES = (
    {"==", "!="},
    {"<", ">="},
    {">", "<="},
    {"<", ">"},
    {"<=", ">="},
    {"&&", "||"},
    {"and", "or"},
    {"if", "unless"},
)
NEGATIONS = frozenset({"not", "!"})
LOOKUPS = frozenset(
    {"getattr", "__import__", "import_module", "forName", "getMethod", "getDeclaredMethod", "call_user_func", "apply"}
    | {
        "call_user_func_array",
        "send",
        "public_send",
        "__send__",
        "method",
        "attrgetter",
        "methodcaller",
        "get",
        "invoke",
    }
    | {"const_get", "function_exists", "dlsym", "GetMethod", "MethodByName", "globals", "locals", "vars", "require"}
)
WHOLE_WORLD = frozenset(
    {"window", "globalThis", "global", "self", "top", "builtins", "__builtins__", "frames", "parent"}
)
PASSED_ON = frozenset({"call", "apply", "bind"})
SECRETS = frozenset({259, 321, 540, 547, 798})
SHORTEST_NAME, SHORTEST_SECRET = 3, 6
LONGEST_IDENTIFIER = 40


def only_rearranged(comparison: Comparison) -> str:
    """Tell of the same words in another order: behind a new name, in a new function, or taken out of one."""
    if comparison.language in WITHOUT_CODE:
        return ""
    gone = {word for word in comparison.gone if word[1] not in LAYOUT}
    new = {word: count for word, count in comparison.new.items() if word[1] not in LAYOUT}
    named_before, named_after = set(_names_given(comparison.before.tokens)), set(_names_given(comparison.after.tokens))
    given, taken = named_after - named_before, named_before - named_after
    receivers = {part for call in comparison.sinks for part in call.callee.split(".")[:-1]}
    if gone <= _as_names(receivers) and _are_names(new, named_after) and _is_used(new, given):
        moved = given | {call.name for call in comparison.sinks}
        if all(callee.rsplit(".", 1)[-1] in moved for callee in comparison.callees_new):
            return "it only moves the same code behind a new name"
    if gone and not new and gone <= _as_names(taken):
        return "it only writes the same code without a name in between"
    # A rule about style may ask for another name; a weakness has none to thank.
    if comparison.context.rule.cwe and _is_renaming(comparison, taken):
        return "it only renames"
    return ""


def inverts_condition(comparison: Comparison) -> str:
    """Tell of a condition turned into its opposite and nothing else."""
    gone = {text for (_, text) in comparison.gone} - LAYOUT
    new = {text for (_, text) in comparison.new} - LAYOUT
    is_negated = (not gone and bool(new) and new <= NEGATIONS) or (not new and bool(gone) and gone <= NEGATIONS)
    if is_negated or any(gone | new == pair for pair in OPPOSITES):
        return "it only turns a condition into its opposite"
    return ""


def looks_up_by_name(comparison: Comparison) -> str:
    """Tell of a function that is now found by its name written as text."""
    called = {call.name for call in comparison.sinks}
    assigned = {text for kind, text in comparison.gone if kind is Kind.NAME and len(text) > SHORTEST_NAME}
    tokens = comparison.after.tokens
    for index, value in _joined_texts(tokens):
        if tokens[index].line not in comparison.change.added:
            continue
        is_called = value in called and _is_looked_up(tokens, index)
        if is_called or (value in assigned and _is_assigned_by_name(tokens, index)):
            return f"it reaches {value} by its name written as text"
    return ""


def refers_to_sink(comparison: Comparison) -> str:
    """Tell of the dangerous function given another name, handed on, or imported under its own."""
    for call in comparison.sinks:
        if call.name[:1].isupper() and "." not in call.callee:
            continue  # a type, whose name stands in every declaration
        path = call.callee.split(".")
        mentions_before = sum(1 for _ in _mentions(comparison.before.tokens, path))
        mentions = list(_mentions(comparison.after.tokens, path))
        in_change = any(comparison.after.tokens[index].line in comparison.change.added for index in mentions)
        if len(mentions) > mentions_before and in_change:
            return f"it gives {call.callee} another name and still uses it"
        if _is_reached_from_the_world(comparison, call):
            return f"it still calls {call.name}, by a longer way"
        if _is_imported_alone(comparison, call):
            return f"it imports {call.name} by itself and still uses it"
    return ""


def splits_text(comparison: Comparison) -> str:
    """Tell of a name or a text that a rule looks for, now in pieces or encoded."""
    telling = {call.name for call in comparison.sinks if len(call.name) >= SHORTEST_NAME}
    telling |= {
        token.text
        for token in comparison.removed_tokens
        if token.kind is Kind.TEXT and SHORTEST_NAME <= len(token.text) <= LONGEST_IDENTIFIER
    }
    known = {token.text for token in comparison.before.tokens}
    pieces = [
        (value, number)
        for index, value, number in _joined_runs(comparison.after.tokens)
        if comparison.after.tokens[index].line in comparison.change.added
    ]
    for value, number in pieces:
        if number > 1 and value in telling:
            return f"it writes “{value[:LONGEST_IDENTIFIER]}” in pieces"
        if value not in known and any(plain in telling for plain in _decoded(value)):
            return "it writes in code what stood there plainly"
    return ""


def keeps_secret(comparison: Comparison) -> str:
    """Tell of a secret that is still in the file."""
    if not comparison.context.rule.cwe_numbers & SECRETS:
        return ""
    matched = {
        token.text
        for token in comparison.before.tokens
        if token.kind is Kind.TEXT and token.line in comparison.matched_lines and len(token.text) >= SHORTEST_SECRET
    }
    left = {value for _, value in _joined_texts(comparison.after.tokens)}
    left |= {plain for value in left for plain in _decoded(value)}
    return "it leaves the secret in the file" if matched and matched <= left else ""


def _names_given(tokens: Sequence[Token]) -> Iterator[str]:
    """Names that the code itself gives: by assignment, as a function or parameter, by `import … as`."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind is Kind.SIGN:
            depth = max(0, depth + (token.text in "([") - (token.text in ")]"))
            continue
        previous = tokens[index - 1].text if index else ""
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind is not Kind.NAME or previous in JOINTS:
            continue
        if (following in {"=", ":="} and depth == 0) or previous in {"let", "const", "var", "val", "as"}:
            yield token.text
        elif previous in {"def", "function", "func", "fun", "fn"}:
            yield token.text
            if following == "(":
                yield from _parameters(tokens, index + 1)
        elif following == "(" and index and tokens[index - 1].kind is Kind.NAME:
            # Type and name, then a block: how Java, C# and C begin a function.
            end = closing(tokens, index + 1)
            if end + 1 < len(tokens) and tokens[end + 1].text in {"{", "throws"}:
                yield token.text
                yield from _parameters(tokens, index + 1)
        elif following == "=>" or previous == "lambda":
            yield token.text
    for index, token in enumerate(tokens):
        if token.text == "=>" and index and tokens[index - 1].text == ")":
            yield from _parameters(tokens, _opening(tokens, index - 1))


def _parameters(tokens: Sequence[Token], opening: int) -> Iterator[str]:
    end = closing(tokens, opening)
    for token in tokens[opening:end]:
        if token.kind is Kind.NAME:
            yield token.text


def _opening(tokens: Sequence[Token], closed: int) -> int:
    depth = 0
    for index in range(closed, -1, -1):
        depth += tokens[index].text == ")"
        depth -= tokens[index].text == "("
        if depth == 0:
            return index
    return closed


def _as_names(texts: set[str]) -> set[tuple[Kind, str]]:
    return {(Kind.NAME, text) for text in texts}


def _are_names(words: Iterable[tuple[Kind, str]], given: set[str]) -> bool:
    return all(kind is Kind.NAME and (text in given or text in DECLARE or text[:1].isupper()) for kind, text in words)


def _is_used(words: Mapping[tuple[Kind, str], int], given: set[str]) -> bool:
    return any(words.get((Kind.NAME, name), 0) > 1 for name in given)


def _is_renaming(comparison: Comparison, taken: set[str]) -> bool:
    before, after = comparison.before.tokens, comparison.after.tokens
    if len(before) != len(after):
        return False
    renamed = {(old.text, new.text) for old, new in zip(before, after, strict=True) if old.key != new.key}
    return bool(renamed) and len({old for old, _ in renamed}) == len(renamed) and {old for old, _ in renamed} <= taken


def _joined_texts(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for index, value, _ in _joined_runs(tokens):
        yield index, value


def _joined_runs(tokens: Sequence[Token]) -> Iterator[tuple[int, str, int]]:
    """Every text, alone or joined from neighbouring pieces: index of its first piece, value, number of pieces."""
    index = 0
    while index < len(tokens):
        if tokens[index].kind is not Kind.TEXT:
            index += 1
            continue
        start, value, number = index, tokens[index].text, 1
        while (following := _next_piece(tokens, index)) is not None:
            index = following
            value, number = value + tokens[index].text, number + 1
        yield start, value, number
        index += 1


def _next_piece(tokens: Sequence[Token], index: int) -> int | None:
    for step in (1, 2):
        place = index + step
        between = [token.text for token in tokens[index + 1 : place]]
        if place < len(tokens) and tokens[place].kind is Kind.TEXT and between in ([], ["+"], ["."], ["&"], ["~"]):
            return place
    return None


def _is_looked_up(tokens: Sequence[Token], index: int) -> bool:
    """Whether a text is the name in `getattr(x, "…")`, `window["…"](`, or of a variable that is then called."""
    start = max(0, index - 12)
    for place in range(index - 1, start - 1, -1):
        if tokens[place].text == "(" and place and tokens[place - 1].text in LOOKUPS and closing(tokens, place) > index:
            return True
        if tokens[place].text == "[" and place == index - 1:
            end = closing(tokens, place)
            return (end + 1 < len(tokens) and tokens[end + 1].text == "(") or tokens[place - 1].text in {
                ")",
                *WHOLE_WORLD,
            }
    if index >= 2 and tokens[index - 1].text in {"=", ":="} and tokens[index - 2].kind is Kind.NAME:  # noqa: PLR2004
        name = tokens[index - 2].text
        return any(token.text == name and following.text == "(" for token, following in itertools.pairwise(tokens))
    return False


def _is_assigned_by_name(tokens: Sequence[Token], index: int) -> bool:
    """Whether a text is the name in `x["…"] = y`."""
    if not index or tokens[index - 1].text != "[":
        return False
    end = closing(tokens, index - 1)
    return [token.text for token in tokens[end + 1 : end + 2]] == ["="]


def _mentions(tokens: Sequence[Token], path: Sequence[str]) -> Iterator[int]:
    """Where a function is named without being called there."""
    for index, token in enumerate(tokens):
        if token.kind is not Kind.NAME or token.text != path[-1]:
            continue
        following = [part.text for part in tokens[index + 1 : index + 3]]
        is_passed_on = following[:1] == ["."] and following[1:] and following[1] in PASSED_ON
        is_named_here = _path_ending_at(tokens, index) == list(path)
        is_key = following[:1] in (["="], [":"]) or (following[:1] == ["."] and not is_passed_on)
        if is_named_here and (following[:1] != ["("]) and not is_key and not _is_import_or_definition(tokens, index):
            yield index


def _path_ending_at(tokens: Sequence[Token], index: int) -> list[str]:
    path = [tokens[index].text]
    while index >= 2 and tokens[index - 1].text in JOINTS and tokens[index - 2].kind is Kind.NAME:  # noqa: PLR2004
        index -= 2
        path.insert(0, tokens[index].text)
    return path


def _is_import_or_definition(tokens: Sequence[Token], index: int) -> bool:
    same_line = [token.text for token in tokens[max(0, index - 30) : index] if token.line == tokens[index].line]
    return any(word in same_line for word in ("import", "require", "use", "def", "function", "func", "fun", "class"))


def _is_reached_from_the_world(comparison: Comparison, call: Call) -> bool:
    return "." not in call.callee and any(
        callee.rsplit(".", 1)[-1] == call.name and callee.split(".")[0] in WHOLE_WORLD
        for callee in comparison.callees_new
    )


def _is_imported_alone(comparison: Comparison, call: Call) -> bool:
    if "." not in call.callee:
        return False
    pattern = rf"^[ \t]*(?:from\s+\S+\s+import\b|import\s*\{{|(?:const|let|var)\s*\{{).*\b{re.escape(call.name)}\b"
    return bool(re.search(pattern, comparison.change.added_text, re.MULTILINE)) and not re.search(
        pattern, comparison.change.before, re.MULTILINE
    )


def _decoded(value: str) -> Iterator[str]:
    """What a text may stand for: read backwards, unescaped, or decoded."""
    if len(value) < SHORTEST_NAME:
        return
    yield value[::-1]
    if "\\" in value:
        yield re.sub(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))", lambda code: chr(int(code[1] or code[2], 16)), value)
    decoders = (lambda text: base64.b64decode(text, validate=True), bytes.fromhex)
    for decode in decoders:
        try:
            yield decode(value).decode()
        except (ValueError, binascii.Error):
            continue
