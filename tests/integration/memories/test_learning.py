"""Learning from ignored findings: what generalises is kept, what does not is said, and who said it decides how far."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import findings.services
import memories.selectors
import triage.services
from events.draining import drain
from events.kinds import Actor, ActorKind
from findings.models import Finding, IgnoreReason, Triage
from memories.models import Memory, MemoryState, Purpose, Template
from orgs.models import Project
from orgs.services import actor_of
from tests import factories
from tests.integration.memories.conftest import LEARNED, TAUGHT, answered, judged_finding
from tests.integration.providers.situations import ORDERS, a_finding_in
from tests.vendors.openai_server import OpenAIServer, error
from triage.selectors import latest_verdict

COMMENT = "clean() keeps digits only."


def ignored(finding: Finding, actor: Actor, comment: str = COMMENT) -> memories.selectors.Learned | None:
    """Ignore a finding, let the workers do what follows, and return what was learned."""
    since = timezone.now()
    findings.services.ignore(finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment=comment, actor=actor)
    drain()
    return memories.selectors.learned_from(finding, since)


def test_what_is_learned_holds_for_the_rule_in_the_project_and_says_where_it_came_from(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    finding = judged_finding(shop)

    learned = ignored(finding, actor_of(alice))

    memory = Memory.objects.get()
    assert learned == memories.selectors.Learned(memory=memory)
    assert (memory.text, memory.project, memory.rule, memory.path_prefix) == (TAUGHT, shop, finding.rule, "")
    assert (memory.source_finding, memory.purpose, memory.state) == (finding, Purpose.TRIAGE, MemoryState.LIVE)


def test_a_folder_is_taken_over_only_where_the_finding_lies_in_it(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    model.rule = lambda exchange: answered(exchange, generalises=LEARNED | {"path_prefix": "lib/../../etc"})
    ignored(judged_finding(shop), actor_of(alice))
    model.rule = lambda exchange: answered(exchange, generalises=LEARNED | {"path_prefix": "app/", "text": "Other."})
    ignored(judged_finding(shop), actor_of(alice), "It is the other way.")

    assert list(Memory.objects.order_by("pk").values_list("path_prefix", flat=True)) == ["", "app"]


def test_what_does_not_generalise_is_not_kept_and_it_is_said_why(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    alone = {"because": "It is about this line alone.", "generalises": False, "text": "", "path_prefix": ""}
    model.rule = lambda exchange: answered(exchange, generalises=alone)

    learned = ignored(judged_finding(shop), actor_of(alice))

    assert learned == memories.selectors.Learned(why_none="It is about this line alone.")
    assert not Memory.objects.exists()


def test_what_is_known_already_is_not_kept_twice(model: OpenAIServer, shop: Project, alice: User) -> None:
    ignored(judged_finding(shop), actor_of(alice))

    learned = ignored(judged_finding(shop), actor_of(alice))

    assert learned == memories.selectors.Learned(memory=Memory.objects.get())


@pytest.mark.parametrize("comment", ["", "ok", "see above"])
def test_without_a_reason_in_words_nobody_is_asked(
    model: OpenAIServer, shop: Project, alice: User, comment: str
) -> None:
    learned = ignored(judged_finding(shop), actor_of(alice), comment)

    assert (learned, model.asked) == (None, 0)


def test_agreeing_without_a_word_teaches_nothing_since_the_words_are_the_assistants(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    finding = a_finding_in(ORDERS, project=shop)
    verdict = factories.a_verdict(finding, explanation="The value is a constant of the module.")

    triage.services.give_feedback(verdict=verdict, user=alice, agrees=True)
    drain()

    finding.refresh_from_db()
    assert (finding.triage, model.asked) == (Triage.IGNORED, 0)


def test_who_replies_in_a_pull_request_suggests(model: OpenAIServer, shop: Project) -> None:
    learned = ignored(judged_finding(shop), Actor(ActorKind.SCM_USER, "octocat on GitHub"))

    assert learned is not None
    assert learned.memory is not None
    assert (learned.memory.state, learned.memory.created_by) == (MemoryState.SUGGESTED, "octocat on GitHub")


def test_many_ignored_at_once_teach_once(model: OpenAIServer, shop: Project, alice: User) -> None:
    for _ in range(3):
        judged_finding(shop)

    findings.services.triage_in_bulk(
        chosen=Finding.objects.all(),
        triage=Triage.IGNORED,
        reason=IgnoreReason.FALSE_POSITIVE,
        comment=COMMENT,
        actor=actor_of(alice),
    )
    drain()

    assert (Memory.objects.count(), model.asked) == (1, 1)


def test_where_the_provider_refuses_it_is_said_and_the_finding_stays_ignored(
    model: OpenAIServer, shop: Project, alice: User
) -> None:
    model.rule = lambda exchange: error(401, "Incorrect API key provided", code="invalid_api_key")
    finding = judged_finding(shop)

    learned = ignored(finding, actor_of(alice))

    assert learned is not None
    assert learned.memory is None
    assert learned.why_none
    assert Finding.objects.get(pk=finding.pk).triage == Triage.IGNORED


# --- Without a model --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_acme")
def test_built_in_learns_that_a_folder_is_not_production_and_acts_on_it(shop: Project, alice: User) -> None:
    finding, beside = judged_finding(shop), judged_finding(shop)

    learned = ignored(finding, actor_of(alice), "This is not production code, we run it by hand.")

    assert learned is not None
    assert learned.memory is not None
    verdict = latest_verdict(beside)
    assert verdict is not None
    assert (learned.memory.template, learned.memory.path_prefix) == (Template.NOT_PRODUCTION, "app")
    assert (verdict.value, verdict.confidence) == ("false_positive", "medium")
    assert verdict.explanation.startswith("The organization says that app is not production")
    assert memories.selectors.used_for(verdict_id=verdict.pk) == [learned.memory]


@pytest.mark.usefixtures("in_acme")
def test_built_in_learns_that_a_framework_protects_for_the_rule_alone(shop: Project, alice: User) -> None:
    finding, beside = judged_finding(shop), judged_finding(shop)
    of_another_rule = judged_finding(shop, rule=factories.a_rule("python.other", cwe=["CWE-78"]))

    ignored(finding, actor_of(alice), "Our ORM escapes such values by itself.")

    verdicts = [latest_verdict(beside), latest_verdict(of_another_rule)]
    assert [verdict.value for verdict in verdicts if verdict] == ["false_positive", "true_positive"]
    assert Memory.objects.get().template == Template.FRAMEWORK_PROTECTS


@pytest.mark.usefixtures("in_acme")
def test_a_secret_leaks_from_what_is_not_production_too(shop: Project, alice: User) -> None:
    rule = factories.a_rule("generic.hardcoded-password", cwe=["CWE-798"])
    finding, beside = judged_finding(shop, rule=rule), judged_finding(shop, rule=rule)

    ignored(finding, actor_of(alice), "This is not production code, we run it by hand.")

    verdict = latest_verdict(beside)
    assert verdict is not None
    assert verdict.value != "false_positive"


@pytest.mark.usefixtures("in_acme")
def test_built_in_says_that_it_recognises_two_kinds_of_reasons_only(shop: Project, alice: User) -> None:
    learned = ignored(judged_finding(shop), actor_of(alice), COMMENT)

    assert learned is not None
    assert learned.why_none.startswith("Built-in recognises two kinds of reasons only")
