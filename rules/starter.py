"""A set of rules of our own to begin with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from rules.engine.rule_text import written_rules

SOURCE = "Starter rules"
FOLDER = Path("demo/rules")


@lru_cache(maxsize=1)
def files() -> tuple[tuple[str, str], ...]:
    """Return the files of the set as (path, text)."""
    folder = Path(settings.BASE_DIR) / FOLDER
    return tuple((path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml")))


@lru_cache(maxsize=1)
def count() -> int:
    """Return how many rules are in the set."""
    return sum(len(written_rules(text)) for _, text in files())
