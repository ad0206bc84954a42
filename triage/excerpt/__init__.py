"""The few lines of code that a model, and the page, is shown for a finding."""

from __future__ import annotations

from triage.excerpt.choose import around
from triage.excerpt.shape import Excerpt, Reason, Segment

__all__ = ["Excerpt", "Reason", "Segment", "around"]
