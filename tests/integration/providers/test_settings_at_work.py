"""What workers do differently with each setting: every test runs the real tasks, with a setting on and off.

Those whose effect is proved beside what they are about are named in PROVED_ELSEWHERE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import findings.tasks
import memories.services
import orgs.services
import scm.services
import triage.selectors
import triage.services
import triage.tasks
from events.draining import drain
from events.kinds import SYSTEM
from events.services import owe_many
from findings.models import Finding, NotAnalysed, Scan
from memories.models import MemorySource, Purpose
from memories.scopes import Scope
from orgs.models import Project
from orgs.selectors import settings_for
from orgs.settings.catalogue import SETTINGS, Value
from providers.models import ModelCall
from remediation.models import Autofix, Guidance
from rules.models import Severity
from tests import factories
from tests.integration.notifications.conftest import Story, a_story
from tests.integration.providers.situations import ORDERS, PATH, fix, verdict
from tests.integration.providers.test_fix import BOUND, OLD
from tests.vendors.memory_host import MemoryHost, memory_host
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion
from triage.models import FileTag, Verdict

ROOT = Path(__file__).resolve().parents[3]
# What each of these changes is proved beside what it is about.
PROVED_ELSEWHERE = {
    "auto_triage_in_slack": "tests/integration/notifications/test_slack.py",
    "commands_in_replies": "tests/integration/notifications/test_replies.py",
    "comment_footer": "tests/integration/notifications/test_messages.py",
    "weekly_priority_emails": "tests/integration/notifications/test_weekly.py",
}
PROVED_HERE = {
    "is_enabled", "auto_triage", "remediation", "fix_confidence", "analyses_all_severities", "pull_request_cap",
    "test_paths_decide", "careful_cwes", "verdict_wait_seconds", "pull_request_comments",
    "auto_triage_in_comments", "noise_filter", "noise_filter_mode", "customize_with_memories",
}  # fmt: skip

__all__ = ["memory_host"]

Set = Callable[[str, Value], None]
WHOSE = ["organization", "project"]


@pytest.fixture
def model(openai: OpenAIServer) -> OpenAIServer:
    """A model that answers every step."""
    openai.rule = _answered
    return openai


def _answered(exchange: Exchange, **instead: Any) -> Scripted:
    properties = exchange.body["response_format"]["json_schema"]["schema"]["properties"]
    answers: dict[str, Any] = {
        "verdict": verdict(),
        "steps": {"summary": "Bind the value.", "steps": [{"text": "Bind it.", "code": ""}]},
        "edits": fix(OLD, BOUND),
        "tag": {"tag": "data storage", "risk": "high", "reason": "It asks the database."},
        **instead,
    }
    return completion(next(answer for name, answer in answers.items() if name in properties))


@pytest.fixture
def project(model: OpenAIServer) -> Project:
    return factories.a_project("shop")


@pytest.fixture
def only_verdicts(project: Project) -> None:
    """Write no guidance and no fixes, for tests that are about verdicts."""
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})


@pytest.fixture
def set_to(request: pytest.FixtureRequest, project: Project) -> Set:
    """Set something for the organization, or for the project while the organization's stays as it was."""

    def of_organization(name: str, value: Value) -> None:
        orgs.services.change_settings(actor=SYSTEM, changes={name: value})

    def of_project(name: str, value: Value) -> None:
        orgs.services.change_project_settings(project=project, actor=SYSTEM, changes={name: value})

    return {"organization": of_organization, "project": of_project}[request.param]


def each_way(*values: tuple[Value, object]) -> Callable[[Any], Any]:
    """Run a test for each value with what is expected of it, set by the organization and by the project."""

    def decorated(test: Any) -> Any:
        return pytest.mark.parametrize("set_to", WHOSE, indirect=True)(
            pytest.mark.parametrize(("value", "expected"), values)(test)
        )

    return decorated


def analysed(
    project: Project, *severities: int, path: str = PATH, also: Sequence[tuple[str, str]] = (), **described: Any
) -> Scan:
    """Have a scan's new findings planned, judged and fixed as workers do."""
    scan = factories.a_scan(project, **described)
    scm.services.keep_files(project=project, revision=scan.revision, files=[(path, ORDERS), *also])
    for severity in severities or (Severity.HIGH,):
        factories.a_finding(scan=scan, path=path, start_line=6, end_line=6, severity=severity)
    with transaction.atomic():
        owe_many(triage.tasks.plan_analysis, [{"scan_id": scan.pk}])
    drain()
    return scan


def reasons(scan: Scan) -> list[str]:
    return list(Finding.objects.filter(first_scan=scan).order_by("pk").values_list("not_analysed", flat=True))


def written() -> tuple[int, int, int]:
    return Verdict.objects.count(), Guidance.objects.count(), Autofix.objects.count()


def test_every_setting_is_proved_here_or_beside_what_it_is_about() -> None:
    assert PROVED_HERE | PROVED_ELSEWHERE.keys() == {setting.name for setting in SETTINGS}
    assert all((ROOT / path).exists() for path in PROVED_ELSEWHERE.values())


@each_way((True, (1, 1, 1)), (False, (0, 0, 0)))
def test_switched_off_nobody_is_asked_anything(
    set_to: Set, value: bool, expected: object, project: Project, model: OpenAIServer
) -> None:
    set_to("is_enabled", value)

    scan = analysed(project)

    assert written() == expected
    assert (model.asked > 0, FileTag.objects.exists()) == (value, value)
    assert reasons(scan) == [NotAnalysed.NO if value else NotAnalysed.SWITCHED_OFF]


@pytest.mark.usefixtures("only_verdicts")
@each_way((True, [NotAnalysed.NO]), (False, [NotAnalysed.SWITCHED_OFF]))
def test_auto_triage_judges_what_nobody_asked_about(
    set_to: Set, value: bool, expected: list[str], project: Project, model: OpenAIServer
) -> None:
    set_to("auto_triage", value)

    scan = analysed(project)

    assert reasons(scan) == expected
    assert (model.asked > 0) is value


@each_way((True, (1, 1, 1)), (False, (1, 0, 0)))
def test_remediation_writes_guidance_and_a_fix(set_to: Set, value: bool, expected: object, project: Project) -> None:
    set_to("remediation", value)

    analysed(project)

    assert written() == expected


# Its rule's text is not known, so the gates allow this fix medium confidence.
@each_way(("low", True), ("medium", True), ("high", False))
def test_a_fix_of_medium_confidence_is_shown_up_to_medium(
    set_to: Set, value: str, expected: bool, project: Project
) -> None:
    set_to("fix_confidence", value)

    scan = analysed(project)

    autofix = Autofix.objects.get()
    assert (autofix.confidence, autofix.is_shown) == ("medium", expected)
    assert Finding.objects.get(first_scan=scan).fix_confidence == ("medium" if expected else "")


# It brings in a package that the project does not name, so the gates allow it low confidence.
@each_way(("low", True), ("medium", False), ("high", False))
def test_a_fix_of_low_confidence_is_shown_at_low_only(
    set_to: Set, value: str, expected: bool, project: Project, model: OpenAIServer
) -> None:
    doubtful = fix(OLD, "    import leftpadder\n" + BOUND)
    model.rule = lambda exchange: completion(doubtful) if "edits" in str(exchange.body) else _answered(exchange)
    set_to("fix_confidence", value)

    analysed(project, also=[("requirements.txt", "flask\n")])

    assert [(fix.confidence, fix.is_shown) for fix in Autofix.objects.all()] == [("low", expected)]


@pytest.mark.usefixtures("only_verdicts")
@each_way((True, [NotAnalysed.NO] * 3), (False, [NotAnalysed.SEVERITY, NotAnalysed.SEVERITY, NotAnalysed.NO]))
def test_a_full_scan_has_every_severity_analysed_where_that_is_wanted(
    set_to: Set, value: bool, expected: list[str], project: Project
) -> None:
    set_to("analyses_all_severities", value)

    scan = analysed(project, Severity.LOW, Severity.MEDIUM, Severity.HIGH)

    assert reasons(scan) == expected


@pytest.mark.usefixtures("only_verdicts")
@each_way((0, 0), (1, 1), (3, 2))
def test_so_many_findings_of_a_pull_request_are_judged(
    set_to: Set, value: int, expected: int, project: Project
) -> None:
    set_to("pull_request_cap", value)

    analysed(project, Severity.HIGH, Severity.CRITICAL, pull_request_id="7", branch="", is_full=False)

    assert Verdict.objects.count() == expected
    judged = Finding.objects.exclude(recommendation="").order_by("-severity")
    assert [finding.severity for finding in judged] == [Severity.CRITICAL, Severity.HIGH][:expected]


@pytest.mark.usefixtures("only_verdicts")
@each_way((True, ("false_positive", 0)), (False, ("true_positive", 1)))
def test_the_place_among_tests_decides_without_a_model_where_that_is_wanted(
    set_to: Set, value: bool, expected: object, project: Project, model: OpenAIServer
) -> None:
    in_tests = "tests/test_orders.py"
    quote = {**verdict()["evidence"][0], "path": in_tests}
    about_it = completion(verdict(evidence=[quote]))
    model.rule = lambda exchange: about_it if '"verdict"' in str(exchange.body) else _answered(exchange)
    set_to("test_paths_decide", value)

    scan = analysed(project, path=in_tests)

    reached = triage.selectors.latest_verdict(Finding.objects.get(first_scan=scan))
    assert reached is not None
    questions = [exchange for exchange in model.exchanges if "How to judge" in exchange.system]
    assert (reached.value, len(questions)) == expected


SOURCE = {"path": PATH, "start_line": 5, "end_line": 5, "quote": ORDERS.splitlines()[4], "role": "source"}
SECOND = {
    "conditions": [],
    "evidence": [SOURCE],
    "conclusion": "prevented",
    "confidence": "high",
    "explanation": "Nobody can.",
}


@pytest.mark.usefixtures("only_verdicts")
@pytest.mark.parametrize(("value", "looks"), [("CWE-89 CWE-78", 2), ("CWE-78", 1), ("", 1)])
def test_careful_weaknesses_are_looked_at_twice_before_they_are_set_aside(
    value: str, looks: int, project: Project, model: OpenAIServer
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"noise_filter": True, "careful_cwes": value})
    answers = {"verdict": verdict("false_positive", evidence=[SOURCE]), "conclusion": SECOND}
    model.rule = lambda exchange: _answered(exchange, **answers)

    analysed(project)

    assert ModelCall.objects.filter(prompt_name__in=["triage/verdict", "triage/second_vote"]).count() == looks


@pytest.mark.parametrize(("value", "state"), [(0, "settled"), (60, "ingested")])
def test_a_pull_request_waits_for_its_verdicts_so_many_seconds(value: int, state: str, project: Project) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"verdict_wait_seconds": value})
    scan = factories.a_scan(project, pull_request_id="7", branch="", is_full=False, ingested_at=timezone.now())
    factories.a_finding(scan=scan)

    with transaction.atomic():
        owe_many(findings.tasks.settle_at_deadline, [{"scan_id": scan.pk}])
    drain()

    scan.refresh_from_db()
    assert scan.state == state


# --- Comments in pull requests ---------------------------------------------------------------------------------------


@pytest.fixture
def story(project: Project, memory_host: MemoryHost) -> Story:
    """A pull request of the project, with one new finding that the Assistant calls a likely false positive."""
    told = a_story(memory_host)
    factories.a_verdict(told.found()[0], explanation="Its name is constant")
    return told


@each_way((True, 1), (False, 0))
def test_a_pull_request_is_commented_on_where_that_is_wanted(
    set_to: Set, value: bool, expected: int, story: Story
) -> None:
    set_to("pull_request_comments", value)

    story.told()

    assert len(story.bodies()) == expected


@each_way((True, True), (False, False))
def test_a_comment_tells_of_doubt_where_that_is_wanted(set_to: Set, value: bool, expected: bool, story: Story) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"noise_filter": False})
    set_to("auto_triage_in_comments", value)

    story.told()

    [body] = story.bodies()
    assert ("Its name is constant" in body) is expected


@each_way((True, 0), (False, 1))
def test_the_noise_filter_holds_a_likely_false_positive_back(
    set_to: Set, value: bool, expected: int, story: Story
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"noise_filter_mode": "hide"})
    set_to("noise_filter", value)

    story.told()

    assert len(story.bodies()) == expected


@each_way(("hide", 0), ("notify", 1))
def test_the_noise_filter_hides_or_tells_as_was_chosen(set_to: Set, value: str, expected: int, story: Story) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"noise_filter": True})
    set_to("noise_filter_mode", value)

    story.told()

    assert len(story.bodies()) == expected
    assert all("Its name is constant" in body for body in story.bodies())


# --- From the organization to a project ------------------------------------------------------------------------------


@pytest.mark.usefixtures("only_verdicts")
def test_a_project_that_switched_on_what_its_organization_switched_off_is_served(project: Project) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"is_enabled": False})
    orgs.services.change_project_settings(project=project, actor=SYSTEM, changes={"is_enabled": True})

    served, other = analysed(project), analysed(factories.a_project("other"))

    assert (reasons(served), reasons(other)) == ([NotAnalysed.NO], [NotAnalysed.SWITCHED_OFF])


def test_what_holds_for_a_project_is_read_in_one_query(project: Project, django_assert_num_queries: Any) -> None:
    orgs.services.change_project_settings(
        project=project, actor=SYSTEM, changes={"fix_confidence": "high", "pull_request_cap": 0, "auto_triage": False}
    )

    with django_assert_num_queries(1):
        settings = settings_for(project.pk)

    assert (settings.fix_confidence, settings.pull_request_cap, settings.auto_triage) == ("high", 0, False)
    assert settings.own == {"fix_confidence", "pull_request_cap", "auto_triage"}
    assert (settings.origin_of("auto_triage"), settings.origin_of("remediation")) == ("project", "organization")


@pytest.mark.usefixtures("only_verdicts")
@each_way((True, True), (False, False))
def test_what_was_taught_is_sent_only_where_memories_customize(
    set_to: Set, value: bool, expected: bool, project: Project, model: OpenAIServer
) -> None:
    set_to("customize_with_memories", value)
    memories.services.teach(
        text="clean() keeps digits only.",
        purpose=Purpose.TRIAGE,
        scope=Scope(project=project),
        source=MemorySource.PAGE,
        actor=SYSTEM,
        goes_live=True,
    )

    analysed(project)

    assert any("clean() keeps digits only." in str(exchange.body) for exchange in model.exchanges) is expected
