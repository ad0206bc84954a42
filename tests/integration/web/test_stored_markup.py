"""Whatever a scanner, a model or a person wrote stays text on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import findings.services
import orgs.services
import scm.services
import triage.services
from events.kinds import Actor, ActorKind
from findings.models import Finding, IgnoreReason
from providers.models import ModelCall, Outcome
from remediation.models import Autofix, Guidance
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from triage.models import Source, Verdict

# Breaks out of an attribute, of a tag, of a script and of a comment, whichever it stands in.
BREAKS_OUT = "\"'>--></script></textarea></title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
LINKS = "[click](javascript:alert(1)) <javascript:alert(1)> ![x](https://evil.example/x.png) [d](data:text/html,x)"
TEMPLATE = "{{ settings.SECRET_KEY }}{% debug %}"
EVIL = f"{BREAKS_OUT} {LINKS} {TEMPLATE}"

LIVE = re.compile(
    r"<script>alert|<img src=x|onerror=alert\(1\)>(?!&)|href=[\"']?\s*javascript:|href=[\"']?data:text|src=[\"']?https://evil",
    re.IGNORECASE,
)


@pytest.fixture
def pages(alice: User, acme: Organization) -> Iterator[dict[str, str]]:
    """The addresses of pages on which everything that can hold text holds an attack."""
    person = Actor(ActorKind.PERSON, EVIL, alice.pk)
    with acting_for(acme.pk):
        project = factories.a_project(f"shop {EVIL}"[:200])
        rule = factories.a_rule(
            f"evil.{EVIL}", message=EVIL, category="security", cwe=["CWE-89"], help_uri="javascript:alert(1)"
        )
        scan = factories.a_scan(
            project, branch=EVIL[:255], commit="", pull_request_id="", problems=[EVIL], failure=EVIL, tool=EVIL[:100]
        )
        path = f"app/{EVIL}.py"
        scm.services.keep_files(project=project, revision=scan.revision, files=[(path, f"{EVIL}\n" * 5)])
        finding = factories.a_finding(
            scan=scan,
            rule=rule,
            path=path,
            message=EVIL,
            matched_lines=EVIL,
            rule_fix=EVIL,
            component_tag=EVIL[:30],
            not_analysed_detail=EVIL[:300],
            trace=[
                {
                    "role": "source",
                    "path": path,
                    "start_line": 1,
                    "start_column": 1,
                    "end_line": 1,
                    "end_column": 2,
                    "text": EVIL,
                }
            ],
            details={"references": [EVIL, "javascript:alert(1)"], "source": "javascript:alert(1)", "likelihood": EVIL},
        )
        bare = factories.a_finding(
            scan=scan,
            rule=rule,
            path=path,
            matched_lines=EVIL,
            not_analysed="unavailable",
            not_analysed_detail=EVIL[:300],
        )
        verdict = _a_full_verdict(finding, path)
        call = _a_call(finding)
        Guidance.objects.create(
            finding=finding, summary=EVIL, steps=[{"text": EVIL, "code": EVIL}], source=Source.MODEL, model=EVIL[:120]
        )
        Autofix.objects.create(
            finding=finding,
            diff=f"--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,2 @@ {EVIL}\n-{EVIL}\n+{EVIL} \n {EVIL}\n",
            explanation=EVIL,
            gates=[{"gate": EVIL, "outcome": EVIL, "explanation": EVIL}],
            confidence="high",
            is_shown=True,
            is_verified=True,
            source=Source.MODEL,
            model=EVIL[:120],
        )
        findings.services.apply_fix(finding=finding, confidence="high", is_verified=True)
        findings.services.add_note(finding=finding, text=EVIL, actor=person)
        findings.services.ignore(finding=finding, reason=IgnoreReason.ACCEPTABLE_RISK, comment=EVIL, actor=person)
        triage.services.give_feedback(verdict=verdict, user=alice, agrees=False, reason=EVIL)
        orgs.services.give_consent(actor=person)
        home = "/orgs/acme"
        yield {
            "list": f"{home}/findings/",
            "list of everything": f"{home}/findings/?status=ignored&status=open&status=reviewing&status=to_fix",
            "filters": f"{home}/findings/filters/?status=ignored",
            "finding": f"{home}/findings/{finding.pk}/",
            "finding without verdict": f"{home}/findings/{bare.pk}/",
            "projects": f"{home}/projects/",
            "project": f"{home}/projects/{project.pk}/",
            "scans": f"{home}/scans/",
            "scan": f"{home}/scans/{scan.pk}/",
            "upload": f"{home}/upload/",
            "settings": f"{home}/settings/deployment/",
            "preview": f"{home}/findings/{finding.pk}/preview/",
            "prompts": f"{home}/settings/prompts/",
            "request": f"{home}/settings/prompts/{call.pk}/",
            "requests compared": f"{home}/settings/prompts/compare/?left={call.pk}&right={call.pk}",
        }


def _a_full_verdict(finding: Finding, path: str) -> Verdict:
    quote = {
        "path": path, "start_line": 1, "end_line": 2, "quote": EVIL, "role": "sink", "holds": True, "problem": EVIL,
        "moved": False, "is_comment": False,
    }  # fmt: skip
    return factories.a_verdict(
        finding,
        "false_positive",
        explanation=EVIL,
        evidence=[quote, {**quote, "holds": False, "path": EVIL}],
        facts=[{"kind": "constant_argument", "statement": EVIL, "leaning": "safe"}],
        lowered_because=EVIL,
        code_lines=[{"path": path, "start_line": 1, "lines": [EVIL, EVIL], "why": EVIL}],
        source=Source.MODEL,
        model=EVIL[:120],
    )


def _a_call(finding: Finding) -> ModelCall:
    return ModelCall.objects.create(
        purpose="triage/verdict",
        finding_id=finding.pk,
        prompt_name=EVIL[:80],
        prompt_version=1,
        adapter="openai",
        model=EVIL[:120],
        outcome=Outcome.ANSWERED,
        error=EVIL,
        system_text=EVIL,
        user_text=EVIL,
        reply_text=EVIL,
        created_at=timezone.now(),
    )


@pytest.mark.parametrize(
    "page",
    [
        "list", "list of everything", "filters", "finding", "finding without verdict", "projects", "project", "scans",
        "scan", "upload", "settings", "preview", "prompts", "request", "requests compared",
    ],
)  # fmt: skip
def test_nothing_that_was_stored_comes_alive(pages: dict[str, str], alice: User, client: Client, page: str) -> None:
    client.force_login(alice)

    response = client.get(pages[page])

    assert response.status_code == 200
    assert not LIVE.search(response.content.decode())


def test_what_was_stored_is_shown_all_the_same(pages: dict[str, str], alice: User, client: Client) -> None:
    client.force_login(alice)

    body = client.get(pages["finding"]).content.decode()

    assert body.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 5


@pytest.mark.parametrize(
    "word", ["after", "before", "next", "project", "ref", "scan", "status", "rule", "q", "component"]
)
def test_nothing_in_an_address_comes_alive(acme: Organization, alice: User, client: Client, word: str) -> None:
    client.force_login(alice)

    bodies = [
        client.get(f"/orgs/acme/{page}/", {word: EVIL}).content.decode() for page in ("findings", "scans", "upload")
    ]

    assert [LIVE.search(body) for body in bodies] == [None, None, None]
