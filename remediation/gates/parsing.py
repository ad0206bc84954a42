"""Does a fix leave every file as readable as it was? Asked of three parsers, since each forgives other mistakes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from lib import syntax
from remediation.gates.patching import FileChange
from remediation.gates.results import Gate, GateResult, Outcome
from rules import engine


def check(changes: Sequence[FileChange]) -> GateResult:
    """Return whether all changed files still parse; a file that did not parse before may stay as it was."""
    not_known = []
    for change in changes:
        complaint = _complaint(change)
        if complaint:
            return GateResult(Gate.PARSES, Outcome.FAILED, f"{change.path} no longer parses: {complaint}.")
        if complaint is None:
            not_known.append(change.path)
    if not_known:
        return GateResult(Gate.PARSES, Outcome.NOT_RUN, f"There is no parser for {', '.join(not_known)}.")
    return GateResult(Gate.PARSES, Outcome.PASSED, "The changed code parses.")


def _complaint(change: FileChange) -> str | None:
    """What is wrong with the file after; empty where nothing is, None where no parser can say."""
    if change.language == "python" and (error := _python_error(change.after)) and not _python_error(change.before):
        return error
    errors_before = syntax.error_count(change.before, change.language)
    errors_after = syntax.error_count(change.after, change.language)
    if errors_before is not None and errors_after is not None and errors_after > errors_before:
        return "the change breaks its grammar"
    is_parsed = _parses(change.path, change.after)
    if is_parsed is False and _parses(change.path, change.before):
        return "the engine cannot parse it any more"
    if is_parsed or errors_after is not None:
        return ""
    return None


def _python_error(text: str) -> str:
    # Python sees what grammars forgive: a block without a body, a `return` outside a function.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "the file", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{error.msg}, line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "it is too deep or holds a null character"
    return ""


def _parses(path: str, text: str) -> bool | None:
    try:
        return engine.parses(path, text)
    except engine.EngineError:
        return None
