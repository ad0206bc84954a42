"""What memories do beside standing in the question: the two templates without a model, and what none may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from findings.context import FindingContext
from memories.models import Memory, Template
from triage import injection
from triage.answers import Confidence, EvidenceRole, Verdict, VerdictAnswer
from triage.evidence import unsettled
from triage.facts import Fact, FactKind
from triage.facts.families import Family, family_of
from triage.facts.shapes import match_quote

# A memory says what follows, and so may well name a verdict. What addresses a model or its instructions is no memory.
BARRED = frozenset(
    {
        "tells the reader to drop its instructions",
        "holds the marks of a chat template",
        "tells a reviewer or a model what to conclude",
        "gives the reader a role",
    }
)
# They say that somebody has switched a protection off, or left it out, right here.
SWITCHED_OFF = {FactKind.DANGEROUS_SETTING, FactKind.MISSING_FLAG}


@dataclass(frozen=True)
class TaughtVerdict:
    """A verdict that follows from a memory alone, and the memory."""

    answer: VerdictAnswer
    memory: Memory


def verdict_by_template(
    context: FindingContext, known: Sequence[Fact], memories: Sequence[Memory]
) -> TaughtVerdict | None:
    """Return the verdict that a memory of one of the two templates decides without a model, None where none does.

    Never for a hard-coded secret in code that does not run in production, since it leaks from there as well; and not
    against a protection that the code itself switches off.
    """
    quotes = match_quote(context, EvidenceRole.CONTEXT)
    if context.source is None or not quotes:
        return None
    for memory in memories:
        reason = _reason(memory, context, known)
        if reason:
            answer = VerdictAnswer(
                evidence=list(quotes),
                verdict=Verdict.FALSE_POSITIVE,
                confidence=Confidence.MEDIUM,
                explanation=reason,
            )
            return TaughtVerdict(answer, memory)
    return None


def _reason(memory: Memory, context: FindingContext, known: Sequence[Fact]) -> str:
    match memory.template:
        case Template.NOT_PRODUCTION if memory.path_prefix and family_of(context.rule) is not Family.SECRET:
            return f"The organization says that {memory.path_prefix} is not production, and {context.path} lies there."
        case Template.FRAMEWORK_PROTECTS if not any(fact.kind in SWITCHED_OFF for fact in known):
            about = memory.cwe or context.rule.name
            return f"The organization says that its framework already protects against what {about} is about."
        case _:
            return ""


def bar(answer: VerdictAnswer, memories: Sequence[Memory]) -> VerdictAnswer:
    """Return the answer, unsure in place of a false positive where a memory gives the Assistant instructions."""
    if answer.verdict is not Verdict.FALSE_POSITIVE:
        return answer
    speaking = [memory for memory in memories if speaks_to_reader(memory.text)]
    if not speaking:
        return answer
    which = f"Memory {speaking[0].pk} speaks" if len(speaking) == 1 else f"{len(speaking)} memories speak"
    return unsettled(answer, f"{which} to the Assistant itself, so the finding is not called a false positive.")


def speaks_to_reader(text: str) -> bool:
    """Tell whether a memory's text gives the Assistant instructions about itself."""
    return any(line.why in BARRED for line in injection.addressed_to_the_reader(text))
