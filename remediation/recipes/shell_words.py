"""A shell command that was put together from text and values, split into the words the program would be given.

Whatever a shell would interpret (pipes, redirects, patterns, variables, several commands) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from remediation.recipes.sql_text import DECODED, ESCAPE, Literal, Part, Value

Word = tuple[Part, ...]

SPECIAL = frozenset("|&;<>()$`\\*?[]{}!#~\n\r\0")
BUILT_IN = frozenset(
    {"cd", "export", "source", ".", "alias", "unset", "set", "eval", "exec", "exit", "ulimit", "umask", "type", "read"}
)
# A value by such a name may well hold several words, which a shell would have split.
SEVERAL_WORDS = re.compile(r"args\b|arguments\b|argv\b|options?\b|opts\b|flags?\b|params\b|cmd|command", re.IGNORECASE)


def shell_words(parts: Sequence[Part]) -> list[Word] | None:
    """Return the words of a command; None where a shell would do more than split it into words."""
    words: list[list[Part]] = []
    quote, is_open = "", False
    for part in parts:
        if isinstance(part, Value):
            if not quote and SEVERAL_WORDS.search(_last_name(part.source)):
                return None
            if not is_open:
                words.append([])
                is_open = True
            words[-1].append(part)
            continue
        for raw in ESCAPE.findall(part.raw):
            text = DECODED.get(raw, "\0") if raw.startswith("\\") else raw
            if quote and text == quote:
                quote = ""
            elif not quote and text in {"'", '"'}:
                quote = text
                words, is_open = _opened(words, is_open=is_open)
            elif not quote and text in {" ", "\t"}:
                is_open = False
            elif text in _special_inside(quote):
                return None
            else:
                words, is_open = _opened(words, is_open=is_open)
                words[-1] = _with_text(words[-1], raw)
    found = [tuple(word) for word in words]
    return found if not quote and _is_program(found) else None


def _last_name(source: str) -> str:
    """Return the last name of an expression: what it holds, rather than where it is held."""
    names: list[str] = re.findall(r"[A-Za-z_]\w*", source)
    return names[-1] if names else ""


def _special_inside(quote: str) -> frozenset[str]:
    """Return what a shell still interprets inside a quote; the quote is empty outside of any."""
    if quote == "'":
        return frozenset("\0")
    return frozenset("$`\\\0") if quote else SPECIAL


def _opened(words: list[list[Part]], *, is_open: bool) -> tuple[list[list[Part]], bool]:
    return (words if is_open else [*words, []]), True


def _with_text(word: list[Part], raw: str) -> list[Part]:
    if word and isinstance(word[-1], Literal):
        return [*word[:-1], Literal(word[-1].raw + raw)]
    return [*word, Literal(raw)]


def _is_program(words: list[Word]) -> bool:
    """Tell whether the first word is a constant that names a program, and no shell is asked for by name."""
    if not words or len(words[0]) != 1 or not isinstance(words[0][0], Literal):
        return False
    program = words[0][0].raw
    interpreters = {"sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "sudo", "env", "xargs", "ssh"}
    return program not in BUILT_IN and program.rpartition("/")[2] not in interpreters and "=" not in program
