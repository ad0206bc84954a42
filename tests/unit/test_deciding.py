"""When a finding is commented on in a pull request: the table of the policy, and what holds for every situation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from findings.models import Confidence, Product, Recommendation
from notifications.deciding import Reason, Situation, decide, needs_second_vote
from notifications.models import Outcome
from orgs.models import CAREFUL_CWES, NoiseFilterMode
from rules.models import Mode, Severity

HIDE, NOTIFY = NoiseFilterMode.HIDE, NoiseFilterMode.NOTIFY

# A rule in Comment mode found something new, the Assistant is sure that it is harmless, and the filter hides such.
USUAL = Situation(
    mode=Mode.COMMENT,
    severity=Severity.HIGH,
    product=Product.CODE,
    is_connected=True,
    comments_on=True,
    is_new=True,
    is_ignored=False,
    is_commented=False,
    has_disagreement=False,
    recommendation=Recommendation.IGNORE,
    confidence=Confidence.HIGH,
    needs_second_vote=False,
    has_second_vote=False,
    filter_on=True,
    filter_mode=HIDE,
    tells_verdicts=True,
)

Differs = dict[str, object]

REAL: Differs = {"recommendation": Recommendation.FIX}
UNSURE: Differs = {"recommendation": Recommendation.UNSURE}
# The provider is down, the budget spent, the cap reached or the deadline passed: all the same here.
NO_VERDICT: Differs = {"recommendation": Recommendation.NONE, "confidence": Confidence.NONE}
BLOCK: Differs = {"mode": Mode.BLOCK}
CRITICAL: Differs = {"severity": Severity.CRITICAL}
CAREFUL: Differs = {"needs_second_vote": True}
AGREED: Differs = {"has_second_vote": True}
LATE: Differs = {"is_commented": True}
OFF: Differs = {"filter_on": False}
TELLING: Differs = {"filter_mode": NOTIFY}
QUIET: Differs = {"tells_verdicts": False}

SHOWN, NOTICE = Outcome.COMMENTED, Outcome.WITH_NOTICE
HELD, NOTHING = Outcome.HELD_BACK, Outcome.NOT_COMMENTED

TABLE: list[tuple[str, Differs, Outcome, Reason]] = [
    # name                           what differs from USUAL                   outcome   reason
    ("nothing",                      {},                                       HELD,     Reason.LIKELY_FALSE_POSITIVE),
    # The verdict
    ("real",                         REAL,                                     SHOWN,    Reason.TRUE_POSITIVE),
    ("unsure",                       UNSURE,                                   SHOWN,    Reason.UNSURE),
    ("no verdict",                   NO_VERDICT,                               SHOWN,    Reason.NOT_ANALYSED),
    ("no verdict, filter off",       {**NO_VERDICT, **OFF},                    SHOWN,    Reason.NOT_ANALYSED),
    ("medium confidence",            {"confidence": Confidence.MEDIUM},        HELD,     Reason.LIKELY_FALSE_POSITIVE),
    ("low confidence",               {"confidence": Confidence.LOW},           NOTICE,   Reason.LOW_CONFIDENCE),
    ("no confidence told",           {"confidence": Confidence.NONE},          NOTICE,   Reason.LOW_CONFIDENCE),
    # The filter
    ("filter off",                   OFF,                                      NOTICE,   Reason.FILTER_OFF),
    ("filter off, no verdicts told", {**OFF, **QUIET},                         SHOWN,    Reason.FILTER_OFF),
    ("filter tells",                 TELLING,                                  NOTICE,   Reason.TOLD_OF_DOUBT),
    ("filter tells, others do not",  {**TELLING, **QUIET},                     NOTICE,   Reason.TOLD_OF_DOUBT),
    ("no verdicts told",             QUIET,                                    HELD,     Reason.LIKELY_FALSE_POSITIVE),
    ("a secret",                     {"product": Product.SECRETS},             NOTICE,   Reason.OTHER_PRODUCT),
    # The safety floor
    ("blocks",                       BLOCK,                                    NOTICE,   Reason.BLOCKS),
    ("blocks, both votes",           {**BLOCK, **CRITICAL, **AGREED},          NOTICE,   Reason.BLOCKS),
    ("blocks, no verdicts told",     {**BLOCK, **QUIET},                       SHOWN,    Reason.BLOCKS),
    ("blocks, real",                 {**BLOCK, **REAL},                        SHOWN,    Reason.BLOCKS),
    ("blocks, no verdict",           {**BLOCK, **NO_VERDICT},                  SHOWN,    Reason.BLOCKS),
    ("critical, one vote",           CRITICAL,                                 NOTICE,   Reason.NO_SECOND_VOTE),
    ("critical, both votes",         {**CRITICAL, **CAREFUL, **AGREED},        HELD,     Reason.LIKELY_FALSE_POSITIVE),
    ("careful, one vote",            CAREFUL,                                  NOTICE,   Reason.NO_SECOND_VOTE),
    ("careful, both votes",          {**CAREFUL, **AGREED},                    HELD,     Reason.LIKELY_FALSE_POSITIVE),
    ("careful, one vote, told",      {**CAREFUL, **TELLING},                   NOTICE,   Reason.NO_SECOND_VOTE),
    # People
    ("somebody disagrees",           {"has_disagreement": True},               SHOWN,    Reason.DISAGREED),
    ("disagrees, blocks",            {"has_disagreement": True, **BLOCK},      SHOWN,    Reason.DISAGREED),
    ("ignored",                      {"is_ignored": True},                     NOTHING,  Reason.IGNORED),
    ("ignored, blocks",              {"is_ignored": True, **BLOCK},            NOTHING,  Reason.IGNORED),
    # The verdict comes after the comment
    ("late",                         LATE,                                     NOTICE,   Reason.ALREADY_COMMENTED),
    ("late, no verdicts told",       {**LATE, **QUIET},                        SHOWN,    Reason.ALREADY_COMMENTED),
    ("late, real",                   {**LATE, **REAL},                         SHOWN,    Reason.TRUE_POSITIVE),
    ("late, critical, one vote",     {**LATE, **CRITICAL},                     NOTICE,   Reason.NO_SECOND_VOTE),
    ("late, merged elsewhere",       {**LATE, **REAL, "is_new": False},        SHOWN,    Reason.TRUE_POSITIVE),
    # As many comments as anybody reads
    ("no room",                      {**REAL, "is_crowded_out": True},         NOTHING,  Reason.TOO_MANY),
    ("no room, blocks",              {**REAL, **BLOCK, "is_crowded_out": True}, SHOWN,   Reason.BLOCKS),
    ("no room, stands there",        {**LATE, **REAL, "is_crowded_out": True}, SHOWN,    Reason.TRUE_POSITIVE),
    # No comment whatever the verdict
    ("was there before",             {**REAL, "is_new": False},                NOTHING,  Reason.NOT_NEW),
    ("rule monitors",                {**REAL, "mode": Mode.MONITOR},           NOTHING,  Reason.RULE_MONITORS),
    ("rule disabled",                {**REAL, "mode": Mode.DISABLED},          NOTHING,  Reason.RULE_DISABLED),
    ("comments off",                 {**BLOCK, "comments_on": False},          NOTHING,  Reason.COMMENTS_OFF),
    ("not connected",                {**BLOCK, "is_connected": False},         NOTHING,  Reason.NOT_CONNECTED),
]  # fmt: skip


@pytest.mark.parametrize(("differs", "outcome", "reason"), [pytest.param(*row, id=name) for name, *row in TABLE])
def test_the_table_of_the_policy(differs: Differs, outcome: Outcome, reason: Reason) -> None:
    decision = decide(replace(USUAL, **differs))  # type: ignore[arg-type]  # names and values of the table above

    assert (decision.outcome, decision.reason) == (outcome, reason)


def test_the_table_knows_every_reason() -> None:
    assert {reason for *_, reason in TABLE} == set(Reason)


@pytest.mark.parametrize(
    ("severity", "cwes", "careful", "expected"),
    [
        (Severity.CRITICAL, [], "", True),
        (Severity.HIGH, ["CWE-78"], CAREFUL_CWES, True),
        (Severity.LOW, ["CWE-89", "CWE-614"], CAREFUL_CWES, True),
        (Severity.HIGH, ["CWE-7"], CAREFUL_CWES, False),
        (Severity.HIGH, ["CWE-78"], "", False),
        (Severity.HIGH, [], CAREFUL_CWES, False),
    ],
)
def test_critical_findings_and_careful_weaknesses_need_a_second_vote(
    severity: int, cwes: list[str], careful: str, expected: bool
) -> None:
    assert needs_second_vote(severity=severity, cwes=cwes, careful_cwes=careful) is expected


# --- Every situation there is -----------------------------------------------------------------------------------------

BOTH = (True, False)
VALUES = {
    "mode": tuple(Mode),
    "severity": (Severity.HIGH, Severity.CRITICAL),
    "product": (Product.CODE, Product.SECRETS),
    "is_connected": BOTH,
    "comments_on": BOTH,
    "is_new": BOTH,
    "is_ignored": BOTH,
    "is_commented": BOTH,
    "has_disagreement": BOTH,
    "recommendation": tuple(Recommendation),
    "confidence": (Confidence.NONE, Confidence.LOW, Confidence.HIGH),
    "needs_second_vote": BOTH,
    "has_second_vote": BOTH,
    "filter_on": BOTH,
    "filter_mode": (HIDE, NOTIFY),
    "tells_verdicts": BOTH,
    "is_crowded_out": BOTH,
}


def every_situation() -> Iterator[Situation]:
    assert list(VALUES) == [field.name for field in fields(Situation)]
    return (Situation(*values) for values in itertools.product(*VALUES.values()))  # type: ignore[arg-type]  # as named


@pytest.fixture(scope="module")
def decided() -> dict[tuple[Outcome, Reason], list[Situation]]:
    """The situations of each outcome and reason; of those that are not held back a hundred of each are kept."""
    found: dict[tuple[Outcome, Reason], list[Situation]] = {}
    for situation in every_situation():
        decision = decide(situation)
        kept = found.setdefault((decision.outcome, decision.reason), [])
        if decision.outcome is Outcome.HELD_BACK or len(kept) < 100:
            kept.append(situation)
    return found


@pytest.fixture
def held_back(decided: dict[tuple[Outcome, Reason], list[Situation]]) -> list[Situation]:
    return decided[(Outcome.HELD_BACK, Reason.LIKELY_FALSE_POSITIVE)]


def test_each_reason_means_one_thing(decided: dict[tuple[Outcome, Reason], list[Situation]]) -> None:
    shown = {Outcome.COMMENTED, Outcome.WITH_NOTICE}
    outcomes = {reason: {outcome for outcome, found in decided if found is reason} for reason in Reason}

    assert all(found <= shown or len(found) == 1 for found in outcomes.values())
    assert [reason for reason, found in outcomes.items() if Outcome.HELD_BACK in found] == [
        Reason.LIKELY_FALSE_POSITIVE
    ]


def test_only_rules_in_comment_mode_have_anything_held_back(held_back: list[Situation]) -> None:
    assert {situation.mode for situation in held_back} == {Mode.COMMENT}


def test_nothing_is_held_back_without_the_filter_in_the_mode_that_hides(held_back: list[Situation]) -> None:
    assert {(situation.filter_on, situation.filter_mode) for situation in held_back} == {(True, HIDE)}


def test_nothing_is_held_back_without_a_confident_verdict_that_it_is_harmless(held_back: list[Situation]) -> None:
    verdicts = {(situation.recommendation, situation.confidence) for situation in held_back}

    assert verdicts == {(Recommendation.IGNORE, Confidence.HIGH)}


def test_neither_critical_nor_careful_findings_are_held_back_on_one_vote(held_back: list[Situation]) -> None:
    careful = [entry for entry in held_back if entry.severity == Severity.CRITICAL or entry.needs_second_vote]

    assert {situation.has_second_vote for situation in careful} == {True}


def test_what_has_a_comment_is_never_held_back(held_back: list[Situation]) -> None:
    assert not any(situation.is_commented for situation in held_back)


def test_whom_people_contradicted_holds_nothing_back(held_back: list[Situation]) -> None:
    assert not any(situation.has_disagreement for situation in held_back)


def test_only_findings_of_code_are_held_back(held_back: list[Situation]) -> None:
    assert {situation.product for situation in held_back} == {Product.CODE}


def test_a_mode_that_nobody_knows_holds_nothing_back() -> None:
    assert decide(replace(USUAL, filter_mode="quieter")).outcome is Outcome.WITH_NOTICE
