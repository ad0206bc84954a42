"""Which languages a written rule is for."""

from __future__ import annotations

from ruamel.yaml.events import ScalarEvent, SequenceEndEvent, SequenceStartEvent

from lib.languages import GENERIC
from rules.engine.rule_text import WrittenRule

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
    for key, after in zip(events, events[1:], strict=False):
        if isinstance(key, ScalarEvent) and key.value == "languages" and isinstance(after, SequenceStartEvent):
            named = []
            for event in events[events.index(after) + 1 :]:
                if isinstance(event, SequenceEndEvent):
                    break
                if isinstance(event, ScalarEvent):
                    named.append(ALIASES.get(event.value.lower(), event.value.lower()))
            return tuple(dict.fromkeys(named))
    return ()
