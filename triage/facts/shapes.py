"""What a fact is: one thing known about a finding without a model, with the lines that show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from findings.context import FindingContext
from triage.answers import EvidenceRole, Quote

LONGEST_QUOTE = 2000
LONGEST_QUOTE_LINES = 12


class FactKind(StrEnum):
    """What kind of thing is known."""

    CONSTANT_ARGUMENT = "constant_argument"
    TEST_PATH = "test_path"
    DOCUMENTATION_PATH = "documentation_path"
    GENERATED_CODE = "generated_code"
    VENDORED_CODE = "vendored_code"
    KNOWN_ENCODER = "known_encoder"
    SAFE_FLAG = "safe_flag"
    PARAMETERIZED = "parameterized"
    NUMERIC_CONVERSION = "numeric_conversion"
    ALLOW_LIST_CHECK = "allow_list_check"
    GUARD = "guard"
    FIXED_PREFIX = "fixed_prefix"
    NO_SECURITY_PURPOSE = "no_security_purpose"
    PLACEHOLDER_SECRET = "placeholder_secret"  # noqa: S105  the name of a kind
    SECRET_FROM_ENVIRONMENT = "secret_from_environment"  # noqa: S105  the name of a kind
    DELETED_COOKIE = "deleted_cookie"
    UNREACHABLE_CODE = "unreachable_code"
    UNREACHABLE_DEBUG = "unreachable_debug"
    LOCAL_ADDRESS = "local_address"
    TAINTED_INPUT = "tainted_input"
    USER_INPUT_IN_MATCH = "user_input_in_match"
    LOCAL_INPUT = "local_input"
    SECURITY_PURPOSE = "security_purpose"
    DANGEROUS_SETTING = "dangerous_setting"
    MISSING_FLAG = "missing_flag"
    WEAK_ALGORITHM = "weak_algorithm"
    REAL_SECRET = "real_secret"  # noqa: S105  the name of a kind


class Leaning(StrEnum):
    """Which way a fact points."""

    SAFE = "safe"
    DANGEROUS = "dangerous"
    NEUTRAL = "neutral"


class Strength(StrEnum):
    """Whether a fact may decide, or only be mentioned."""

    WEAK = "weak"
    STRONG = "strong"


@dataclass(frozen=True)
class Fact:
    """One thing known about a finding; `statement` is one plain sentence."""

    kind: FactKind
    statement: str
    quotes: tuple[Quote, ...]
    leaning: Leaning
    strength: Strength


def quote(context: FindingContext, line: int, role: EvidenceRole, end_line: int | None = None) -> Quote | None:
    """Return lines of the finding's file as a quote, None where there are none or nothing stands there."""
    lines = context.lines
    last = min(end_line or line, line + LONGEST_QUOTE_LINES - 1, len(lines))
    text = "\n".join(lines[line - 1 : last])
    if line < 1 or not text.strip() or len(text) > LONGEST_QUOTE:
        return None
    return Quote(path=context.path, start_line=line, end_line=last, quote=text, role=role)


def quotes(context: FindingContext, *places: tuple[int, EvidenceRole]) -> tuple[Quote, ...]:
    """Return the quotes of several lines, each line once."""
    found: dict[int, Quote] = {}
    for line, role in places:
        made = quote(context, line, role)
        if made is not None:
            found.setdefault(line, made)
    return tuple(found.values())


def match_quote(context: FindingContext, role: EvidenceRole) -> tuple[Quote, ...]:
    """Return the lines that the rule matched as a quote."""
    made = quote(context, context.span.start_line, role, context.span.end_line)
    return (made,) if made is not None else ()


def quote_holds(context: FindingContext, claimed: Quote) -> bool:
    """Say whether a quote stands in the file at the lines it names."""
    if claimed.path != context.path:
        return False
    return "\n".join(context.lines[claimed.start_line - 1 : claimed.end_line]) == claimed.quote
