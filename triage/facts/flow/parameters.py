"""What the parameters of a function are worth before anyone has called it: requests, routes, numbers, or not known."""

from __future__ import annotations

import re

from triage.facts.flow.library import (
    CONTEXT_PARAMETERS,
    INJECTED_DEFAULT,
    NUMBER_TYPES,
    OUTSIDE_MARK,
    REQUEST_PARAMETERS,
    REQUEST_TYPES,
    RESPONSE_PARAMETERS,
    ROUTE_MARK,
    SPRING_ROUTE_MARK,
    Library,
)
from triage.facts.flow.program import Call, Function, Name, Parameter
from triage.facts.flow.values import FIXED, UNKNOWN, Note, NoteKind, Role, Taint, Value

# Frameworks hand these over themselves.
OWN_TYPES = re.compile(
    r"\b(Model|HttpSession|Principal|Authentication|Response|HttpServletResponse|RedirectAttributes|BindingResult"
    r"|Session|AsyncSession|BackgroundTasks|WebSocket|Locale|UserDetails)\b"
)


def value_of_parameter(function: Function, index: int, *, language: str, library: Library) -> Value:
    """Return what is known of a parameter when a framework, or anyone, calls the function."""
    parameter = function.parameters[index]
    if REQUEST_TYPES.search(parameter.type):
        return Value(roles=frozenset({Role.REQUEST}))
    if language == "java":
        return _of_java(function, parameter)
    if language == "python":
        return _of_python(function, parameter, index)
    return _of_javascript(function, parameter, index)


def _from_outside(function: Function, parameter: Parameter) -> Value:
    line = function.place.line
    if NUMBER_TYPES.match(parameter.type):
        return FIXED.with_note(Note(NoteKind.NUMBER, line, f"parameter {parameter.name} of type {parameter.type}"))
    return Value(taints=frozenset({Taint(line, f"parameter {parameter.name}")}))


def _of_java(function: Function, parameter: Parameter) -> Value:
    if any(OUTSIDE_MARK.match(mark) for mark in parameter.annotations):
        return _from_outside(function, parameter)
    is_route = any(SPRING_ROUTE_MARK.match(mark) for mark in function.annotations)
    if is_route and not parameter.annotations and parameter.type in {"String", "MultipartFile"}:
        return _from_outside(function, parameter)
    if NUMBER_TYPES.match(parameter.type):
        return FIXED.with_note(
            Note(NoteKind.NUMBER, function.place.line, f"parameter {parameter.name} of type {parameter.type}")
        )
    return UNKNOWN


def _of_python(function: Function, parameter: Parameter, index: int) -> Value:
    name = parameter.name
    if name == "self" and index == 0:
        return Value(roles=frozenset({Role.SELF}))
    if name == "request" or (name == "req" and index <= 1):
        return Value(roles=frozenset({Role.REQUEST}))
    marks = [mark for mark in function.annotations if ROUTE_MARK.match(mark)]
    if not marks:
        return UNKNOWN
    default = parameter.default
    if (
        isinstance(default, Call)
        and isinstance(default.callee, Name)
        and INJECTED_DEFAULT.match(f"{default.callee.name}(")
    ):
        return UNKNOWN
    if OWN_TYPES.search(parameter.type) or INJECTED_DEFAULT.search(parameter.type):
        return UNKNOWN
    converter = next(
        (found for mark in marks if (found := re.search(rf"<(\w+)(?:\([^)]*\))?:{re.escape(name)}>", mark))), None
    )
    if converter is not None and converter.group(1) in {"int", "float", "uuid"}:
        note = Note(NoteKind.NUMBER, function.place.line, f"route parameter {converter.group(0)}")
        return FIXED.with_note(note)
    return _from_outside(function, parameter)


def _of_javascript(function: Function, parameter: Parameter, index: int) -> Value:
    if any(OUTSIDE_MARK.match(mark) for mark in parameter.annotations):
        return Value(taints=frozenset({Taint(function.place.line, f"parameter {parameter.name}")}))
    names = [each.name for each in function.parameters]
    has_response = any(name in RESPONSE_PARAMETERS for name in names)
    if parameter.name in REQUEST_PARAMETERS and (has_response or len(names) == 1):
        return Value(roles=frozenset({Role.REQUEST}))
    if parameter.name in CONTEXT_PARAMETERS and index == 0 and (len(names) == 1 or "next" in names):
        return Value(roles=frozenset({Role.REQUEST}))
    return UNKNOWN
