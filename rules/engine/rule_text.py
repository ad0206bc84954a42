"""Rules as text: pick one out of a file, and say which line an error is about. Nothing here runs the engine.

YAML is read as a stream of events, never as a tree: a text nested a hundred thousand deep ends the process that
builds a tree of it, and takes minutes.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from rules.engine.errors import RuleError

# They read other files, or are run by a part of Semgrep that the fast front end passes over in silence.
MODES_NOT_RUN_HERE = {
    "join": "Rules that join the results of other rules are not run here: they read other files.",
    "extract": "Rules that extract code into other files are not run here.",
    "steps": "Rules made of steps are not run here.",
}
DEEPEST_NESTING = 100
MOST_VALUES = 1_000_000  # with each alias counted as what it stands for; ten lines of aliases can stand for a billion
# Where a rule stands: in the list named `rules` of the topmost mapping.
DEPTH_OF_LIST, DEPTH_OF_RULE = 2, 3
LONGEST_QUOTE = 60
LONGEST_READ_SLOWLY = 1024 * 1024  # characters; some 20 times as slow


class Unreadable(ValueError):
    """The text is no list of rules; `line` from 1 where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class WrittenRule:
    """One rule of a file: where it stands (the line from 1) and what is needed to find it again."""

    identifier: str
    mode: str
    line: int
    position: int
    events: tuple[Event, ...]


def written_rules(rules_yaml: str) -> tuple[WrittenRule, ...]:
    """Return the rules of a file or bundle in their order. Raises Unreadable."""
    try:
        found = tuple(_rules_in(rules_yaml, pure=False))
    except YAMLError as error:
        found = _read_slowly(rules_yaml)
        if found:
            return found
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "something is wrong near here"
        raise Unreadable(f"Not readable as YAML: {problem}.", mark.line + 1 if mark else None) from None
    if not found:
        raise Unreadable("There is no rule here: write a list named `rules`.", 1)
    return found


def rule_yaml_for(rules_yaml: str, rule_id: str) -> str | None:
    """Return the one rule that a report calls `rule_id`, as a rules file of its own; None where it is not clear which.

    Reports put the folders of the rule's file before its id (`rules.python.lang.x` for `x`): the exact id wins, then
    the longest id that `rule_id` ends with, then the only id that ends with `rule_id`.
    """
    try:
        rules = written_rules(rules_yaml)
    except Unreadable:
        return None
    return _text_of(rule_id, rules, rules_yaml)


def rule_texts_for(rules_yaml: str, rule_ids: Iterable[str]) -> dict[str, str]:
    """Return what `rule_yaml_for` returns for each rule that it finds, reading the text once. Raises Unreadable."""
    rules = written_rules(rules_yaml)
    texts = {rule_id: _text_of(rule_id, rules, rules_yaml) for rule_id in rule_ids}
    return {rule_id: text for rule_id, text in texts.items() if text is not None}


def _text_of(rule_id: str, rules: tuple[WrittenRule, ...], rules_yaml: str) -> str | None:
    exact = [rule for rule in rules if rule.identifier == rule_id]
    within = [rule for rule in rules if rule_id.endswith(f".{rule.identifier}")]
    longest = max((len(rule.identifier) for rule in within), default=0)
    around = [rule for rule in rules if rule.identifier.endswith(f".{rule_id}")]
    for candidates in (exact, [rule for rule in within if len(rule.identifier) == longest], around):
        if candidates:
            texts = {as_file(rule, rules_yaml) for rule in candidates}
            return texts.pop() if len(texts) == 1 else None
    return None


def refused_beforehand(rules_yaml: str) -> tuple[RuleError, ...]:
    """Return the rules that the engine is never given, or why the whole text is no list of rules."""
    try:
        rules = written_rules(rules_yaml)
    except Unreadable as error:
        return (RuleError("", str(error), error.line),)
    return tuple(
        RuleError(rule.identifier, MODES_NOT_RUN_HERE[rule.mode], rule.line)
        for rule in rules
        if rule.mode in MODES_NOT_RUN_HERE
    )


def with_lines(errors: tuple[RuleError, ...], rules_yaml: str) -> tuple[RuleError, ...]:
    """Return the errors with the line each is about, as near as the engine's words tell."""
    try:
        rules = written_rules(rules_yaml)
    except Unreadable:
        return errors
    lines = rules_yaml.splitlines()
    return tuple(error if error.line else replace(error, line=_line_of(error, rules, lines)) for error in errors)


def line_of_objection(objection: str, rules_yaml: str) -> int | None:
    """Return the line (from 1) of the one rule in a text that an objection is about, as near as its words tell."""
    try:
        written = written_rules(rules_yaml)
    except Unreadable as problem:
        return problem.line
    return with_lines((RuleError(written[0].identifier, objection),), rules_yaml)[0].line


def _read_slowly(rules_yaml: str) -> tuple[WrittenRule, ...]:
    """The rules as the engine's own reader finds them; it takes texts that the fast one refuses (`[https://a.b]`)."""
    if len(rules_yaml) > LONGEST_READ_SLOWLY:
        return ()
    try:
        return tuple(_rules_in(rules_yaml, pure=True))
    except YAMLError:
        return ()


def content_of(rules_yaml: str) -> Any:
    """Return what a text says that `written_rules` accepts. Raises YAMLError."""
    try:
        return YAML(typ="safe").load(rules_yaml)
    except YAMLError:
        return YAML(typ="safe", pure=True).load(rules_yaml)


def _rules_in(rules_yaml: str, *, pure: bool) -> Iterator[WrittenRule]:
    depth, position = 0, 0
    in_rules = False
    rule: list[Event] = []
    last_name = ""
    expansion = _Expansion()
    for event in YAML(typ="safe", pure=pure).parse(rules_yaml):
        expansion.take(event)
        opens = isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth += opens
        if depth > DEEPEST_NESTING:
            raise Unreadable(f"The text is nested more than {DEEPEST_NESTING} levels deep.", event.start_mark.line + 1)
        if depth == 1 and isinstance(event, ScalarEvent):
            last_name = event.value
        if depth == DEPTH_OF_LIST and opens:
            in_rules = last_name == "rules" and isinstance(event, SequenceStartEvent)
        if in_rules and depth >= DEPTH_OF_RULE:
            rule.append(event)
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
            if in_rules and rule and depth == DEPTH_OF_LIST:
                yield from _written_rule(rule, position)
                rule, position = [], position + 1


class _Expansion:
    """How many values a text stands for; refuses one of absurd size before anything is made of it."""

    def __init__(self) -> None:
        self._of_anchor: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = [(None, 0)]

    def take(self, event: Event) -> None:
        """Count one event. Raises Unreadable."""
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open.append((event.anchor, 1))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._add(*self._open.pop(), event)
        elif isinstance(event, ScalarEvent):
            self._add(event.anchor, 1, event)
        elif isinstance(event, AliasEvent):
            if event.anchor not in self._of_anchor:
                raise Unreadable(
                    f"`*{event.anchor}` stands for nothing that ends before it.", event.start_mark.line + 1
                )
            self._add(None, self._of_anchor[event.anchor], event)

    def _add(self, anchor: str | None, size: int, event: Event) -> None:
        if anchor is not None:
            self._of_anchor[anchor] = size
        outer, before = self._open[-1]
        self._open[-1] = (outer, before + size)
        if before + size > MOST_VALUES:
            raise Unreadable(f"Its aliases stand for more than {MOST_VALUES:,} values.", event.start_mark.line + 1)


def _written_rule(events: list[Event], position: int) -> Iterator[WrittenRule]:
    fields = _scalar_fields(events)
    if fields.get("id"):
        line = events[0].start_mark.line + 1
        yield WrittenRule(fields["id"], fields.get("mode", ""), line, position, tuple(events))


def _scalar_fields(events: list[Event]) -> dict[str, str]:
    """The fields of a mapping whose values are plain: its events at depth one alternate between name and value."""
    fields: dict[str, str] = {}
    depth, name = 0, None
    for event in events[1:-1]:
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
            name = name if depth else None
        elif depth == 0 and name is None:
            name = getattr(event, "value", "")
        elif depth == 0:
            if isinstance(event, ScalarEvent) and name:
                fields.setdefault(name, event.value)
            name = None
    return fields


def as_file(rule: WrittenRule, rules_yaml: str) -> str:
    """Return one rule of a text as a rules file of its own, which begins with `rules:`."""
    return _cut(rule, rules_yaml) or _written_anew(rule, rules_yaml)


def _cut(rule: WrittenRule, rules_yaml: str) -> str | None:
    """The rule's own lines, so that people recognise it; None where cutting by lines would change its meaning."""
    start, end = rule.events[0].start_mark, rule.events[-1].end_mark
    lines = rules_yaml.split("\n")
    if end.line >= len(lines) - 1:
        lines.append("")
        end_line = len(lines) - 1
    else:
        end_line = end.line
    body = "\n".join([" " * start.column + lines[start.line][start.column :], *lines[start.line + 1 : end_line]])
    text = "rules:\n- " + textwrap.indent(textwrap.dedent(body), "  ").strip() + "\n"
    try:
        cut = written_rules(text)
    except Unreadable:
        return None
    return text if len(cut) == 1 and _meaning(cut[0]) == _meaning(rule) else None


def _meaning(rule: WrittenRule) -> list[tuple[str, object, object]]:
    # An alias means what stands elsewhere: no rule with one can be cut out.
    return [
        (type(event).__name__, getattr(event, "value", None), id(event) if isinstance(event, AliasEvent) else None)
        for event in rule.events
    ]


def _written_anew(rule: WrittenRule, rules_yaml: str) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 4096
    stream = io.StringIO()
    writer.dump({"rules": [content_of(rules_yaml)["rules"][rule.position]]}, stream)
    return stream.getvalue()


def _line_of(error: RuleError, rules: tuple[WrittenRule, ...], lines: list[str]) -> int | None:
    start = next((rule.line for rule in rules if rule.identifier == error.rule_id), None)
    if start is None:
        return None
    end = next((rule.line for rule in rules if rule.line > start), len(lines) + 1)
    # The engine quotes the pattern or names the key; the first line of the rule that holds it is the best guess.
    for word in _words_quoted(error.message):
        for number in range(start, end):
            if word in lines[number - 1]:
                return number
    return start


def _words_quoted(message: str) -> Iterator[str]:
    _, _, pattern = message.partition("----- pattern -----\n")
    if pattern.strip():
        yield pattern.strip().splitlines()[0].strip()[:LONGEST_QUOTE]
    for marker in ("unexpected key ", "invalid language "):
        _, _, named = message.partition(marker)
        if named.strip():
            yield named.split()[0]
