"""A model that knows nothing but what it is sent: it calls a finding harmless only where a memory tells it why."""

from __future__ import annotations

from typing import Any

import pytest

import orgs.services
from events.kinds import SYSTEM
from findings.models import Finding
from orgs.models import Project
from tenancy.models import Organization
from tests import factories
from tests.integration.providers.conftest import closed_clients, openai, openai_server, platform_model
from tests.integration.providers.situations import ORDERS, a_finding_in, fix, verdict
from tests.integration.providers.test_fix import BOUND, OLD
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion

__all__ = ["closed_clients", "openai", "openai_server", "platform_model"]

# What is taught, and what the model looks for in what it is sent.
TAUGHT = "Values that reach find() went through clean(), which keeps digits only; then this rule finds nothing real."
WISH = "Write every query with our helper bound_query()."
HARMLESS = verdict(
    "false_positive",
    evidence=[
        {
            "path": "app/orders.py",
            "start_line": 4,
            "end_line": 4,
            "quote": "def find(connection, name):",
            "role": "guard",
        }
    ],
    explanation="The organization says that clean() keeps digits only.",
)
LEARNED = {
    "because": "It says what clean() does.",
    "generalises": True,
    "text": TAUGHT,
    "path_prefix": "",
}


def answered(exchange: Exchange, **instead: Any) -> Scripted:
    """Answer from the request's own text alone."""
    properties = exchange.body["response_format"]["json_schema"]["schema"]["properties"]
    says_so = TAUGHT in exchange.user
    wishes = WISH in exchange.user
    answers: dict[str, Any] = {
        "verdict": HARMLESS if says_so else verdict(),
        "generalises": LEARNED,
        "steps": {"summary": "Use bound_query()." if wishes else "Bind the value.", "steps": [_STEP]},
        "edits": fix(OLD, BOUND) | {"explanation": "As taught." if wishes else "The value is bound."},
        "tag": {"tag": "data storage", "risk": "high", "reason": "It asks the database."},
        **instead,
    }
    return completion(next(answer for name, answer in answers.items() if name in properties))


_STEP = {"text": "Bind it.", "code": ""}


@pytest.fixture
def model(openai: OpenAIServer) -> OpenAIServer:
    """The model; guidance and fixes are not written unless a test wants them."""
    openai.rule = answered
    orgs.services.change_settings(actor=SYSTEM, changes={"remediation": False})
    return openai


@pytest.fixture
def shop(in_acme: Organization) -> Project:
    return factories.a_project("shop")


def judged_finding(project: Project, **fields: Any) -> Finding:
    """Return a finding in ORDERS that the model called real before anybody taught anything."""
    finding = a_finding_in(ORDERS, project=project, **fields)
    factories.a_verdict(finding, "true_positive", confidence="high", explanation="name reaches execute().")
    return finding
