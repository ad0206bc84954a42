"""A verdict from facts alone, for those who use no model: cautious, never above medium confidence."""

from __future__ import annotations

from collections.abc import Sequence

from findings.context import FindingContext
from triage.answers import Confidence, Quote, Verdict, VerdictAnswer
from triage.facts.families import Family, family_of
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, quote_holds

NO_CODE = (
    "The code of this finding was not available, so it could not be judged. Send the code with the scan (upload its "
    "context) or connect the code host of the repository, then analyze again."
)
NOTHING_KNOWN = (
    "Without a model only facts that follow from the code itself are used, and none of them decides this finding. "
    "Please look at it yourself, or connect a model."
)
MOST_EVIDENCE = 8
LONGEST_EXPLANATION = 1200
PLACES = {FactKind.TEST_PATH, FactKind.DOCUMENTATION_PATH}


def verdict_without_model(context: FindingContext, facts: Sequence[Fact]) -> VerdictAnswer:
    """Return the verdict that the facts allow: the same for the same facts, `unsure` where they do not decide."""
    if context.source is None:
        return _answer(Verdict.UNSURE, NO_CODE, [])
    holding = [fact for fact in facts if _holds(context, fact)]
    strong_safe = [fact for fact in holding if fact.leaning is Leaning.SAFE and fact.strength is Strength.STRONG]
    weak_safe = [fact for fact in holding if fact.leaning is Leaning.SAFE and fact.strength is Strength.WEAK]
    strong_danger = [fact for fact in holding if fact.leaning is Leaning.DANGEROUS and fact.strength is Strength.STRONG]
    danger = [fact for fact in holding if fact.leaning is Leaning.DANGEROUS]
    if strong_safe and not danger:
        return _answer(Verdict.FALSE_POSITIVE, _sentence(strong_safe), strong_safe)
    if strong_danger and not strong_safe and not weak_safe:
        return _answer(Verdict.TRUE_POSITIVE, _sentence(strong_danger), strong_danger)
    return _unsure(holding)


def verdict_by_place(context: FindingContext, facts: Sequence[Fact]) -> VerdictAnswer | None:
    """Return the verdict for code in tests and examples where an organization wants the place to decide alone.

    None where the finding is elsewhere, and for hard-coded secrets, which leak from tests as well.
    """
    if context.source is None or family_of(context.rule) is Family.SECRET:
        return None
    about_place = [
        fact for fact in facts if fact.kind in PLACES and fact.leaning is Leaning.SAFE and _holds(context, fact)
    ]
    return _answer(Verdict.FALSE_POSITIVE, _sentence(about_place), about_place) if about_place else None


def _holds(context: FindingContext, fact: Fact) -> bool:
    """Say whether every quote of a fact stands in the file; a fact that decides must have one."""
    if not all(quote_holds(context, claimed) for claimed in fact.quotes):
        return False
    return bool(fact.quotes) or fact.strength is Strength.WEAK


def _unsure(facts: list[Fact]) -> VerdictAnswer:
    if not facts:
        return _answer(Verdict.UNSURE, NOTHING_KNOWN, [])
    leanings = {fact.leaning for fact in facts}
    start = "The facts point both ways. " if {Leaning.SAFE, Leaning.DANGEROUS} <= leanings else ""
    end = "" if start else " That alone does not decide it."
    return _answer(Verdict.UNSURE, f"{start}{_sentence(facts)}{end}", facts)


def _sentence(facts: list[Fact]) -> str:
    return " ".join(dict.fromkeys(fact.statement for fact in facts[:3]))


def _answer(verdict: Verdict, explanation: str, facts: list[Fact]) -> VerdictAnswer:
    evidence: dict[tuple[int, int], Quote] = {}
    for fact in facts:
        for shown in fact.quotes:
            evidence.setdefault((shown.start_line, shown.end_line), shown)
    confidence = Confidence.LOW if verdict is Verdict.UNSURE else Confidence.MEDIUM
    return VerdictAnswer(
        evidence=list(evidence.values())[:MOST_EVIDENCE],
        verdict=verdict,
        confidence=confidence,
        explanation=explanation[:LONGEST_EXPLANATION],
    )
