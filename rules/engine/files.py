"""Rules files: put together, and which languages a rule in them is for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ruamel.yaml.events import ScalarEvent, SequenceEndEvent, SequenceStartEvent

from lib.languages import GENERIC
from rules.engine.rule_text import WrittenRule, as_file, written_rules

FILE_HEAD = "rules:\n"

# https://semgrep.dev/docs/writing-rules/rule-syntax#language-extensions-and-languages-key-values
ALIASES = {
    "py": "python",
    "python2": "python",
    "python3": "python",
    "js": "javascript",
    "ts": "typescript",
    "golang": "go",
    "rb": "ruby",
    "cs": "csharp",
    "c#": "csharp",
    "kt": "kotlin",
    "sh": "bash",
    "tf": "terraform",
    "hcl": "terraform",
    "docker": "dockerfile",
    "c++": "cpp",
    "regex": GENERIC,
    "none": GENERIC,
}


def languages_of(rule: WrittenRule) -> tuple[str, ...]:
    """Return the ids of `lib.languages` that a rule names; `generic` means every file."""
    events = rule.events
    for key, after in pairwise(events):
        if isinstance(key, ScalarEvent) and key.value == "languages" and isinstance(after, SequenceStartEvent):
            named = []
            for event in events[events.index(after) + 1 :]:
                if isinstance(event, SequenceEndEvent):
                    break
                if isinstance(event, ScalarEvent):
                    named.append(ALIASES.get(event.value.lower(), event.value.lower()))
            return tuple(dict.fromkeys(named))
    return ()


def one_file(texts: Iterable[str]) -> str:
    """Return the rules of several files as one file. Raises Unreadable where one of them is no rules file."""
    bodies = [as_file(rule, text).removeprefix(FILE_HEAD) for text in texts for rule in written_rules(text)]
    return FILE_HEAD + "".join(bodies)
