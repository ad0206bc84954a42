"""Java: from syntax trees to the small program."""

from triage.facts.languages.java.statements import translate

__all__ = ["translate"]
