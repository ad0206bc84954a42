"""Options of a call that decide the question of the rule: safe loaders, parsers without entities."""

from __future__ import annotations

import re

from findings.context import FindingContext
from triage.answers import EvidenceRole
from triage.facts.families import Family
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, match_quote
from triage.facts.wording import matched_code, without_texts

SAFE_LOADER = re.compile(
    r"\bLoader\s*=\s*(?:yaml\.)?C?(?:SafeLoader|BaseLoader)\b|\byaml\.safe_load(?:_all)?\s*\(|\bSafeConstructor\s*\("
)
NO_ENTITIES = re.compile(r"\bresolve_entities\s*=\s*False\b|\bdefusedxml\b|\bnoent\s*:\s*false\b")


def facts_of_options(context: FindingContext, family: Family) -> list[Fact]:
    """Return what the options of the matched call decide."""
    code = without_texts(matched_code(context))
    patterns = {Family.DESERIALIZATION: SAFE_LOADER, Family.XXE: NO_ENTITIES}
    pattern = patterns.get(family)
    found = pattern.search(code) if pattern is not None else None
    if found is None:
        return []
    statement = f"The call itself asks for the safe way: {found.group(0)}."
    return [
        Fact(FactKind.SAFE_FLAG, statement, match_quote(context, EvidenceRole.SANITIZER), Leaning.SAFE, Strength.STRONG)
    ]
