"""From what reaches the matched code to facts in words: constants, encoders, allow lists, request data."""

from __future__ import annotations

import re

from findings.context import FindingContext
from triage.answers import EvidenceRole
from triage.facts.families import INJECTIONS, Family
from triage.facts.flow.analysis import Arrival, arrival_at
from triage.facts.flow.values import Note, NoteKind, Taint
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, match_quote, quotes

# In these places an HTML encoder does not help.
SCRIPT_CONTEXT = re.compile(r"<script|\bon\w+\s*=|javascript:|<style|(?:href|src|action)\s*=\s*[\"']?\s*$", re.I)
# A call that sets an option takes constants by nature; that they are constant proves nothing.
SETS_AN_OPTION = re.compile(r"^(?:set|config|use|enable|disable|add_?header|header|env|init|options?)", re.I)
READS_XML = re.compile(r"parse|fromstring|read|XML$|transform|unmarshal|load", re.I)
FAMILIES_WITH_OPTIONS = {Family.XSS, Family.XXE, Family.CODE, Family.TEMPLATE, Family.DESERIALIZATION, Family.SSRF}
FIXED_HOST = re.compile(r"^https?://[\w.:-]+/|^/[\w-]+[/?#]", re.I)
KIND_OF_NOTE = {
    NoteKind.NUMBER: FactKind.NUMERIC_CONVERSION,
    NoteKind.ENCODED: FactKind.KNOWN_ENCODER,
    NoteKind.PARTLY_ENCODED: FactKind.KNOWN_ENCODER,
    NoteKind.ALLOWED: FactKind.ALLOW_LIST_CHECK,
    NoteKind.CHECKED: FactKind.ALLOW_LIST_CHECK,
    NoteKind.REPLACED: FactKind.GUARD,
}
MOST_QUOTED_SOURCES = 3


def facts_of_arrival(context: FindingContext, family: Family) -> list[Fact]:
    """Return what is known of the values that reach the matched code."""
    if family not in INJECTIONS:
        return []
    arrival = arrival_at(context, family)
    if arrival is None:
        return []
    if not arrival.was_reached:
        return _unreachable(context, arrival)
    if arrival.value.dangers(family):
        return _dangerous(context, arrival, family)
    if arrival.value.is_safe_for(family):
        return _safe(context, arrival, family)
    return []


def _unreachable(context: FindingContext, arrival: Arrival) -> list[Fact]:
    if not arrival.settled:
        return []
    line = arrival.settled[-1]
    shown = (*quotes(context, (line, EvidenceRole.GUARD)), *match_quote(context, EvidenceRole.SINK))
    statement = f"No way leads to {arrival.text}: the condition on line {line} always comes out the same."
    return [Fact(FactKind.UNREACHABLE_CODE, statement, shown, Leaning.SAFE, Strength.STRONG)]


def _dangerous(context: FindingContext, arrival: Arrival, family: Family) -> list[Fact]:
    dangers = sorted(arrival.value.dangers(family), key=lambda taint: (not taint.is_request, taint.line, taint.origin))
    shown = quotes(context, *((taint.line, EvidenceRole.SOURCE) for taint in dangers[:MOST_QUOTED_SOURCES]))
    shown = (
        *shown,
        *(
            sink
            for sink in match_quote(context, EvidenceRole.SINK)
            if sink.start_line not in {q.start_line for q in shown}
        ),
    )
    if any(taint.is_request for taint in dangers):
        statement = f"Data of the request, {_origins(dangers)}, reaches {arrival.text}."
        found = [Fact(FactKind.TAINTED_INPUT, statement, shown, Leaning.DANGEROUS, Strength.STRONG)]
    else:
        statement = f"Data of whoever runs the program, {_origins(dangers)}, reaches {arrival.text}."
        found = [Fact(FactKind.LOCAL_INPUT, statement, shown, Leaning.DANGEROUS, Strength.WEAK)]
    return [*found, *_doubts(context, arrival, family)]


def _origins(dangers: list[Taint]) -> str:
    names = list(dict.fromkeys(f"{taint.origin} (line {taint.line})" for taint in dangers))
    return " and ".join(names[:MOST_QUOTED_SOURCES])


def _doubts(context: FindingContext, arrival: Arrival, family: Family) -> list[Fact]:
    """Return what may make the data harmless although it is not proved to."""
    found: list[Fact] = []
    notes = arrival.value.notes
    for note in sorted(notes, key=lambda each: each.line):
        if note.kind in {NoteKind.PARTLY_ENCODED, NoteKind.REPLACED}:
            statement = f"On line {note.line} {note.what} changes the data, which may or may not be enough here."
            found.append(_of_note(context, note, statement, EvidenceRole.SANITIZER, Strength.WEAK))
    tests: dict[tuple[int, str], set[NoteKind]] = {}
    for note in notes:
        if note.kind in {NoteKind.TESTED, NoteKind.TESTED_AGAINST}:
            tests.setdefault((note.line, note.what), set()).add(note.kind)
    for (line, what), outcomes in sorted(tests.items()):
        if len(outcomes) == 1:  # what both outcomes lead to was not guarded
            statement = (
                f"Only one outcome of {what} on line {line} leads to the match, so the data was checked for something."
            )
            shown = quotes(context, (line, EvidenceRole.GUARD))
            found.append(Fact(FactKind.GUARD, statement, shown, Leaning.SAFE, Strength.WEAK))
    if family in {Family.SSRF, Family.REDIRECT} and FIXED_HOST.match(arrival.value.prefix):
        statement = f"The address begins with the fixed text {arrival.value.prefix[:60]}, so its host cannot be chosen."
        shown = match_quote(context, EvidenceRole.SANITIZER)
        found.append(Fact(FactKind.FIXED_PREFIX, statement, shown, Leaning.SAFE, Strength.WEAK))
    return found


def _of_note(context: FindingContext, note: Note, statement: str, role: EvidenceRole, strength: Strength) -> Fact:
    return Fact(KIND_OF_NOTE[note.kind], statement, quotes(context, (note.line, role)), Leaning.SAFE, strength)


def _safe(context: FindingContext, arrival: Arrival, family: Family) -> list[Fact]:
    if not _is_about_data(arrival, family):
        return []
    notes = sorted(arrival.value.notes, key=lambda each: (each.line, each.what))
    reasons = [note for note in notes if note.kind in KIND_OF_NOTE and note.kind is not NoteKind.REPLACED]
    if not reasons:
        return [_constant(context, arrival, notes, family)]
    return [_reason(context, note, arrival, family) for note in reasons]


def _reason(context: FindingContext, note: Note, arrival: Arrival, family: Family) -> Fact:
    match note.kind:
        case NoteKind.NUMBER:
            statement = f"On line {note.line} {note.what} makes a number of the data before it reaches {arrival.text}."
            return _of_note(context, note, statement, EvidenceRole.SANITIZER, Strength.STRONG)
        case NoteKind.ENCODED | NoteKind.PARTLY_ENCODED:
            in_script = family is Family.XSS and any(
                SCRIPT_CONTEXT.search(text) for text in _surroundings(context, arrival)
            )
            is_certain = note.kind is NoteKind.ENCODED and not in_script
            statement = f"On line {note.line} {note.what} encodes the data before it reaches {arrival.text}."
            strength = Strength.STRONG if is_certain else Strength.WEAK
            return _of_note(context, note, statement, EvidenceRole.SANITIZER, strength)
        case _:
            statement = f"On line {note.line} {note.what} lets only fixed or harmless values through to {arrival.text}."
            return _of_note(context, note, statement, EvidenceRole.GUARD, Strength.STRONG)


def _surroundings(context: FindingContext, arrival: Arrival) -> list[str]:
    return [*arrival.value.fragments, arrival.value.prefix, context.matched_text]


def _constant(context: FindingContext, arrival: Arrival, notes: list[Note], family: Family) -> Fact:
    lines = [(note.line, EvidenceRole.CONTEXT) for note in notes if note.kind is NoteKind.SET][-MOST_QUOTED_SOURCES:]
    sink = match_quote(context, EvidenceRole.SINK)
    shown = (*quotes(context, *lines), *sink) if sink else quotes(context, *lines)
    if family is Family.SQL and arrival.has_parameters:
        statement = f"The text of {arrival.text} is fixed in the code, and its values are bound as parameters."
        return Fact(FactKind.PARAMETERIZED, statement, shown, Leaning.SAFE, Strength.STRONG)
    statement = f"Everything that reaches {arrival.text} is fixed in the code: no data from outside is in it."
    return Fact(FactKind.CONSTANT_ARGUMENT, statement, shown, Leaning.SAFE, Strength.STRONG)


def _is_about_data(arrival: Arrival, family: Family) -> bool:
    """Say whether the matched code runs or shows a text, so that a fixed text answers the rule's question."""
    if family in FAMILIES_WITH_OPTIONS and (SETS_AN_OPTION.match(arrival.callee) or not arrival.is_call):
        return bool(arrival.value.notes) and not SETS_AN_OPTION.match(arrival.callee)
    if family is Family.XXE and not READS_XML.search(arrival.callee):
        return False
    constants = arrival.value.constants
    if constants is None:
        return True
    return any(isinstance(value, str) for _, value in constants)
