"""What can go wrong with the engine, in words that say what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleError:
    """A rule that the engine refuses; `rule_id` empty and `line` None where the text does not show them (from 1)."""

    rule_id: str
    message: str
    line: int | None = None


class EngineError(Exception):
    """The engine could not answer."""


class EngineMissing(EngineError):
    """Semgrep is not installed where this process runs."""

    def __init__(self) -> None:
        super().__init__("Semgrep is not installed here. Install it with: pip install semgrep")


class EngineTimeout(EngineError):
    """The engine was stopped at its time limit, or found no free place to run in."""


class EngineRefused(EngineError):
    """What was asked exceeds the bounds or reaches outside the engine's folder; nothing was run."""


class RuleInvalid(EngineError):
    """None of the rules can be run; `errors` says why, rule by rule."""

    def __init__(self, errors: tuple[RuleError, ...]) -> None:
        self.errors = errors
        super().__init__("; ".join(_sentence(error) for error in errors))


class EngineFailed(EngineError):
    """The engine ended without an answer: it crashed, ran out of memory or wrote too much."""


def _sentence(error: RuleError) -> str:
    where = f"line {error.line}: " if error.line else ""
    return f"{where}{error.message}"
