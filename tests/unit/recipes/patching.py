"""Run a recipe on a piece of code, and hold its answer to what every fix must keep."""

from __future__ import annotations

from collections.abc import Mapping

from findings.context import FindingContext, RuleContext, Span
from lib.diffs import Replacement, replace_each
from lib.languages import language_of
from lib.syntax import error_count
from remediation.recipes import fix_for


def finding(
    source: str,
    at: str,
    *,
    cwe: int,
    path: str = "src/app.py",
    rule: str = "house.rule",
    message: str = "",
    files: Mapping[str, str] | None = None,
) -> FindingContext:
    """Return a finding that points at the only place where `at` stands."""
    assert source.count(at) == 1, f"{at!r} must stand in the source once"
    start = source.index(at)
    end = start + len(at)
    others = files or {}
    return FindingContext(
        rule=RuleContext(identifier=rule, message=message, severity="ERROR", cwe=(f"CWE-{cwe}",)),
        path=path,
        span=Span(*_position(source, start), *_position(source, end)),
        source=source,
        read_file=others.get,
    )


def _position(source: str, index: int) -> tuple[int, int]:
    before = source[:index]
    return before.count("\n") + 1, len(before.rpartition("\n")[2].encode()) + 1


def patched(
    source: str,
    at: str,
    *,
    cwe: int,
    path: str = "src/app.py",
    rule: str = "house.rule",
    message: str = "",
    files: Mapping[str, str] | None = None,
) -> str | None:
    """Return the file after the fix, or None where there is none; every edit is unique and the file still parses."""
    answer = fix_for(finding(source, at, cwe=cwe, path=path, rule=rule, message=message, files=files))
    if answer is None:
        return None
    assert all(source.count(edit.old) == 1 for edit in answer.edits)
    assert {edit.path for edit in answer.edits} == {path}
    assert answer.explanation.count(". ") <= 2
    after = replace_each(source, [Replacement(edit.old, edit.new) for edit in answer.edits])
    assert error_count(after, language_of(path)) == 0
    return after
