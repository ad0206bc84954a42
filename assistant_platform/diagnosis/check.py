"""One question to the installation, and its answer in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class Unwell(Exception):
    """A part is missing or wrong; `remedy` says what to do."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


@dataclass(frozen=True)
class Answer:
    """What was found of one part."""

    name: str
    is_ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'OK' if self.is_ok else 'FAIL':<5} {self.name:<19} {self.text}"


@dataclass(frozen=True)
class Check:
    """A part's name, and a function that says how it is, or raises Unwell."""

    name: str
    ask: Callable[[], str]

    def answers(self) -> Iterator[Answer]:
        """Yield the one answer."""
        yield self.answer()

    def answer(self) -> Answer:
        """Ask, and return the answer; a part that fails in a way nobody foresaw is a failure of that part only."""
        try:
            return Answer(self.name, is_ok=True, text=self.ask())
        except Unwell as problem:
            return Answer(self.name, is_ok=False, text=f"{problem} -> {problem.remedy}")
        except Exception as error:
            return Answer(self.name, is_ok=False, text=_one_line(f"{type(error).__name__}: {error}"))


@dataclass(frozen=True)
class CheckEach:
    """Parts of which there may be any number: a line each, and one that says so where there is none."""

    name: str
    parts: Callable[[], Iterable[Check]]
    without: str

    def answers(self) -> Iterator[Answer]:
        """Ask one after the other, and yield their answers."""
        try:
            parts = list(self.parts())
        except Exception as error:
            yield Answer(self.name, is_ok=False, text=_one_line(f"{type(error).__name__}: {error}"))
            return
        for part in parts or [Check(self.name, lambda: self.without)]:
            yield part.answer()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
