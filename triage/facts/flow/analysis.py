"""What reaches the code that a rule matched: finds the expressions, walks to them, and weighs what arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tree_sitter import Node

from findings.context import FindingContext, Span
from lib import syntax
from triage.facts.families import Family
from triage.facts.flow.context import Observation, OutOfBudget
from triage.facts.flow.library import LIBRARY_OF_LANGUAGE
from triage.facts.flow.program import (
    Call,
    Constant,
    Expression,
    Function,
    Listing,
    Mapping,
    Member,
    Name,
    Part,
    Place,
    Program,
    Setting,
    children_of,
    parts_of,
)
from triage.facts.flow.statements import Walk
from triage.facts.flow.values import UNKNOWN, Role, Value, either, mixed
from triage.facts.languages import java, javascript, python
from triage.facts.languages.tree import TooDeep
from triage.facts.wordlists import words

TRANSLATORS: dict[str, Callable[[Node], Program]] = {
    "python": python.translate,
    "javascript": javascript.translate,
    "typescript": javascript.translate,
    "java": java.translate,
}
LONGEST_FUNCTION_LINES = 3000
LONGEST_MATCH_LINES = 40
MOST_CALLERS = 4

# Where a call takes more than what it runs: the position, or the keyword, of what it runs.
STATEMENT_CALLS = words(
    """
    execute executemany executescript executeQuery executeUpdate executeLargeUpdate prepareStatement prepareCall
    query raw addBatch nativeSQL createQuery createNativeQuery createSQLQuery queryForObject queryForList
    queryForMap queryForRowSet batchUpdate update read_sql read_sql_query fetch fetchrow fetchval all get run each
    exec
    """
)
ADDRESS_CALLS = words(
    """
    get post put delete patch head options urlopen fetch request redirect sendRedirect axios got
    """
)
PATH_EXPRESSION_CALLS = words(
    """
    evaluate compile selectNodes selectSingleNode xpath find findall select
    """
)
# What a template is filled with is its purpose; what it is made of is the weakness.
TEMPLATE_CALLS = words("render_template_string from_string Template compile render renderString")
FIRST_ONLY = {
    Family.SQL: STATEMENT_CALLS,
    Family.XPATH: PATH_EXPRESSION_CALLS,
    Family.TEMPLATE: TEMPLATE_CALLS,
    Family.SSRF: ADDRESS_CALLS - {"request"},
    Family.REDIRECT: ADDRESS_CALLS,
}
KEYWORDS_THAT_MATTER = {
    Family.SQL: {"sql", "statement", "query", "operation", "text"},
    Family.SSRF: {"url", "uri", "baseURL", "host", "hostname"},
    Family.REDIRECT: {"location", "url", "to", "redirect_to"},
}


@dataclass(frozen=True)
class Arrival:
    """What reaches the matched code, over every way there; `was_reached` False where no way leads there."""

    value: Value
    line: int
    text: str
    was_reached: bool
    has_parameters: bool = False
    is_call: bool = False
    callee: str = ""
    settled: tuple[int, ...] = ()


def arrival_at(context: FindingContext, family: Family) -> Arrival | None:
    """Return what reaches the matched code, None where that cannot be told."""
    source = context.source
    if source is None or context.language not in TRANSLATORS:
        return None
    tree = syntax.parse(source, context.language)
    if tree is None:
        return None
    try:
        return _arrival(context, family, source, tree.root_node)
    except (TooDeep, OutOfBudget, RecursionError):
        return None


def _arrival(context: FindingContext, family: Family, source: str, root: Node) -> Arrival | None:
    encoded = source.encode("utf-8", errors="replace")
    target = place_of_span(context.span, source)
    if target is None or _breaks_near(root, target):
        return None
    program = TRANSLATORS[context.language](root)
    holder = _outermost_holder(program, target)
    if holder is not None and _line_count(holder, encoded) > LONGEST_FUNCTION_LINES:
        return None
    watched = _watched(program, holder, target)
    if not watched:
        return None

    def walk() -> Walk:
        made = Walk(program=program, library=LIBRARY_OF_LANGUAGE[context.language], language=context.language,
                    source=encoded, target=target)  # fmt: skip
        made.watched = {id(expression) for expression in watched}
        return made

    first = walk()
    if holder is not None and context.language not in {"javascript", "typescript"}:
        first.walk_function(holder)
    else:
        first.walk_file()
    arrival = _weighed(first, watched, family)
    if arrival is None or holder is None or not arrival.value.is_unknown or arrival.value.dangers(family):
        return arrival
    return _through_callers(program, holder, walk, watched, family) or arrival


def _through_callers(
    program: Program, holder: Function, walk: Callable[[], Walk], watched: list[Expression], family: Family
) -> Arrival | None:
    """Return what a caller in the same file brings there, where that is dangerous; one caller can never show safety."""
    callers = [
        function
        for function in program.functions
        if function is not holder and not function.is_closure and _calls(function, holder.name)
    ]
    for caller in callers[:MOST_CALLERS]:
        attempt = walk()
        try:
            attempt.walk_function(caller)
        except OutOfBudget:
            continue
        arrival = _weighed(attempt, watched, family)
        if arrival is not None and arrival.was_reached and arrival.value.dangers(family):
            return arrival
    return None


def _calls(function: Function, name: str) -> bool:
    for statement in function.body():
        for part in parts_of(statement):
            if isinstance(part, Call):
                callee = part.callee
                if (isinstance(callee, Name) and callee.name == name) or (
                    isinstance(callee, Member) and callee.name == name
                ):
                    return True
    return False


def place_of_span(span: Span, source: str) -> Place | None:
    """Return the bytes that a span covers, without blanks at its ends; None where it lies outside the text."""
    lines = source.split("\n")
    if span.end_line > len(lines) or span.end_line - span.start_line > LONGEST_MATCH_LINES:
        return None
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode("utf-8", errors="replace")) + 1)

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1][: max(column - 1, 0)].encode("utf-8", errors="replace"))

    encoded = source.encode("utf-8", errors="replace")
    start, end = offset(span.start_line, span.start_column), offset(span.end_line, span.end_column)
    if end <= start:
        end = starts[span.end_line] - 1
    while start < end and encoded[start : start + 1].isspace():
        start += 1
    while end > start and encoded[end - 1 : end] in {b" ", b"\t", b"\n", b"\r", b";", b","}:
        end -= 1
    return Place(start, end, span.start_line) if end > start else None


def _breaks_near(root: Node, target: Place) -> bool:
    """Say whether the syntax tree has an error in the function or statement around a place."""
    node = root.descendant_for_byte_range(target.start, target.end)
    while node is not None and node.parent is not None and node.parent.parent is not None:
        if node.type in {"function_definition", "method_declaration", "function_declaration", "arrow_function"}:
            break
        node = node.parent
    return node is not None and node.has_error


def _outermost_holder(program: Program, target: Place) -> Function | None:
    holders = [function for function in program.functions if target.within(function.place)]
    return min(holders, key=lambda function: function.place.start) if holders else None


def _innermost_holder(program: Program, target: Place) -> Function | None:
    holders = [function for function in program.functions if target.within(function.place)]
    return max(holders, key=lambda function: function.place.start) if holders else None


def _line_count(function: Function, encoded: bytes) -> int:
    return encoded.count(b"\n", function.place.start, function.place.end)


def _watched(program: Program, holder: Function | None, target: Place) -> list[Expression]:
    """Return the expressions that the match is about: the outermost inside it, or the innermost call around it."""
    inside: list[Expression] = []
    around: list[Expression] = []
    roots = holder.body() if holder is not None else program.statements
    pending: list[Part] = [root for root in roots if _touches(root, target)]
    while pending:
        part = pending.pop()
        if isinstance(part, Function):
            if part.place.within(target):
                return []  # a whole function is no place to watch
            pending.extend(statement for statement in part.body() if _touches(statement, target))
            continue
        if isinstance(part, Expression) and part.place.within(target):
            inside.append(part)
            continue
        if isinstance(part, Expression) and target.within(part.place):
            around.append(part)
        pending.extend(child for child in children_of(part) if _touches(child, target))
    if inside:
        last_line = max(expression.place.line for expression in inside)
        chosen = [_core(expression) for expression in inside if expression.place.line == last_line or len(inside) == 1]
        chosen = [each for each in chosen if not isinstance(each, Constant) or isinstance(each.value, str) or around]
        if all(isinstance(expression, Constant | Name) for expression in chosen) and around:
            call_around = _innermost_call(around)
            chosen = [call_around] if call_around is not None else chosen
        return [link for expression in chosen for link in _links(expression)]
    call = _innermost_call(around)
    return _links(call) if call is not None else []


def _innermost_call(around: list[Expression]) -> Expression | None:
    calls = [expression for expression in around if isinstance(expression, Call)]
    others = [expression for expression in around if not isinstance(expression, Setting | Name | Constant)]
    candidates = calls or others
    return max(candidates, key=lambda expression: expression.place.start) if candidates else None


def _touches(part: Part, target: Place) -> bool:
    return part.place.start < target.end and target.start < part.place.end


def _core(expression: Expression) -> Expression:
    """Return what an assignment sets, for the match is about the value."""
    while isinstance(expression, Setting):
        expression = expression.value
    return expression


def _links(expression: Expression) -> list[Expression]:
    """Return a call and the calls its receiver is made by: `a(x).b(y)` is about x and y."""
    found = [expression]
    current: Expression = expression
    while True:
        if isinstance(current, Call) and isinstance(current.callee, Member):
            current = current.callee.base
        elif isinstance(current, Member):
            current = current.base
        else:
            return found
        if isinstance(current, Call):
            found.append(current)


def _weighed(walk: Walk, watched: list[Expression], family: Family) -> Arrival | None:
    main = watched[0]
    settled = tuple(sorted({test.place.line for test in walk.settled if test.place.start < main.place.start}))
    arrival = Arrival(
        UNKNOWN,
        main.place.line,
        walk.text(main),
        False,
        is_call=isinstance(main, Call),
        callee=_callee(main),
        settled=settled,
    )
    if not walk.observations:
        innermost = _innermost_holder(walk.program, walk.target)
        return arrival if innermost is None or innermost.place.start in walk.entered else None
    values: list[Value] = []
    has_parameters = False
    by_expression: dict[int, list[Observation]] = {}
    for observation in walk.observations:
        by_expression.setdefault(id(observation.expression), []).append(observation)
    for observations in by_expression.values():
        weighed = [_relevant(observation, family) for observation in observations]
        known = [value for value, _ in weighed if value is not None]
        has_parameters = has_parameters or any(bound for _, bound in weighed)
        if known:
            values.append(either(known))
    if not values:
        return None
    value = mixed(values) if len(values) > 1 else values[0]
    return replace(arrival, value=value, was_reached=True, has_parameters=has_parameters)


def _callee(expression: Expression) -> str:
    if isinstance(expression, Call) and isinstance(expression.callee, Member | Name):
        return expression.callee.name
    return ""


def _relevant(observation: Observation, family: Family) -> tuple[Value | None, bool]:
    """Return the part of a call that the weakness is about, and whether data is bound beside it."""
    expression = observation.expression
    if not isinstance(expression, Call):
        return observation.value, False
    given = list(observation.arguments)
    keywords = list(observation.keywords)
    name = _callee(expression)
    if not given and not keywords:
        return _of_receiver(observation.receiver), False
    if name in FIRST_ONLY.get(family, ()):
        named = [value for keyword, value in keywords if keyword in KEYWORDS_THAT_MATTER.get(family, set())]
        if named:
            return mixed(named), len(keywords) > len(named)
        if given and isinstance(
            expression.arguments[0], Mapping
        ):  # `query({text, values})`: which is which is not followed
            return UNKNOWN, False
        if given:
            return given[0], len(given) > 1
    if family is Family.DESERIALIZATION and given:
        return given[0], False
    if family is Family.LDAP and len(given) > 1:  # the controls of a search are an object of the library
        given = [value for value in given if Role.PLAIN_OBJECT not in value.roles] or given
    if family is Family.XSS and name == "make_response" and isinstance(expression.arguments[0], Listing):
        return UNKNOWN, False  # body, status and headers, of which only the first is shown
    return mixed([*given, *(value for _, value in keywords)]), False


def _of_receiver(receiver: Value | None) -> Value | None:
    """Return what an object was made of, for a call without arguments: `statement.execute()`, `builder.start()`."""
    if receiver is None or receiver.roles:
        return None
    if receiver.made_of is not None:
        return receiver.made_of
    return receiver if receiver.taints or not receiver.is_unknown else None
