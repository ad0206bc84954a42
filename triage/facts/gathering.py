"""Gathers everything known about a finding without a model."""

from __future__ import annotations

from findings.context import FindingContext
from triage.facts.arrivals import facts_of_arrival
from triage.facts.families import family_of
from triage.facts.light import facts_of_light_reading
from triage.facts.options import facts_of_options
from triage.facts.places import facts_of_place
from triage.facts.policies import facts_of_policy
from triage.facts.shapes import Fact


def gather(context: FindingContext) -> tuple[Fact, ...]:
    """Return what is known about a finding without a model, what may decide first; nothing without its code."""
    if context.source is None or not context.matched_text.strip():
        return ()
    family = family_of(context.rule)
    options = facts_of_options(context, family)
    return (
        *options,
        *(facts_of_arrival(context, family) if not options else ()),  # a safe option makes the data irrelevant
        *facts_of_light_reading(context, family),
        *facts_of_policy(context, family),
        *facts_of_place(context),
    )
