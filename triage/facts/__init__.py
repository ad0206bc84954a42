"""What can be known about a finding without a model, and the cautious verdict that follows from it alone."""

from triage.facts.gathering import gather
from triage.facts.shapes import Fact, FactKind, Leaning, Strength
from triage.facts.verdict import verdict_by_place, verdict_without_model

__all__ = ["Fact", "FactKind", "Leaning", "Strength", "gather", "verdict_by_place", "verdict_without_model"]
