"""All gates of a fix, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from findings.context import FindingContext
from remediation.answers import FixAnswer
from remediation.gates import cheating, imports, parsing, patching, rerun
from remediation.gates.patching import FileChange
from remediation.gates.results import FixCheck, Gate, GateResult, Outcome
from rules import engine

RULE_UNKNOWN = "The rule's text is not known here, so it could not be run again."
RULED_OUT = "Not run: a gate before this one already failed."


def check(
    *,
    context: FindingContext,
    answer: FixAnswer,
    rule_yaml: str | None,
    other_rules_yaml: str | None = None,
    known_dependencies: frozenset[str] | None = None,
) -> FixCheck:
    """Return what every gate says about a fix; never raises for what a fix or a rule holds.

    `rule_yaml` is the finding's own rule, `other_rules_yaml` those that must find nothing new; `known_dependencies` as
    `dependencies_in` gives them, None where the project's manifests were not read.
    """
    try:
        changes = patching.apply(context=context, answer=answer)
    except patching.NotApplicable as error:
        return FixCheck((GateResult(Gate.APPLIES, Outcome.FAILED, str(error)), *_not_run(list(Gate)[1:])))
    applies = GateResult(Gate.APPLIES, Outcome.PASSED, _applied(changes))
    parses = parsing.check(changes)
    if parses.outcome is Outcome.FAILED:
        # Broken code has no meaning to compare, and a rule that cannot read it is silent for nothing.
        results = [*_not_run(list(Gate)[2:])]
    else:
        results = [
            *_run_again(context, changes, rule_yaml, other_rules_yaml),
            cheating.check(context=context, changes=changes),
            imports.check(context=context, changes=changes, known_dependencies=known_dependencies),
        ]
    return FixCheck(
        results=(applies, parses, *results),
        patched={change.path: change.after for change in changes},
        diff=patching.diff_of(changes),
    )


def _run_again(
    context: FindingContext, changes: Sequence[FileChange], rule_yaml: str | None, other_rules_yaml: str | None
) -> list[GateResult]:
    found = []
    if rule_yaml is None or not rule_yaml.strip():
        silent = GateResult(Gate.RULE_SILENT, Outcome.NOT_RUN, RULE_UNKNOWN)
    else:
        # A text of several rules may be handed in; the others are not what this gate asks about.
        own_rule = engine.rule_yaml_for(rule_yaml, context.rule.identifier) or rule_yaml
        own = rerun.rerun(context=context, changes=changes, rules_yaml=own_rule)
        silent = rerun.rule_silent(context=context, changes=changes, found=own)
        found.append(own)
    if other_rules_yaml and other_rules_yaml.strip():
        found.append(rerun.rerun(context=context, changes=changes, rules_yaml=other_rules_yaml))
    return [silent, rerun.no_new_finding(changes=changes, found=found)]


def _not_run(gates: Sequence[Gate]) -> Iterator[GateResult]:
    for gate in gates:
        yield GateResult(gate, Outcome.NOT_RUN, RULED_OUT)


def _applied(changes: Sequence[FileChange]) -> str:
    lines = sum(len(change.removed) + len(change.added) for change in changes)
    files = "one file" if len(changes) == 1 else f"{len(changes)} files"
    return f"Every block stands in its file exactly once; {lines} lines of {files} change."
