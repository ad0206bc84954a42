"""Fixes that make the code go away instead of making it safe: deleted, commented out, never reached."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from lib import syntax
from remediation.gates.cheating.comparison import GIVE_UP, ONLY_TALK, Comparison, Function
from remediation.gates.tokens import Call, Kind, Token

MOST_LINES_LOST = 15
SHORTEST_CODE = 6
# Here the flaw is something that should not be there, so that taking it away is the fix: what is logged or shown
# (200, 209, 215, 489, 497, 532, 538), what is switched off or opened up (the others).
FIXED_BY_REMOVAL = frozenset({16, 200, 209, 215, 276, 295, 311, 319, 352, 489, 497, 532, 538, 668, 693, 732, 942, 1021})
# Names of calls that switch something off, open something up or only talk; they may go without a replacement.
MAY_GO = re.compile(
    r"^_*(?:disable|allow|trust|permit|ignore|skip|unsafe|insecure|without|exempt|enable|debug|set_?trace|breakpoint"
    r"|phpinfo|simplefilter|filterwarnings|alert|profile|var_dump|add_?header|expose)|unverified|insecure|unsafe|no_?verify",
    re.IGNORECASE,
)
# The flaw is that outside text reaches a place where it acts: the place itself is the feature.
FEATURE_AT_THE_SINK = frozenset(
    {22, 23, 73, 74, 77, 78, 79, 80, 88, 89, 90, 91, 94, 95, 96, 98, 113, 434, 502, 601, 611, 643, 776, 917, 918, 943}
    | {1236, 1321, 1333, 1336}
)
TRIVIAL = re.compile(
    r"(?:pass|\.\.\.|return(?:\s+(?:None|null|nil|undefined|true|false|True|False|-?\d+|\"\"|''|\[\]|\{\}|\(\)))?"
    r"|(?:raise|throw|panic|abort|die|exit)\b.*|\"\"\".*\"\"\"|'''.*'''|\"[^\"]*\"|'[^']*')\s*;?",
    re.DOTALL,
)
CONSTANT_CONDITION = re.compile(
    r"\b(?:if|elif|while|when)\s*(?:\(\s*)?(?:False|false|0|None|null|nil|not\s+True|!\s*true|!\s*1|1\s*={2,3}\s*[02])"
    r"\s*(?:\)|:|\{|\bthen\b|\belse\b|;|$)"
    r"|\bunless\s*(?:\(\s*)?true\b|&&\s*false\b|\band\s+False\b|\bfalse\s*&&|\bFalse\s+and\b|\|\|\s*true\b|\bor\s+True\b"
    r"|\btrue\s*\|\||\bTrue\s+or\b|^[ \t]*#[ \t]*if[ \t]+0\b",
    re.MULTILINE,
)
ENDS_A_BLOCK = frozenset({"return_statement", "raise_statement", "throw_statement", "return", "jump_expression"})
HOLDS_STATEMENTS = frozenset(
    {"block", "statement_block", "module", "program", "compound_statement", "statement_list", "body_statement"}
    | {"statements", "function_body", "constructor_body"}
)
WORD_BETWEEN_MARKS = re.compile(r"^(?:#+|//+|/\*+|<!--|--|\*+|;+)?\s*|\s*(?:\*/|-->)$")


def comments_out(comparison: Comparison) -> str:
    """Tell of removed code that comes back as a comment while nothing takes its place."""
    removed = [
        _squeezed(comparison.change.lines_before[number - 1])
        for number in comparison.change.removed
        if any(token.line == number for token in comparison.before.tokens)
    ]
    commented = _squeezed(
        " ".join(
            WORD_BETWEEN_MARKS.sub("", line.strip())
            for comment in comparison.after.comments
            for line in comment.text.splitlines()
            if comment not in comparison.before.comments
        )
    )
    hidden = [line for line in removed if len(line) >= SHORTEST_CODE and line in commented]
    is_replaced = any(token.kind is not Kind.SIGN and token.text != "pass" for token in comparison.doing_tokens)
    return "it comments the code out" if hidden and not is_replaced else ""


def is_never_reached(comparison: Comparison) -> str:
    """Tell of a condition that never holds, or of a return put before what still stands."""
    before, after = comparison.change.before, comparison.change.after
    if len(CONSTANT_CONDITION.findall(after)) > len(CONSTANT_CONDITION.findall(before)):
        return "it adds a condition that is always or never true, so that the code is not reached"
    tree = syntax.parse(after, comparison.language)
    if tree and any(node.start_point.row + 1 in comparison.change.added for node in _cut_off(tree.root_node)):
        return "it leaves the function before the code, which is then never reached"
    return ""


def removes_function(comparison: Comparison) -> str:
    """Tell of a function that is gone."""
    if len(comparison.functions_after) >= len(comparison.functions_before):
        return ""
    left = {function.name for function in comparison.functions_after}
    for function in comparison.functions_before:
        is_bound = re.search(rf"\b{re.escape(function.name)}\b\s*[:=]", comparison.change.after)
        if function.name not in left and not is_bound:
            return f"it removes the function {function.name}"
    return ""


def empties_function(comparison: Comparison) -> str:
    """Tell of a function whose body no longer does anything."""
    bodies: dict[str, list[Function]] = defaultdict(list)
    for function in comparison.functions_before:
        bodies[function.name].append(function)
    for function in comparison.functions_after:
        # Functions of one name, as methods of several classes have, keep their order.
        before = bodies[function.name].pop(0).statements if bodies[function.name] else ()
        if _does_something(before) and not _does_something(function.statements):
            return f"it empties the function {function.name}"
    return ""


def deletes_much(comparison: Comparison) -> str:
    """Tell of far more code taken away than put in its place."""
    lost = _code_lines(comparison.removed_tokens) - _code_lines(comparison.added_tokens)
    return f"it deletes {lost} lines of code more than it adds" if lost > MOST_LINES_LOST else ""


def drops_calls(comparison: Comparison) -> str:
    """Tell of a call that is gone while nothing does its work."""
    if comparison.context.rule.cwe_numbers & FIXED_BY_REMOVAL:
        return ""
    missed = [call for call in comparison.calls_gone if not _may_go(call)]
    if not missed or _has_new_work(comparison):
        return ""
    doing = {token.text for token in comparison.doing_tokens if token.kind is Kind.NAME}
    for call in missed:
        arguments = comparison.arguments_of(call)
        names = {token.text for token in arguments if token.kind is Kind.NAME}
        is_constant = bool(arguments) and not names and bool(comparison.doing_tokens)
        if not names & doing and not is_constant:
            return f"it removes the call of {call.callee} and puts nothing in its place"
    return ""


def drops_statement(comparison: Comparison) -> str:
    """Tell of a whole statement at the sink that is gone while nothing comes instead."""
    if not comparison.context.rule.cwe_numbers & FEATURE_AT_THE_SINK:
        return ""
    if any(token.kind is not Kind.SIGN and token.text not in {"pass", *GIVE_UP} for token in comparison.doing_tokens):
        return ""
    gone = [number for number in comparison.matched_lines if number in comparison.change.removed]
    for number in gone:
        starts_statement = _depth_at(comparison.before.tokens, number) == 0
        calls = [call for call in comparison.calls_before if call.line == number]
        if starts_statement and _assigns(comparison.before.tokens, number) and not any(map(_may_go, calls)):
            return "it deletes the code and puts nothing in its place"
    return ""


def drops_value(comparison: Comparison) -> str:
    """Tell of a sink that is now given a constant, so that what was asked for no longer happens."""
    if not comparison.context.rule.cwe_numbers & FEATURE_AT_THE_SINK:
        return ""
    doing = {token.text for token in comparison.doing_tokens if token.kind is Kind.NAME}
    for sink in comparison.sinks:
        values = {token.text for token in comparison.arguments_of(sink) if token.kind is Kind.NAME}
        for call in comparison.calls_after:
            is_changed = call.callee == sink.callee and call.line in comparison.change.added
            arguments = comparison.after.tokens[call.start : call.end]
            left = {token.text for token in arguments if token.kind is Kind.NAME} - set(sink.callee.split("."))
            if is_changed and values and not left and not values & doing:
                return f"it gives {sink.callee} a constant instead of the value"
    return ""


def _may_go(call: Call) -> bool:
    first = call.callee.split(".")[0].lower()
    return (
        call.name.lower() in ONLY_TALK or first in ONLY_TALK | {"logger", "logging"} or bool(MAY_GO.search(call.name))
    )


def _has_new_work(comparison: Comparison) -> bool:
    doing = {token.text for token in comparison.doing_tokens if token.kind is Kind.NAME}
    return any(callee.rsplit(".", 1)[-1] in doing for callee in comparison.callees_new)


def _cut_off(root: Node) -> Iterator[Node]:
    """Statements that end their block although others follow them there."""
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(node.named_children)
        if node.type not in HOLDS_STATEMENTS:
            continue
        statements = [child for child in node.named_children if "comment" not in child.type]
        for statement, follower in itertools.pairwise(statements):
            declares = "function" in follower.type or "class" in follower.type or "empty" in follower.type
            if _ends_block(statement) and not declares:
                yield statement


def _ends_block(node: Node) -> bool:
    if node.type == "expression_statement" and node.named_child_count == 1:
        return bool(node.named_children[0].type == "throw_expression")
    return node.type in ENDS_A_BLOCK


def _does_something(statements: Sequence[str]) -> bool:
    return any(not TRIVIAL.fullmatch(statement.strip()) and not _only_talks(statement) for statement in statements)


def _only_talks(statement: str) -> bool:
    called = re.match(r"\s*([\w.$]+)\s*\(", statement)
    if called is None:
        return False
    parts = called[1].lower().split(".")
    return parts[-1] in ONLY_TALK or parts[0] in ONLY_TALK


def _code_lines(tokens: Sequence[Token]) -> int:
    return len({token.line for token in tokens if token.kind is not Kind.SIGN})


def _depth_at(tokens: Sequence[Token], line: int) -> int:
    """How many round and square brackets are open where a line begins."""
    depth = 0
    for token in tokens:
        if token.line >= line:
            break
        if token.kind is Kind.SIGN:
            depth = max(0, depth + (token.text in "([") - (token.text in ")]"))
    return depth


def _assigns(tokens: Sequence[Token], line: int) -> bool:
    return any(token.line == line and token.text in {"=", "(", "+=", ".=", "import"} for token in tokens)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
