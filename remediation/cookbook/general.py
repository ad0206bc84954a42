"""Advice where the cookbook has no entry: the rule's own message as steps, marked as general."""

from __future__ import annotations

import re
from collections.abc import Sequence

from findings.context import FindingContext
from lib.standards import cwe_title
from remediation.answers import GuidanceAnswer, Step
from remediation.cookbook.place import names_a_secret, place_of

ADVICE = re.compile(
    r"\b(?:use|using|avoid|instead|consider|prefer|ensure|make sure|replace|remove|set|enable|disable|add|do not|don't|"
    r"never|always|should|must|recommend\w*|validate|escape|sanitize|upgrade)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'])")
MOST_ADVICE = 600


def general_guidance(context: FindingContext, *, before: Sequence[Step] = ()) -> GuidanceAnswer:
    """Return steps made from the rule's message; `before` holds what is known about this finding already."""
    sentences = sentences_of(context.rule.message)
    place = str(place_of(context, quote=not names_a_secret(context.rule)))
    summary = f"General advice: {place} matches the rule `{context.rule.name[:80]}`, for which there is no recipe."
    return GuidanceAnswer(
        summary=summary,
        steps=[
            Step(text=_understand(context, sentences)),
            *before,
            *_advice(sentences),
            Step(
                text=f"Look at line {context.span.start_line} and ask where each value in it comes from, who can "
                "change it, and what happens at worst. If an outsider can change it, treat the finding as real."
            ),
            Step(
                text="Make the smallest change that removes the cause, not the match. Renaming, reordering or adding "
                "`nosemgrep` only silences the rule and leaves the behaviour as it is."
            ),
            Step(
                text="Write a test that fails before the change, then scan the file again: the rule must be silent and "
                "no other rule may have become loud."
            ),
        ],
    )


def sentences_of(message: str) -> list[str]:
    """Return a message's sentences, its lines joined."""
    return [sentence for sentence in SENTENCE_END.split(" ".join(message.split())) if sentence]


def _understand(context: FindingContext, sentences: list[str]) -> str:
    explained = [sentence for sentence in sentences if not ADVICE.search(sentence)] or sentences
    titles = [f"{tag} ({title})" for tag in context.rule.cwe if (title := _title_of(tag))]
    tagged = f" It is tagged {', '.join(titles)}." if titles else ""
    if not explained:
        return f"Understand the rule `{context.rule.name[:80]}` first: it comes without a message.{tagged}"[:1000]
    return f"Understand the rule: {_cut(' '.join(explained))}{tagged}"[:1000]


def _advice(sentences: list[str]) -> list[Step]:
    advice = [sentence for sentence in sentences if ADVICE.search(sentence)]
    if not advice or len(advice) == len(sentences) == 1:
        return []
    return [Step(text=f"Do what the rule asks for: {_cut(' '.join(advice))}")]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_ADVICE else text[:MOST_ADVICE].rsplit(" ", 1)[0] + " …"


def _title_of(tag: str) -> str:
    found = re.match(r"CWE-(\d+)", tag)
    return cwe_title(int(found[1])) if found else ""
