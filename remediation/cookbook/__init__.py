"""Step-by-step guidance without a model: what the entries under `entries/` say, made specific to one finding."""

from __future__ import annotations

from findings.context import FindingContext, TraceRole
from remediation.answers import GuidanceAnswer, Step
from remediation.cookbook.choice import Choice, choose_language, step_for, summary_for
from remediation.cookbook.entries import Entry, entry_of
from remediation.cookbook.general import general_guidance
from remediation.cookbook.place import LONGEST_QUOTE, Place, names_a_secret, place_of, shorten
from remediation.cookbook.technology import technologies_in_file, technologies_of_rule
from remediation.cookbook.topic import topic_of

__all__ = ["guidance_for"]


def guidance_for(context: FindingContext) -> GuidanceAnswer:
    """Return how to fix a finding, from the entry that fits its rule, language and libraries best.

    A finding of a kind without an entry gets the rule's own message as steps, and the answer says that it is general.
    """
    language = choose_language(context)
    number = topic_of(context.rule, language)
    before = [*_rule_fix_step(context), *_flow_step(context)]
    if number is None:
        return general_guidance(context, before=before)
    return _from_entry(entry_of(number), context, language, before)


def _from_entry(entry: Entry, context: FindingContext, language: str, before: list[Step]) -> GuidanceAnswer:
    in_file = technologies_in_file(context, language)
    choice = Choice(
        language=language,
        in_file=in_file,
        of_rule=technologies_of_rule(context.rule, in_file=in_file),
        rule_id=context.rule.identifier.lower(),
        matched=context.matched_text,
    )
    place = place_of(context, quote=entry.quotes_match and not names_a_secret(context.rule))
    steps = [step for template in entry.steps if (step := step_for(entry, template, choice))]
    summary = summary_for(entry, choice).replace("{place}", str(place))
    return GuidanceAnswer(summary=summary[0].upper() + summary[1:], steps=[*before, *steps])


def _rule_fix_step(context: FindingContext) -> list[Step]:
    fix = context.rule_fix.strip("\n")
    if not fix.strip():
        return []
    place = _match(context)
    text = f"The rule brings a fix: put the code below in the place of {place}, then go through the steps after it."
    return [Step(text=text, code=fix[:4000])]


def _match(context: FindingContext) -> str:
    """Return what to call the match: its own text where that fits into a sentence and is no secret."""
    span = context.span
    text = context.matched_text[span.start_column - 1 : span.end_column - 1].strip()
    says_it_all = span.start_line == span.end_line and 0 < len(text) <= LONGEST_QUOTE and "`" not in text
    return f"`{text}` on line {span.start_line}" if says_it_all and not names_a_secret(context.rule) else "the match"


def _flow_step(context: FindingContext) -> list[Step]:
    """Tell where the value comes from, when the trace knows a source away from the finding itself."""
    source = next((step for step in context.trace if step.role is TraceRole.SOURCE), None)
    if source is None or (source.path == context.path and source.span.start_line == context.span.start_line):
        return []
    origin = Place.of_step(source, home=context.path)
    quote = f" as `{shorten(source.text)}`" if shorten(source.text) and not names_a_secret(context.rule) else ""
    text = (
        f"Follow the value first: it enters at {origin}{quote} and arrives at line {context.span.start_line}. "
        "Decide there what it may be; the steps below make the place of its use safe."
    )
    return [Step(text=text)]
