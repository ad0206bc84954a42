"""What `analyze` makes of its findings: the exit code, and a table that fits the terminal and cannot drive it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from assistant_platform.analyze.request import FailOn
from assistant_platform.analyze.result import Result, in_order
from assistant_platform.analyze.table import print_table
from findings.context import Span
from findings.export.finding import ExportedFinding, ExportedTriage
from tests.unit.test_sarif_export import a_finding, a_verdict

TO_FIX = a_finding(verdict=a_verdict("true_positive"))
TO_IGNORE = a_finding(verdict=a_verdict("false_positive"))
UNSURE = a_finding(verdict=a_verdict("unsure"))
LEFT_OUT = a_finding(not_analysed="not_security", not_analysed_reason="It is not about security.")
UNANSWERED = a_finding(not_analysed="unavailable", not_analysed_reason="The provider gave no answer.")
IGNORED = a_finding(triage=ExportedTriage("ignored", "suppression"), not_analysed="ignored")


def a_result(*findings: ExportedFinding) -> Result:
    return Result(
        repo=Path("shop"), tool="Semgrep", provider="Built-in", findings=findings, problems=(), notes=(), seconds={}
    )


@pytest.mark.parametrize(
    ("fail_on", "finding", "code"),
    [
        (FailOn.NEVER, TO_FIX, 0),
        (FailOn.FIX, TO_FIX, 1),
        (FailOn.FIX, UNSURE, 0),
        (FailOn.FIX, TO_IGNORE, 0),
        (FailOn.FIX, LEFT_OUT, 0),
        (FailOn.UNSURE, TO_FIX, 1),
        (FailOn.UNSURE, UNSURE, 1),
        (FailOn.UNSURE, TO_IGNORE, 0),
        (FailOn.ANY, TO_IGNORE, 1),
        (FailOn.ANY, LEFT_OUT, 1),
        (FailOn.ANY, IGNORED, 0),
        (FailOn.NEVER, UNANSWERED, 3),
        (FailOn.FIX, UNANSWERED, 3),
        (FailOn.ANY, UNANSWERED, 1),
    ],
)
def test_the_exit_code_follows_from_what_was_found(fail_on: FailOn, finding: ExportedFinding, code: int) -> None:
    assert a_result(finding).exit_code(fail_on) == code


def test_a_finding_to_fix_outweighs_one_without_an_answer() -> None:
    assert a_result(UNANSWERED, TO_FIX).exit_code(FailOn.FIX) == 1


def test_nothing_found_is_fine() -> None:
    assert a_result().exit_code(FailOn.ANY) == 0


def test_every_finding_is_counted_once() -> None:
    counts = a_result(TO_FIX, TO_IGNORE, UNSURE, LEFT_OUT, UNANSWERED, IGNORED).counts

    assert (counts["fix"], counts["ignore"], counts["unsure"], counts["not_analysed"], counts["ignored"]) == (
        1,
        1,
        1,
        2,
        1,
    )
    assert counts["total"] == 6


def test_the_worst_come_first_then_by_place() -> None:
    low = a_finding(severity="low", path="a.py")
    early = a_finding(severity="high", path="b.py", span=Span(2, 1, 2, 5))
    late = a_finding(severity="high", path="b.py", span=Span(10, 1, 10, 5))

    assert in_order([low, late, early]) == (early, late, low)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_the_width(width: int) -> None:
    long_path = a_finding(path="services/" + "deeply/" * 20 + "module.py", verdict=a_verdict("unsure"))

    lines = table_of(long_path, TO_FIX, UNANSWERED, width=width)

    assert max(len(line) for line in lines if "─" in line or "module" in line or "deeply" in line) <= width


def test_the_table_says_why_there_is_no_verdict() -> None:
    assert "The provider gave no answer." in "\n".join(table_of(UNANSWERED))


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\x9b31m", "\u202e"])
def test_text_of_a_report_cannot_drive_the_terminal(evil: str) -> None:
    shown = table_of(a_finding(path=f"src/{evil}gate.py", verdict=a_verdict("unsure", explanation=f"{evil}so it is")))

    assert evil not in "\n".join(shown)


def test_markup_in_a_reason_is_shown_as_it_is() -> None:
    shown = table_of(a_finding(verdict=a_verdict("unsure", explanation="[red]rows[/red] are read")))

    assert "[red]rows[/red] are read" in "\n".join(shown)


def table_of(*findings: ExportedFinding, width: int = 100) -> list[str]:
    output = io.StringIO()
    print_table(a_result(*findings), Console(file=output, width=width, highlight=False))
    return output.getvalue().splitlines()
