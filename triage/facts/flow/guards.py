"""What a condition tells about the values it asks about, once it is known to have come out true or false."""

from __future__ import annotations

import re
from abc import abstractmethod

from triage.facts.flow.context import Context
from triage.facts.flow.program import Call, Constant, Expression, Item, Listing, Member, Name, Operation, Pattern
from triage.facts.flow.values import Exact, Note, NoteKind, State, Value, merged, one_of

EQUAL = {"==", "===", "is", "eq"}
UNEQUAL = {"!=", "!==", "is not"}
AND, OR, NOT = {"and", "&&"}, {"or", "||"}, {"not", "!"}
MEMBERSHIP = {"contains", "includes", "has", "containsKey"}
CHARACTER_CHECKS = {
    "isdigit",
    "isdecimal",
    "isnumeric",
    "isalnum",
    "isalpha",
    "isidentifier",
    "isNumeric",
    "isAlphanumeric",
}
PRESENCE_CHECKS = {
    "isEmpty", "isBlank", "hasMoreElements", "hasNext", "isPresent", "length", "size", "len", "isinstance", "exists",
    "isNull", "nonNull", "hasText", "hasLength", "isNotBlank", "isNotEmpty", "Boolean", "bool", "hasattr",
}  # fmt: skip
# A pattern that lets through letters, digits, `_` and `-` only, from start to end.
REPEATED = r"(?:[+*?]|\{\d+(?:,\d*)?\})?"
HARMLESS_SET = r"\[(?:[a-zA-Z0-9_]-[a-zA-Z0-9]|\\d|\\w|[a-zA-Z0-9_]|-(?=\]))+\]"
HARMLESS_PIECE = rf"(?:\\d|\\w|{HARMLESS_SET}|[a-zA-Z0-9_-]){REPEATED}"
HARMLESS_PATTERN = re.compile(rf"(?:{HARMLESS_PIECE}|\((?:\?:)?(?:{HARMLESS_PIECE}|\|)+\){REPEATED})+")


def is_harmless_pattern(pattern: str) -> bool:
    """Say whether a regular expression lets nothing through but letters, digits, `_` and `-`."""
    return len(pattern) < 200 and HARMLESS_PATTERN.fullmatch(pattern) is not None  # noqa: PLR2004  a length, said by its place


class Guards(Context):
    """The part of the walk that learns from conditions."""

    @abstractmethod
    def evaluate(self, expression: Expression, state: State) -> Value:
        """Return what an expression is worth; the walk provides it."""

    def decide(self, test: Expression, state: State) -> tuple[State | None, State | None]:
        """Return the states in which a test came out true and false, None for what it cannot be."""
        if isinstance(test, Operation):
            if test.operator in NOT and len(test.operands) == 1:
                positive, negative = self.decide(test.operands[0], state)
                return negative, positive
            if test.operator in AND | OR and len(test.operands) == 2:  # noqa: PLR2004  a length, said by its place
                return self._decide_both(test, state)
        after = state.copy()
        value = self.evaluate(test, after)
        truths = {_truth(each) for each in value.constants} if value.constants is not None else {None}
        is_open = None in truths
        if not is_open and len(truths) == 1:
            self.settled.append(test)
        tested = [each for each in self._tested(test) if self.evaluate(each, after).taints] if is_open else []
        positive = self._learn(test, after.copy(), outcome=True) if is_open or True in truths else None
        negative = self._learn(test, after, outcome=False) if is_open or False in truths else None
        for subject in tested:
            self._note_test(subject, test, positive, NoteKind.TESTED)
            self._note_test(subject, test, negative, NoteKind.TESTED_AGAINST)
        return positive, negative

    def _note_test(self, subject: Expression, test: Expression, state: State | None, kind: NoteKind) -> None:
        """Keep that a value went through a test, for the reader; what both outcomes lead to was not guarded by it."""
        key = self.key_of(subject)
        if state is not None and key is not None:
            value = self.evaluate(subject, state).with_note(Note(kind, test.place.line, self.text(test)))
            self._remember(subject, key, value, state)

    def _tested(self, test: Expression) -> list[Expression]:
        """Return the expressions whose values a test looks into; whether something is there at all does not count."""
        match test:
            case Name():
                return []  # bare truth: is it there?
            case Operation(operands=operands) if any(
                isinstance(side, Constant) and side.value in (None, "") for side in operands
            ):
                return []
            case Operation(operator="instanceof" | "typeof"):
                return []
            case _:
                return self._subjects(test)

    def _subjects(self, expression: Expression) -> list[Expression]:
        match expression:
            case Name():
                return [expression]
            case Item(base=base):
                return [expression] if self.key_of(expression) is not None else self._subjects(base)
            case Member(name=name):
                return [expression] if name not in PRESENCE_CHECKS else []
            case Operation(operands=operands):
                return [subject for operand in operands for subject in self._subjects(operand)]
            case Call(callee=Member(name=name)) if name.startswith("get"):
                return [expression] if self.key_of(expression) is not None else []
            case Call(callee=Member(base=base, name=name), arguments=given) if name not in PRESENCE_CHECKS:
                return [*self._subjects(base), *(found for each in given for found in self._subjects(each))]
            case Call(callee=Name(name=name), arguments=given) if name not in PRESENCE_CHECKS:
                return [found for each in given for found in self._subjects(each)]
            case _:
                return []

    def _decide_both(self, test: Operation, state: State) -> tuple[State | None, State | None]:
        left, right = test.operands
        positive, negative = self.decide(left, state)
        if test.operator in AND:
            both, only_left = self.decide(right, positive) if positive is not None else (None, None)
            return both, merged([negative, only_left])
        only_right, neither = self.decide(right, negative) if negative is not None else (None, None)
        return merged([positive, only_right]), neither

    def assume(self, test: Expression, state: State, *, outcome: bool) -> State | None:
        """Return the state in which a test came out one way, None where it cannot."""
        return self.decide(test, state)[0 if outcome else 1]

    def _learn(self, test: Expression, state: State, *, outcome: bool) -> State | None:
        match test:
            case Operation(operator=symbol, operands=(left, right)) if symbol in EQUAL | UNEQUAL:
                if outcome is (symbol in EQUAL):
                    return self._equals(left, right, state, test)
            case Operation(operator="in", operands=(subject, allowed)) if outcome:
                return self._is_among(subject, allowed, state, test)
            case Operation(operator="not in", operands=(subject, allowed)) if not outcome:
                return self._is_among(subject, allowed, state, test)
            case Operation(operator=symbol, operands=(Call() as call, Constant(value=bound))):
                if _says_found(symbol, bound, outcome=outcome):
                    return self._position(call, state, test)
            case Operation(
                operator=symbol, operands=(Call() as call, Operation(operator="-", operands=(Constant(value=1),)))
            ):
                if _says_found(symbol, -1, outcome=outcome):
                    return self._position(call, state, test)
            case Call() if outcome:
                return self._answered_yes(test, state)
        return state

    def _position(self, call: Call, state: State, test: Expression) -> State | None:
        match call:
            case Call(callee=Member(base=allowed, name="indexOf"), arguments=(subject,)):
                return self._is_among(subject, allowed, state, test)
        return state

    def _answered_yes(self, call: Call, state: State) -> State | None:
        match call:
            case Call(callee=Member(base=allowed, name=name), arguments=(subject,)) if name in MEMBERSHIP:
                return self._is_among(subject, allowed, state, call)
            case Call(callee=Member(base=left, name="equals"), arguments=(right,)):
                return self._equals(left, right, state, call)
            case Call(callee=Member(base=subject, name=name), arguments=()) if name in CHARACTER_CHECKS:
                return self._checked(subject, state, call)
            case Call(callee=Member(base=Pattern(text=pattern), name="test"), arguments=(subject,)):
                anchored = pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith("\\$")
                return self._checked(subject, state, call) if anchored and is_harmless_pattern(pattern[1:-1]) else state
            case Call(callee=Member(base=subject, name="matches"), arguments=(Constant(value=str(pattern)),)):
                bare = pattern.removeprefix("^").removesuffix("$")
                return (
                    self._checked(subject, state, call)
                    if self.language == "java" and is_harmless_pattern(bare)
                    else state
                )
            case Call(callee=Member() as callee, arguments=(Constant(value=str(pattern)), subject)):
                return self._matched(callee, pattern, subject, state, call)
        return state

    def _matched(self, callee: Member, pattern: str, subject: Expression, state: State, call: Call) -> State:
        path = self.path_of(callee, state)
        bare = pattern.removeprefix("^").removeprefix("\\A").removesuffix("\\Z")
        # `re.match` asks about the start only, and `$` lets a last line feed through, which no sink of ours minds less.
        is_whole = path == "re.fullmatch" or (path == "re.match" and pattern.endswith("\\Z"))
        is_nearly_whole = path == "re.match" and pattern.endswith("$")
        if is_whole or is_nearly_whole:
            bare = bare.removesuffix("$")
            return self._checked(subject, state, call) if is_harmless_pattern(bare) else state
        return state

    def _equals(self, left: Expression, right: Expression, state: State, test: Expression) -> State | None:
        for subject, other in ((left, right), (right, left)):
            value = self.evaluate(other, state)
            if value.constants is not None and value.is_fixed and not isinstance(subject, Constant):
                return self._narrow(subject, value.constants, state, test)
        return state

    def _is_among(self, subject: Expression, allowed: Expression, state: State, test: Expression) -> State | None:
        constants = self._listed(allowed, state)
        return state if constants is None else self._narrow(subject, constants, state, test)

    def _listed(self, allowed: Expression, state: State) -> frozenset[Exact] | None:
        """Return the constants of a collection that is known whole."""
        if isinstance(allowed, Listing):
            values = [self.evaluate(item, state) for item in allowed.items]
            if any(value.constants is None for value in values):
                return None
            return frozenset[Exact]().union(*(value.constants or frozenset() for value in values))
        value = self.evaluate(allowed, state)
        if value.is_unknown or value.taints or len(value.boxes) != 1:
            return None
        box = self.box(next(iter(value.boxes)), state)
        if box is None or box.rest is not None:
            return None
        if box.cells is not None:
            return frozenset(key for key, _ in box.cells)
        if box.items is None or any(item.constants is None for item in box.items):
            return None
        return frozenset[Exact]().union(*(item.constants or frozenset() for item in box.items))

    def _narrow(self, subject: Expression, constants: frozenset[Exact], state: State, test: Expression) -> State | None:
        key = self.key_of(subject)
        if key is None:
            return state
        value = self.evaluate(subject, state)
        if value.constants is not None:
            constants &= value.constants
            if not constants:
                return None
        note = Note(NoteKind.ALLOWED, test.place.line, self.text(test))
        narrowed = one_of(constants).with_note(note) if value.constants is None else one_of(constants)
        self._remember(subject, key, narrowed, state)
        return state

    def _checked(self, subject: Expression, state: State, test: Expression) -> State:
        key = self.key_of(subject)
        if key is not None:
            note = Note(NoteKind.CHECKED, test.place.line, self.text(test))
            self._remember(subject, key, Value().with_note(note), state)
        return state

    def _remember(self, subject: Expression, key: str, value: Value, state: State) -> None:
        if isinstance(subject, Name):
            state.names[subject.name] = value
        else:
            state.checked[key] = value


def _truth(value: Exact) -> bool | None:
    """Return whether a constant counts as true, in all languages alike; None where they differ."""
    kind, literal = value
    if kind == "NoneType":
        return False
    if isinstance(literal, bool):
        return literal
    if isinstance(literal, int | float):
        return literal != 0
    if isinstance(literal, str):
        return bool(literal)
    return None


def _says_found(symbol: str, bound: object, *, outcome: bool) -> bool:
    """Say whether comparing `indexOf` with a bound, with this outcome, means that something was found."""
    if isinstance(bound, bool) or bound not in (-1, 0):
        return False
    found_if_true = (symbol in {"!=", "!==", ">"} and bound == -1) or (symbol == ">=" and bound == 0)
    found_if_false = (symbol in {"==", "===", "<="} and bound == -1) or (symbol == "<" and bound == 0)
    return found_if_true if outcome else found_if_false
