"""The result for people at a terminal: one row a finding, worst first, readable at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assistant_platform.analyze.result import Result
from findings.export.finding import ExportedFinding

SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
RECOMMENDATION_STYLES = {"fix": "bold red", "ignore": "green", "unsure": "yellow"}
SEVERITY_WIDTH = 8


def print_table(result: Result, console: Console) -> None:
    """Write the findings and a summary of a few lines."""
    if result.findings:
        table = Table(box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False, expand=True)
        table.add_column("Severity", width=SEVERITY_WIDTH)
        table.add_column("Finding", ratio=2, overflow="fold")
        table.add_column("The Assistant", ratio=3, overflow="fold")
        for finding in result.findings:
            table.add_row(
                Text(finding.severity, SEVERITY_STYLES[finding.severity]), _what_and_where(finding), _view(finding)
            )
        console.print(table)
    for line in _summary(result):
        console.print(line, soft_wrap=True)


def _what_and_where(finding: ExportedFinding) -> Text:
    return Text.assemble((_shown(finding.place), "bold"), "\n", (_shown(finding.rule.name), "dim"))


def _view(finding: ExportedFinding) -> Text:
    if finding.triage.is_ignored:
        said = ": ".join(part for part in ("Ignored", finding.triage.comment) if part)
        return Text(_shown(said), "dim")
    verdict = finding.verdict
    if verdict is None:
        return Text.assemble(("Not analysed", "yellow"), f"\n{_shown(finding.not_analysed_reason)}")
    recommendation = verdict.recommendation
    return Text.assemble(
        (recommendation.capitalize(), RECOMMENDATION_STYLES[recommendation]),
        f" ({verdict.confidence} confidence){_fix(finding)}\n{_shown(verdict.explanation)}",
    )


def _fix(finding: ExportedFinding) -> str:
    if finding.rule_fix:
        return ", fix by the rule"
    if finding.fix is None:
        return ""
    return ", verified fix" if finding.fix.is_verified else f", unverified fix ({finding.fix.confidence})"


def _summary(result: Result) -> Iterator[Text]:
    counts = result.counts
    yield Text(
        f"{counts['total']} findings: {counts['fix']} to fix ({counts['verified_fixes']} with a verified fix),"
        f" {counts['ignore']} probably to ignore, {counts['unsure']} unsure, {counts['not_analysed']} not analysed,"
        f" {counts['ignored']} ignored already.",
        "bold",
    )
    if not result.is_complete:
        waiting = len(result.unfinished)
        yield Text(
            f"Incomplete: {waiting} of them should have a verdict and have none. Run again later.", "bold yellow"
        )
    yield Text(f"Judged by {result.provider}. An Assistant's answer can be wrong: check its reason against the code.")


def _shown(text: str) -> str:
    """Return a text that cannot drive the terminal: reports and models write it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)
