"""Choose, among the variants of an entry, the one that speaks the finding's language and libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from findings.context import FindingContext
from lib.languages import GENERIC, LANGUAGE_OF_EXTENSION
from remediation.answers import Step
from remediation.cookbook.entries import Entry, EntryStep, Variant

# Languages whose code may stand in for that of another one.
STANDS_IN = {"typescript": "javascript", "vue": "javascript", "cpp": "c", "kotlin": "java", "scala": "java"}
# Those where the library is the same but the syntax is not: the reader is told.
ONLY_THE_LIBRARY = {"kotlin": "Kotlin", "scala": "Scala"}

# How much each sign says about the right variant. What stands in the matched lines is surest, the rule's metadata
# least: rules written for one framework often match code that talks to the database in another way.
WEIGHT_OF_MATCH = 8
WEIGHT_OF_RULE_ID = 6
WEIGHT_OF_IMPORT = 4
WEIGHT_OF_RULE_TECHNOLOGY = 2
WEIGHT_OF_OWN_LANGUAGE = 1


@dataclass(frozen=True)
class Choice:
    """What is known about a finding that decides between variants."""

    language: str
    in_file: frozenset[str]
    of_rule: frozenset[str]
    rule_id: str
    matched: str

    def weight_of(self, variant: Variant) -> int | None:
        """Return how well a variant fits, None where it does not."""
        if self.language not in variant.languages and STANDS_IN.get(self.language) not in variant.languages:
            return None
        own = WEIGHT_OF_OWN_LANGUAGE if self.language in variant.languages else 0
        if variant.is_default:
            return own
        signs = 0
        if variant.match and re.search(variant.match, self.matched):
            signs += WEIGHT_OF_MATCH
        if variant.rule and re.search(variant.rule, self.rule_id):
            signs += WEIGHT_OF_RULE_ID
        if self.in_file.intersection(variant.uses):
            signs += WEIGHT_OF_IMPORT
        elif self.of_rule.intersection(variant.uses):
            signs += WEIGHT_OF_RULE_TECHNOLOGY
        return own + signs if signs else None

    def fitting(self, entry: Entry) -> list[Variant]:
        """Return the variants that apply, the best first; of equals the one written first."""
        weighed = [(weight, variant) for variant in entry.variants if (weight := self.weight_of(variant)) is not None]
        return [variant for _, variant in sorted(weighed, key=lambda pair: -pair[0])]


def choose_language(context: FindingContext) -> str:
    """Return the file's language, or the one the rule is written for where the file's name tells nothing."""
    if context.language != GENERIC:
        return context.language
    known = set(LANGUAGE_OF_EXTENSION.values())
    return next((part for part in context.rule.identifier.lower().split(".") if part in known), GENERIC)


def summary_for(entry: Entry, choice: Choice) -> str:
    """Return the summary of the best variant that has one, else the entry's."""
    return next((variant.summary for variant in choice.fitting(entry) if variant.summary), entry.summary)


def step_for(entry: Entry, template: EntryStep, choice: Choice) -> Step | None:
    """Return a step as the best variant with that slot words and codes it; None where it says nothing here."""
    slot = template.shows
    variant = next((v for v in choice.fitting(entry) if slot and (slot in v.text or slot in v.code)), None)
    if variant is None:
        return Step(text=template.text) if template.text else None
    text = variant.text.get(slot, template.text)
    code = variant.code.get(slot, "").rstrip("\n")
    if code and choice.language in ONLY_THE_LIBRARY and choice.language not in variant.languages:
        text += f" (The code is Java; {ONLY_THE_LIBRARY[choice.language]} calls the same library.)"
    return Step(text=text, code=code) if text else None
