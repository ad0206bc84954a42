"""CSV that a spreadsheet opens as text: nothing in it is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# What begins a formula in the common spreadsheets, or makes one of the next cell.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_line(cells: Sequence[object]) -> str:
    """Return a line of CSV with its end; a text that a spreadsheet would calculate gets an apostrophe in front."""
    written = io.StringIO()
    csv.writer(written).writerow([_harmless(cell) for cell in cells])
    return written.getvalue()


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterable[str]:
    """Yield lines of CSV, one a row, as they come."""
    return map(csv_line, rows)


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_BEGINS_A_FORMULA):
        return f"'{cell}"
    return cell
