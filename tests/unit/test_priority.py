"""The ranking of what to do first: every point is explained, and no rule or project takes all places."""

from __future__ import annotations

from dataclasses import replace

from findings.models import Product, Recommendation
from rules.models import Severity
from triage.priority import Candidate, choose, rank

PLAIN = Candidate(
    finding_id=1,
    project_id=1,
    rule_id=1,
    product=Product.CODE,
    severity=Severity.HIGH,
    recommendation=Recommendation.NONE,
    verdict_confidence="",
    rule_confidence="",
    component_tag="",
    component_risk="",
    cwe=(),
    likelihood="",
    impact="",
    is_reachable=None,
    comes_from_input=False,
    has_verified_fix=False,
    days_open=0,
)


def worse(finding_id: int, *, project: int, rule: int, severity: Severity = Severity.HIGH, days: int = 0) -> Candidate:
    return replace(PLAIN, finding_id=finding_id, project_id=project, rule_id=rule, severity=severity, days_open=days)


def test_a_finding_of_which_nothing_else_is_known_is_ranked_by_its_severity() -> None:
    found = rank(PLAIN)

    assert (found.score, found.reasons) == (28.0, ("High severity.",))


def test_each_thing_that_counts_raises_the_score_and_says_why() -> None:
    changes: list[tuple[dict[str, object], str]] = [
        ({"severity": Severity.CRITICAL}, "Critical severity."),
        (
            {"recommendation": Recommendation.FIX, "verdict_confidence": "high"},
            "The Assistant calls it a true positive, with high confidence.",
        ),
        ({"rule_confidence": "high"}, "The rule has high confidence."),
        (
            {"component_tag": "authentication", "component_risk": "high"},
            "Its file is about authentication, which is of high risk.",
        ),
        ({"product": Product.SECRETS}, "A secret in the code works until it is replaced."),
        ({"is_reachable": True}, "The code uses the vulnerable part of the dependency."),
        ({"cwe": ("CWE-89",)}, "Weaknesses of this class are exploited often."),
        ({"likelihood": "high"}, "The rule says that an attack is likely."),
        ({"impact": "high"}, "The rule says that an attack would do much harm."),
        ({"comes_from_input": True}, "The report follows data from its source to here."),
        ({"has_verified_fix": True}, "A verified fix is ready."),
        ({"days_open": 1}, "Open for 1 day."),
        ({"days_open": 45}, "Open for 45 days."),
        ({"equal": 8}, "8 findings of this rule are open in the project, which can be gone through together."),
    ]

    ranked = [(rank(replace(PLAIN, **change)), sentence) for change, sentence in changes]  # type: ignore[arg-type]

    assert [sentence for found, sentence in ranked if sentence not in found.reasons] == []
    assert [sentence for found, sentence in ranked if found.score <= rank(PLAIN).score] == []


def test_what_speaks_against_it_lowers_the_score_and_is_said_last() -> None:
    unreachable = replace(PLAIN, is_reachable=False, component_tag="tests", component_risk="low", days_open=10)

    found = rank(unreachable)

    assert found.score < rank(PLAIN).score
    assert found.reasons[-2:] == (
        "Its file is about tests, which is of low risk.",
        "The code does not seem to use the vulnerable part of the dependency.",
    )


def test_a_thousand_notes_do_not_outweigh_one_hole() -> None:
    notes = replace(PLAIN, severity=Severity.LOW, equal=100_000)

    assert rank(notes).score < rank(PLAIN).score


def test_there_is_at_most_one_task_of_a_rule() -> None:
    chosen = choose(
        [
            worse(1, project=1, rule=1, severity=Severity.CRITICAL),
            worse(2, project=2, rule=1, severity=Severity.CRITICAL),
            worse(3, project=1, rule=2, severity=Severity.LOW),
        ]
    )

    assert [entry.candidate.finding_id for entry in chosen] == [1, 3]


def test_another_projects_task_that_is_nearly_as_pressing_comes_before_a_second_one_of_the_same() -> None:
    chosen = choose(
        [
            worse(1, project=1, rule=1, severity=Severity.CRITICAL),
            worse(2, project=1, rule=2, days=90),
            worse(3, project=1, rule=3, days=80),
            worse(4, project=2, rule=4, days=10),
        ]
    )

    assert [entry.candidate.finding_id for entry in chosen] == [1, 2, 4]


def test_a_project_that_is_far_worse_takes_all_three() -> None:
    mine = [worse(number, project=1, rule=number, severity=Severity.CRITICAL) for number in (1, 2, 3)]

    chosen = choose([*mine, worse(4, project=2, rule=4, severity=Severity.LOW)])

    assert [entry.candidate.finding_id for entry in chosen] == [1, 2, 3]


def test_the_same_backlog_gives_the_same_tasks_in_whatever_order_it_is_read() -> None:
    backlog = [worse(number, project=number % 3, rule=number) for number in range(1, 9)]

    assert choose(backlog) == choose(reversed(backlog))
