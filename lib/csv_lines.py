"""Lines of CSV that a spreadsheet opens as text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet take a cell for a formula, or begins one after the blanks it strips.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Line:
    """The file that the writer wants: it hands back what it is given."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield rows as lines of CSV; a text that a spreadsheet would calculate gets an apostrophe before it."""
    writer = csv.writer(_Line())
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell
