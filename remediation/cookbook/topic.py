"""Which entry answers a rule: by the words of its identifier first, then by its CWE tags.

The words come first because tags are sometimes wrong: rules about SQL strings are found under CWE-915 and CWE-704.
"""

from __future__ import annotations

import re
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from findings.context import RuleContext
from remediation.cookbook.choice import STANDS_IN
from remediation.cookbook.entries import FOLDER, answering_number, read_yaml

# Tags so wide that any other tag of the same rule says more.
WIDE = frozenset({16, 20, 74, 116, 200, 284, 285, 310, 320, 400, 664, 668, 693, 707, 710})


class RuleWords(BaseModel):
    """Words in a rule's identifier that tell its weakness, whatever its tags say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cwe: int
    words: tuple[str, ...] = Field(min_length=1)
    languages: tuple[str, ...] = ()


@cache
def rule_words() -> tuple[RuleWords, ...]:
    """Return the table of words; of equally long ones the earlier line wins."""
    content = read_yaml(FOLDER / "rule_words.yaml")
    return TypeAdapter(tuple[RuleWords, ...]).validate_python(content["rule_words"])


def topic_of(rule: RuleContext, language: str) -> int | None:
    """Return the number of the CWE whose entry answers a rule, None where none does."""
    named = _named_by(rule.name, language) or _named_by(rule.identifier, language)
    if named is not None:
        return named
    tagged = [number for tag in rule.cwe if (number := _number(tag)) is not None]
    answered = [number for number in tagged if answering_number(number) is not None]
    return min(answered, key=lambda number: number in WIDE, default=None)


def _named_by(identifier: str, language: str) -> int | None:
    """Return the CWE with the longest phrase that stands in an identifier as whole words."""
    text = "-" + "-".join(re.findall(r"[a-z0-9]+", identifier.lower())) + "-"
    best_length, best = 0, None
    for line in rule_words():
        if line.languages and language not in line.languages and STANDS_IN.get(language) not in line.languages:
            continue
        length = max((len(phrase) for phrase in line.words if f"-{phrase}-" in text), default=0)
        if length > best_length:
            best_length, best = length, line.cwe
    return best


def _number(tag: str) -> int | None:
    found = re.match(r"CWE-(\d+)", tag)
    return int(found[1]) if found else None
