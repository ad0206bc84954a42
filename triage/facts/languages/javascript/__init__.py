"""JavaScript and TypeScript: from syntax trees to the small program."""

from triage.facts.languages.javascript.statements import translate

__all__ = ["translate"]
