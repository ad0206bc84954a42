"""SQL that was put together from text and values, taken apart again into bound parameters.

Knows SQL and nothing of the host language: pieces come as the source text between quotes, and as expressions.
Which positions can be bound is decided strictly; a table name, a column or a whole condition cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ESCAPE = re.compile(r"\\(?:\r\n|.)|.", re.DOTALL)
DECODED = {
    "\\n": "\n",
    "\\t": "\t",
    "\\r": "\r",
    "\\'": "'",
    '\\"': '"',
    "\\\\": "\\",
    "\\\n": "",
    "\\`": "`",
    "\\$": "$",
}

# What stands before a value that may be bound, at the end of the text so far.
BEFORE_A_VALUE = re.compile(
    r"(?:[=<>]|\|\||[\w)]\s*[-+]|\b(?:LIKE|ILIKE|BETWEEN|THEN|ELSE|LIMIT|OFFSET))\s*$|\bBETWEEN\s+\S+\s+AND\s*$",
    re.IGNORECASE,
)
BEFORE_A_LIMIT = re.compile(r"\b(?:LIMIT|OFFSET)\s*$", re.IGNORECASE)
VALUE_FUNCTIONS = r"(?:LOWER|UPPER|TRIM|DATE|COALESCE|IFNULL|NULLIF|ABS|LENGTH|CONCAT|MD5|HEX)"
BEFORE_A_LIST = re.compile(rf"\b(?:VALUES|IN|{VALUE_FUNCTIONS})\s*$", re.IGNORECASE)
STATEMENT = re.compile(r"\s*(?:\(\s*)?(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|MERGE|FROM|CALL)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Literal:
    """The source text between the quotes of one string, escapes and all."""

    raw: str


@dataclass(frozen=True)
class Value:
    """An expression of the host language whose result went into the text."""

    source: str


Part = Literal | Value


@dataclass(frozen=True)
class Bound:
    """What to bind, and what is left of each part: the text of a literal, the placeholder in place of a value.

    A parameter is the value with the text that stood around it inside the SQL quotes, such as wildcards.
    """

    texts: tuple[str, ...]
    parameters: tuple[tuple[Part, ...], ...]
    quoted: tuple[bool, ...]


@dataclass
class _Unit:
    part: int
    raw: str
    text: str
    kept: bool = True


def bind(
    parts: Sequence[Part],
    placeholder: Callable[[int], str],
    *,
    doubled_percent: bool = False,
    double_quotes: bool = False,
    limit: bool = True,
) -> Bound | None:
    """Take the values out of a statement; None where one of them stands where SQL allows no parameter.

    `placeholder` gives the n-th mark, from 0. `doubled_percent` is for drivers that read `%` in the statement;
    `double_quotes` for those that take "x" for a string; `limit` says whether LIMIT may be bound.
    """
    whole = "".join(decoded(part.raw) for part in parts if isinstance(part, Literal))
    if not STATEMENT.match(whole) or not any(isinstance(part, Value) for part in parts):
        return None
    binding = _Binding(parts=parts, placeholder=placeholder, double_quotes=double_quotes, limit=limit)
    if not binding.run():
        return None
    texts = []
    for index, part in enumerate(parts):
        if isinstance(part, Value):
            texts.append(binding.marks.get(index, ""))
            continue
        units = [unit for unit in binding.units if unit.part == index and unit.kept]
        if any(unit.text == "\0" for unit in units):
            return None
        texts.append("".join(_percent(unit, doubled=doubled_percent) for unit in units))
    return Bound(texts=tuple(texts), parameters=tuple(binding.parameters), quoted=tuple(binding.quoted))


def _percent(unit: _Unit, *, doubled: bool) -> str:
    return ("%%" if doubled else "%") if unit.text == "%" else unit.raw


def decoded(raw: str) -> str:
    """Return what a literal's source text stands for; an escape that is not known here becomes a NUL."""
    return "".join(text for _, text in _units(raw))


def _units(raw: str) -> list[tuple[str, str]]:
    return [(found, DECODED.get(found, "\0") if found.startswith("\\") else found) for found in ESCAPE.findall(raw)]


class _Binding:
    """Reads the parts from left to right, and remembers the SQL quote that is open."""

    def __init__(
        self, *, parts: Sequence[Part], placeholder: Callable[[int], str], double_quotes: bool, limit: bool
    ) -> None:
        self.parts = parts
        self.placeholder = placeholder
        self.quotes = "'\"" if double_quotes else "'"
        self.limit = limit
        self.units: list[_Unit] = []
        self.marks: dict[int, str] = {}
        self.parameters: list[tuple[Part, ...]] = []
        self.quoted: list[bool] = []
        self.text = ""  # the statement so far, with a mark for each parameter
        self.open_quote = ""
        self.in_quote: list[_Unit | int] = []  # what stands since the open quote: units, and indices of values

    def run(self) -> bool:
        for index, part in enumerate(self.parts):
            if isinstance(part, Value):
                if not self._value(index):
                    return False
                continue
            for raw, text in _units(part.raw):
                unit = _Unit(index, raw, text)
                self.units.append(unit)
                if not self._character(unit):
                    return False
        return not self.open_quote and not self._has_lone_list()

    def _value(self, index: int) -> bool:
        if self.open_quote:
            self.in_quote.append(index)
            return True
        if not self._may_be_bound():
            return False
        self._bind(index, (self.parts[index],), quoted=False)
        return True

    def _bind(self, index: int, parameter: tuple[Part, ...], *, quoted: bool) -> None:
        self.marks[index] = self.placeholder(len(self.parameters))
        self.parameters.append(parameter)
        self.quoted.append(quoted)
        self.text += "\1"

    def _character(self, unit: _Unit) -> bool:
        if not self.open_quote:
            # A backtick or a bracket opens the name of a column; a comment could hide the rest.
            if unit.text == "`" or self.text.endswith("--"):
                return False
            # `{table}.id` or `{name}(…)`: what was interpolated is a name, or a part of one.
            if self.text.endswith("\1") and not self.quoted[-1] and re.match(r"[\w.('\"\[]", unit.text):
                return False
            if unit.text in ("'", '"'):
                self.open_quote, self.in_quote = unit.text, [unit]
            else:
                self.text += unit.text
            return True
        self.in_quote.append(unit)
        return unit.text != self.open_quote or self._close_quote()

    def _close_quote(self) -> bool:
        inside, quote, self.open_quote = self.in_quote, self.open_quote, ""
        values = [each for each in inside if isinstance(each, int)]
        if not values:
            self.text += "".join(each.text for each in inside if isinstance(each, _Unit))
            return True
        if quote not in self.quotes or not self._may_be_quoted():
            return False
        parameter: list[Part] = []
        for each in inside[1:-1]:
            if isinstance(each, int):
                parameter.append(self.parts[each])
            elif parameter and isinstance(parameter[-1], Literal):
                parameter[-1] = Literal(parameter[-1].raw + _percent(each, doubled=False))
            else:
                parameter.append(Literal(_percent(each, doubled=False)))
        for each in inside:
            if isinstance(each, _Unit):
                each.kept = False
        self._bind(values[0], tuple(parameter), quoted=True)
        return True

    def _may_be_bound(self) -> bool:
        if BEFORE_A_LIMIT.search(self.text):
            return self.limit
        return bool(BEFORE_A_VALUE.search(self.text)) or self._is_in_list()

    def _may_be_quoted(self) -> bool:
        # INTERVAL '5 days', DATE '2020-01-01' and E'..' are parts of SQL that take no parameter.
        return (
            bool(BEFORE_A_VALUE.search(self.text))
            or self._is_in_list()
            or bool(re.search(r"\bSELECT\s*$", self.text, re.IGNORECASE))
        )

    def _is_in_list(self) -> bool:
        """Tell whether the value is an item of VALUES (…), IN (…) or a function's arguments."""
        if not re.search(r"[(,]\s*$", self.text):
            return False
        depth = 0
        for position in range(len(self.text) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(self.text[position], 0)
            if depth < 0:
                before = self.text[:position]
                return bool(BEFORE_A_LIST.search(before)) or bool(
                    re.search(r"\bVALUES\b.*,\s*$", before, re.IGNORECASE | re.DOTALL)
                )
        return False

    def _has_lone_list(self) -> bool:
        """Tell whether an unquoted value is all that a list holds: it may be a whole list in one text."""
        lone = [
            match.start(1) for match in re.finditer(r"\b(?:IN|VALUES)\s*\(\s*(\x01)\s*\)", self.text, re.IGNORECASE)
        ]
        marks = [match.start() for match in re.finditer("\x01", self.text)]
        return any(not self.quoted[marks.index(position)] for position in lone)
