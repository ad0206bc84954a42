"""The names in a piece of code, and which lines give a name its value: a reading by words, for any language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WORD = re.compile(r"[A-Za-z_]\w*")
CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")

# `name = …`, `name := …`, `name += …`, but no comparison; also `name, other = …` and `Type name = …`.
ASSIGNMENT = re.compile(r"(?<![=!<>+\-*/%&|^.])(?::|\+|\.|\|\||\?\?)?=(?![=>~])")

# What may hold an assignment between its parentheses.
CONDITION = re.compile(r"\W*(else\s+)?(if|elif|while|for|switch|using|try|with)\b")

# Words that some language reserves, in lower case.
_RESERVED = """
    and async await break case catch class const continue def default do else elif end except false finally fn for
    func function if import in int is let new nil none not null or print private public return self static string
    super switch this throw true try undefined val var void while with yield
"""
KEYWORDS = frozenset(_RESERVED.split())

# A longer line was written by a machine; its names lead nowhere.
LONGEST_LINE_READ = 1000


def words_of(code: str) -> set[str]:
    """Return the names that occur in some code."""
    return set(WORD.findall(code))


def lines_leading_to(match: Iterable[int], lines: Sequence[str], *, first_line: int) -> set[int]:
    """Return the lines before a match that give a value to a name it uses, or to a name those use, and so on."""
    match_lines = sorted(match)
    if not match_lines:
        return set()
    wanted = _values("\n".join(lines[number - 1][:LONGEST_LINE_READ] for number in match_lines))
    leading: set[int] = set()
    for number in range(match_lines[0] - 1, first_line - 1, -1):
        line = lines[number - 1][:LONGEST_LINE_READ]
        assignment = ASSIGNMENT.search(line)
        if assignment and _assigned(line[: assignment.start()]) & wanted:
            leading.add(number)
            wanted |= _values(line[assignment.end() :])
    return leading


def called_names(code: str) -> list[str]:
    """Return the names of the functions that some code calls, in order, each once."""
    return [name for name in dict.fromkeys(CALL.findall(code)) if name.lower() not in KEYWORDS]


def _assigned(left: str) -> set[str]:
    """Return the names left of an equals sign, none where it hands a call its argument by name."""
    is_argument = left.count("(") > left.count(")") and not CONDITION.match(left)
    return set() if is_argument else words_of(left)


def _values(code: str) -> set[str]:
    return {word for word in words_of(code) if word.lower() not in KEYWORDS}
