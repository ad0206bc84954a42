"""The rules run again over the file as it was and as the fix leaves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from findings.context import FindingContext
from remediation.gates.patching import FileChange
from remediation.gates.results import Gate, GateResult, Outcome
from rules import engine

MOST_NAMED = 3


@dataclass(frozen=True)
class Rerun:
    """What some rules find before and after; `problem` says why there is no answer."""

    before: engine.EngineResult
    after: engine.EngineResult
    problem: str = ""


NOTHING = engine.EngineResult(matches=())


def rerun(*, context: FindingContext, changes: Sequence[FileChange], rules_yaml: str) -> Rerun:
    """Run rules over the changed files and the finding's own, both versions in one run of the engine."""
    own = {context.path: context.source or ""}
    before = own | {change.path: change.before for change in changes}
    after = own | {change.path: change.after for change in changes}
    try:
        found_before, found_after = engine.scan_versions((before, after), rules_yaml)
    except engine.RuleInvalid as error:
        return Rerun(NOTHING, NOTHING, f"The engine does not accept the rule: {error}")
    except engine.EngineError as error:
        return Rerun(NOTHING, NOTHING, str(error))
    unfinished = set(found_after.unfinished) - set(found_before.unfinished)
    problem = f"The engine could not finish {', '.join(sorted(unfinished))} in its time." if unfinished else ""
    return Rerun(found_before, found_after, problem)


def rule_silent(*, context: FindingContext, changes: Sequence[FileChange], found: Rerun) -> GateResult:
    """Return whether the very rule of the finding no longer finds it."""
    if found.problem:
        return GateResult(Gate.RULE_SILENT, Outcome.NOT_RUN, found.problem)
    lines = range(context.span.start_line, context.span.end_line + 1)
    own = [match for match in found.before.matches if match.path == context.path and _overlaps(match, lines)]
    if not own:
        explanation = (
            "The rule, as it is known here, does not find this in the original file: its silence proves nothing."
        )
        return GateResult(Gate.RULE_SILENT, Outcome.NOT_RUN, explanation)
    broken = set(found.after.partially_parsed) - set(found.before.partially_parsed)
    if broken:
        explanation = f"The engine can read {', '.join(sorted(broken))} only in part after the change."
        return GateResult(Gate.RULE_SILENT, Outcome.FAILED, explanation)
    still = next(_still_found(own, found, {change.path: change for change in changes}), None)
    if still is not None:
        explanation = f"Run again with nothing suppressed, the rule still matches line {still.start_line}."
        return GateResult(Gate.RULE_SILENT, Outcome.FAILED, explanation)
    if len(found.after.matches) >= len(found.before.matches):
        explanation = "The rule matches as often as before: the finding has moved."
        return GateResult(Gate.RULE_SILENT, Outcome.FAILED, explanation)
    explanation = "The rule was run again on the changed file, with nothing suppressed, and no longer matches."
    return GateResult(Gate.RULE_SILENT, Outcome.PASSED, explanation)


def no_new_finding(*, changes: Sequence[FileChange], found: Sequence[Rerun]) -> GateResult:
    """Return whether the rules that were run find nothing that they did not find before."""
    problem = next((each.problem for each in found if each.problem), "")
    if problem or not found:
        return GateResult(Gate.NO_NEW_FINDING, Outcome.NOT_RUN, problem or "No rule's text is known here.")
    changed = {change.path: change for change in changes}
    new = [match for each in found for match in _new_matches(each, changed)]
    if new:
        named = ", ".join(f"{match.rule_id} in line {match.start_line}" for match in new[:MOST_NAMED])
        return GateResult(Gate.NO_NEW_FINDING, Outcome.FAILED, f"The change adds a finding: {named}.")
    return GateResult(Gate.NO_NEW_FINDING, Outcome.PASSED, "The rules find nothing that they did not find before.")


def _still_found(
    own: Sequence[engine.Match], found: Rerun, changed: Mapping[str, FileChange]
) -> Iterator[engine.Match]:
    """What the rule finds in changed lines, or of this finding in lines that stayed."""
    for match in found.after.matches:
        change = changed.get(match.path)
        if change is None:
            yield from (match for each in own if each == match)
        elif _overlaps(match, change.added) or any(_moved_along(each, match, change) for each in own):
            yield match


def _moved_along(before: engine.Match, after: engine.Match, change: FileChange) -> bool:
    return (
        before.path == after.path
        and change.line_after.get(before.start_line) == after.start_line
        and change.line_after.get(before.end_line) == after.end_line
        and before.start_column == after.start_column
    )


def _new_matches(found: Rerun, changed: Mapping[str, FileChange]) -> Iterator[engine.Match]:
    """Matches whose text is new, less those that are an old match of the same rule in other words."""
    gone = Counter(_identity(match) for match in found.before.matches)
    gone.subtract(_identity(match) for match in found.after.matches)
    reworded: Counter[tuple[str, str]] = Counter()
    for match in found.before.matches:
        change = changed.get(match.path)
        if gone[_identity(match)] > 0 and change and _touches(match, change.removed):
            gone[_identity(match)] -= 1
            reworded[match.path, match.rule_id] += 1
    surplus = Counter({identity: -count for identity, count in gone.items() if count < 0})
    for match in reversed(found.after.matches):
        if surplus[_identity(match)] <= 0:
            continue
        surplus[_identity(match)] -= 1
        change = changed.get(match.path)
        if reworded[match.path, match.rule_id] and change and _touches(match, change.added):
            reworded[match.path, match.rule_id] -= 1
        else:
            yield match


def _touches(match: engine.Match, changed_lines: frozenset[int]) -> bool:
    # Where lines were only put in or only taken out, the other side has none to overlap with.
    return not changed_lines or _overlaps(match, changed_lines)


def _identity(match: engine.Match) -> tuple[str, str, str]:
    return match.path, match.rule_id, " ".join(match.text.split())


def _overlaps(match: engine.Match, lines: range | frozenset[int]) -> bool:
    return any(number in lines for number in range(match.start_line, match.end_line + 1))
