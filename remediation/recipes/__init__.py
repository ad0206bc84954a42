"""Deterministic fixes: small, general changes of code that is known to be safe to change in this way.

What the Built-in provider gives, and a first try where a model is configured. A recipe works on syntax, never on names
of rules; where it cannot be sure that behaviour is kept, there is no fix.
"""

from __future__ import annotations

from findings.context import FindingContext
from lib.syntax import error_count
from remediation.answers import FixAnswer
from remediation.recipes import (
    commands,
    cookies,
    credentials,
    deserialization,
    digests,
    html_output,
    paths,
    randomness,
    settings,
    sql_java,
    sql_javascript,
    sql_python,
    tempfiles,
    transport,
    web_tokens,
    xml_parsers,
)
from remediation.recipes.code import Case, Code
from remediation.recipes.edits import as_answer

# In this order; the first that has an answer gives it.
RECIPES = (
    *sql_python.RECIPES,
    *sql_javascript.RECIPES,
    *sql_java.RECIPES,
    *commands.RECIPES,
    *cookies.RECIPES,
    *credentials.RECIPES,
    *deserialization.RECIPES,
    *digests.RECIPES,
    *html_output.RECIPES,
    *paths.RECIPES,
    *randomness.RECIPES,
    *settings.RECIPES,
    *tempfiles.RECIPES,
    *transport.RECIPES,
    *web_tokens.RECIPES,
    *xml_parsers.RECIPES,
)


def fix_for(context: FindingContext) -> FixAnswer | None:
    """Return the code change for a finding; None where no recipe is sure of one."""
    if context.source is None or context.rule_fix:
        return None
    fitting = [recipe for recipe in RECIPES if recipe.fits(context)]
    if not fitting or error_count(context.source, context.language) != 0:
        return None
    case = Case(context, Code(context.source, context.language))
    for recipe in fitting:
        draft = recipe.draft(case)
        answer = as_answer(draft, case.code, context.path) if draft is not None else None
        if answer is not None:
            return answer
    return None
