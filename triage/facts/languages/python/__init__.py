"""Python: from syntax trees to the small program."""

from triage.facts.languages.python.statements import translate

__all__ = ["translate"]
