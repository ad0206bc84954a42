"""Customize fix: how somebody wants a finding fixed reaches the request for its fix, and once in force others' too."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

import memories.selectors
import memories.services
import orgs.services
import remediation.selectors
import remediation.services
import remediation.tasks
from events.draining import drain
from events.kinds import SYSTEM
from findings.models import Finding
from memories.models import MemorySource, MemoryState, Purpose
from memories.scopes import Scope
from orgs.models import Project
from orgs.services import actor_of
from remediation.models import AdviceFeedback, Autofix, FixPullRequest, FixPullRequestState
from rules.models import Origin, Rule
from rules.sanitizers import sanitizers_in
from tests.integration.memories.conftest import TAUGHT, WISH, judged_finding
from tests.integration.providers.situations import run_job
from tests.vendors.openai_server import OpenAIServer, completion
from triage.models import Source

SANITIZING = """rules:
- id: acme.sql
  mode: taint
  languages: [python]
  severity: ERROR
  message: No.
  metadata: {cwe: "CWE-89"}
  pattern-sources: [{pattern: request.args}]
  pattern-sinks: [{pattern: execute(...)}]
  pattern-sanitizers:
  - pattern: acme.bind($X)
  - by-side-effect: true
    patterns:
    - pattern-either:
      - pattern: acme.check($X)
      - pattern: acme.verify($X)
    - pattern-not: acme.check(None)
"""


@pytest.fixture
def writing(model: OpenAIServer) -> OpenAIServer:
    """The model, with guidance and fixes switched on."""
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": True})
    return model


def customized(finding: Finding, user: User, *, goes_live: bool) -> None:
    remediation.services.customize_fix(finding=finding, text=WISH, actor=actor_of(user), goes_live=goes_live)
    drain()


def sent_about(server: OpenAIServer, field: str) -> list[str]:
    """Return the requests for answers that have a field: `steps` of guidance, `edits` of a fix."""
    return [
        exchange.user
        for exchange in server.exchanges
        if field in exchange.body["response_format"]["json_schema"]["schema"]["properties"]
    ]


# --- Save and regenerate ----------------------------------------------------------------------------------------------


def test_guidance_and_fix_are_written_anew_by_what_somebody_said(
    writing: OpenAIServer, shop: Project, alice: User
) -> None:
    finding = judged_finding(shop)

    customized(finding, alice, goes_live=True)

    guidance, autofix = remediation.selectors.latest_guidance(finding), remediation.selectors.latest_autofix(finding)
    assert guidance is not None
    assert autofix is not None
    assert (guidance.summary, autofix.explanation) == ("Use bound_query().", "As taught.")
    used = memories.selectors.used_for(autofix_id=autofix.pk)
    assert used == memories.selectors.used_for(guidance_id=guidance.pk)
    assert [(memory.text, memory.source, memory.use_count) for memory in used] == [(WISH, MemorySource.FIX, 2)]
    assert not remediation.selectors.is_being_written_anew(finding)


def test_until_the_workers_come_it_is_said_that_it_is_being_written(
    writing: OpenAIServer, shop: Project, alice: User
) -> None:
    finding, other = judged_finding(shop), judged_finding(shop)

    remediation.services.customize_fix(finding=finding, text=WISH, actor=actor_of(alice), goes_live=True)

    anew = [remediation.selectors.is_being_written_anew(each) for each in (finding, other)]
    assert anew == [True, False]


def test_what_is_only_suggested_counts_for_this_finding_alone_until_it_is_approved(
    writing: OpenAIServer, shop: Project, alice: User, bob: User
) -> None:
    finding, similar = judged_finding(shop), judged_finding(shop)
    customized(finding, bob, goes_live=False)
    memory = memories.selectors.known().get()
    own = sent_about(writing, "edits")

    run_job(remediation.tasks.advise, finding_id=similar.pk)
    of_similar = sent_about(writing, "edits")[len(own) :]
    memories.services.approve(memory=memory, actor=actor_of(alice))
    run_job(remediation.tasks.write_fix, finding_id=similar.pk)

    assert memory.state == MemoryState.SUGGESTED
    assert ({WISH in sent for sent in own}, {WISH in sent for sent in of_similar}) == ({True}, {False})
    assert WISH in sent_about(writing, "edits")[-1]


def test_a_suggestion_still_counts_when_its_finding_is_advised_on_again(
    writing: OpenAIServer, shop: Project, bob: User
) -> None:
    finding = judged_finding(shop)
    customized(finding, bob, goes_live=False)

    run_job(remediation.tasks.write_fix, finding_id=finding.pk)

    autofix = remediation.selectors.latest_autofix(finding)
    assert autofix is not None
    assert autofix.explanation == "As taught."


def test_where_the_model_does_not_answer_the_earlier_fix_stays(
    writing: OpenAIServer, shop: Project, alice: User
) -> None:
    finding = judged_finding(shop)
    run_job(remediation.tasks.advise, finding_id=finding.pk)
    earlier = remediation.selectors.latest_autofix(finding)
    writing.rule = lambda exchange: completion("This is no JSON.")

    customized(finding, alice, goes_live=True)

    assert remediation.selectors.latest_autofix(finding) == earlier


# --- What a fix is asked for with -------------------------------------------------------------------------------------


def test_what_was_taught_for_triage_is_not_sent_for_a_fix_nor_the_other_way_round(
    writing: OpenAIServer, shop: Project
) -> None:
    finding = judged_finding(shop)
    for text, purpose in ((TAUGHT, Purpose.TRIAGE), (WISH, Purpose.REMEDIATION)):
        memories.services.teach(
            text=text, purpose=purpose, scope=Scope(), source=MemorySource.PAGE, actor=SYSTEM, goes_live=True
        )

    drain()
    run_job(remediation.tasks.advise, finding_id=finding.pk)

    verdicts, fixes = sent_about(writing, "verdict"), sent_about(writing, "edits")
    assert [(TAUGHT in sent, WISH in sent) for sent in verdicts] == [(True, False)]
    assert [(TAUGHT in sent, WISH in sent) for sent in fixes] == [(False, True)] * len(fixes)


def test_sanitizers_that_own_rules_name_are_sent_for_their_weakness_and_language(
    writing: OpenAIServer, shop: Project
) -> None:
    own = {"origin": Origin.CUSTOM, "languages": ["python"], "yaml": SANITIZING}
    Rule.objects.create(identifier="acme.sql", cwe=["CWE-89"], **own)
    Rule.objects.create(
        identifier="acme.xss", cwe=["CWE-79"], **own | {"yaml": SANITIZING.replace("acme.bind", "acme.escape")}
    )
    Rule.objects.create(
        identifier="acme.go",
        cwe=["CWE-89"],
        **own | {"languages": ["go"], "yaml": SANITIZING.replace("bind", "gobind")},
    )

    run_job(remediation.tasks.advise, finding_id=judged_finding(shop).pk)

    sent = sent_about(writing, "edits")[0]
    assert "acme.bind($X)" in sent
    assert "acme.check($X) (makes the variable itself safe)" in sent
    assert [word for word in ("acme.escape", "gobind", "acme.check(None)") if word in sent] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rules: [",
        "rules: 3",
        "rules: [3]",
        "rules: [{pattern-sanitizers: 3}]",
        "rules: [{pattern-sanitizers: [3]}]",
    ],
)
def test_a_text_without_sanitizers_names_none(text: str) -> None:
    assert sanitizers_in(text) == []


def test_what_became_of_earlier_fixes_is_sent_without_names(writing: OpenAIServer, shop: Project) -> None:
    earlier = judged_finding(shop)
    autofix = Autofix.objects.create(finding=earlier, explanation="Quotes are doubled.", source=Source.MODEL)
    AdviceFeedback.objects.create(
        finding=earlier, autofix=autofix, by="bob@acme.example", is_helpful=False, reason="We bind values."
    )
    FixPullRequest.objects.create(
        finding=earlier, autofix=autofix, state=FixPullRequestState.CLOSED, requested_by="bob@acme.example"
    )

    run_job(remediation.tasks.advise, finding_id=judged_finding(shop).pk)

    sent = sent_about(writing, "edits")[0]
    assert "We bind values." in sent
    assert "closed without being merged: Quotes are doubled." in sent
    assert "bob@acme.example" not in sent
