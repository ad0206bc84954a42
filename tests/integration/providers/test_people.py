"""No name, e-mail address, user name or commit author of anybody gets into any prompt."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

import findings.services
import orgs.services
import remediation.services
import triage.services
from events.kinds import Actor, ActorKind
from findings.models import Finding, IgnoreReason, Triage
from orgs.permissions import Role, Scope
from providers.models import ModelCall
from tenancy.models import Organization
from tests import factories
from tests.integration.providers.situations import ORDERS, a_finding_in, fix, verdict
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion

# Ingeborg belongs to the organization; the others are only written about.
FORBIDDEN = (
    *("ingeborg", "przybylski", "ingeborg.przybylski@acme.example", "ingeprz", "thaddeus", "okonkwo-bell"),
    *("thaddeus@contractor.example", "rosalind", "ferreira", "quimby7", "wojciech"),
)
WRITTEN_ABOUT = """# Author: Thaddeus Okonkwo-Bell <thaddeus@contractor.example>
# Copyright (c) 2021 Rosalind Ferreira
# TODO(quimby7): ask @ingeprz, or Ingeborg, whether this is still used
# Signed-off-by: Rosalind Ferreira <rosalind@users.example>
LOG = "/home/wojciech/logs/orders.log"
"""


@pytest.fixture
def ingeborg(in_acme: Organization) -> User:
    person = factories.a_person("ingeborg.przybylski@acme.example")
    person.first_name, person.last_name, person.username = "Ingeborg", "Przybylski", "ingeprz"
    person.save()
    factories.a_member(person, Role.MEMBER)
    return person


@pytest.fixture
def finding(ingeborg: User) -> Finding:
    """A finding in code, of a rule, with decisions, notes and tokens that all name people."""
    actor = orgs.services.actor_of(ingeborg)
    project = factories.a_project()
    orgs.services.create_token(name="Ingeborg Przybylski", scopes=[Scope.CI], created_by=ingeborg, actor=actor)
    rule = factories.a_rule(
        "rules.by-ingeborg",
        message="Ask Rosalind Ferreira (thaddeus@contractor.example) before you change this.",
        yaml="rules:\n- id: by-ingeborg\n  metadata:\n    author: Thaddeus Okonkwo-Bell\n",
    )
    for comment in (
        "As agreed with Ingeborg Przybylski.",
        "ingeborg.przybylski@acme.example said so",
        "@ingeprz knows",
    ):
        decided = a_finding_in(ORDERS, project=project, rule=rule)
        findings.services.ignore(finding=decided, reason=IgnoreReason.FALSE_POSITIVE, comment=comment, actor=actor)
    found = a_finding_in(WRITTEN_ABOUT + ORDERS, project=project, rule=rule, line=11)
    findings.services.add_note(finding=found, text="Ingeborg looks at it.", actor=actor)
    return found


def answers(exchange: Exchange) -> Scripted:
    """Answer each kind of question, naming a person."""
    said: dict[str, Any] = {
        "VerdictAnswer": verdict(explanation="Ingeborg Przybylski wrote that name reaches execute()."),
        "ComponentAnswer": {"tag": "API", "risk": "neutral", "reason": "It has routes."},
        "GuidanceAnswer": {"summary": "Ask Ingeborg, then bind it.", "steps": [{"text": "Bind it.", "code": ""}]},
        "FixAnswer": fix("no such line, Ingeborg", "x"),
    }
    return completion(said[exchange.body["response_format"]["json_schema"]["name"]])


def test_no_person_gets_into_any_prompt(openai: OpenAIServer, finding: Finding) -> None:
    openai.rule = answers

    triage.services.judge_finding(finding=finding)
    triage.services.tag_file(project=finding.project, path=finding.path, revision=finding.revision)
    remediation.services.write_guidance(finding=finding)
    remediation.services.write_fix(finding=finding)

    sent = "\n".join(str(exchange.body) for exchange in openai.exchanges).lower()
    kept = "\n".join(call.system_text + call.user_text for call in ModelCall.objects.all()).lower()
    asked = {exchange.body["response_format"]["json_schema"]["name"] for exchange in openai.exchanges}
    assert asked == {"VerdictAnswer", "ComponentAnswer", "GuidanceAnswer", "FixAnswer"}
    assert [name for name in FORBIDDEN if name in sent + kept] == []


def test_what_people_decided_is_told_without_them(openai: OpenAIServer, finding: Finding) -> None:
    openai.rule = answers

    triage.services.judge_finding(finding=finding)

    assert "was set to Ignored (False positive): As agreed with ⟦PERSON-" in openai.exchanges[0].user


def test_a_person_of_another_organization_is_no_secret_here(openai: OpenAIServer, charlie: User) -> None:
    finding = a_finding_in(ORDERS.replace("orders", "charlie"))
    openai.rule = answers

    triage.services.judge_finding(finding=finding)

    assert "charlie" in openai.exchanges[0].user


def test_the_actor_of_a_decision_is_not_told(openai: OpenAIServer, finding: Finding) -> None:
    other = a_finding_in(ORDERS, project=finding.project, rule=finding.rule)
    stranger = Actor(ActorKind.PERSON, "Zebulon Achterberg")
    findings.services.set_triage(finding=other, triage=Triage.REVIEWING, comment="Later.", actor=stranger)
    openai.rule = answers

    triage.services.judge_finding(finding=finding)

    assert "was set to Reviewing: Later." in openai.exchanges[0].user
    assert "Zebulon" not in openai.exchanges[0].user
