"""Every example of docs/api.md is sent to a server and answered as it says; the document describes what is answered."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS31Validator

import orgs.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from remediation.models import Autofix
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.system.ci_client import our_server
from triage.models import Source

TEXT = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
# A request, and the answer that follows it where one is shown.
EXAMPLES = re.findall(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", TEXT, re.DOTALL)
REPORT = b'{"version": "1", "results": [], "errors": [], "paths": {"scanned": []}}'


def variables() -> dict[str, str]:
    """Make what the examples are about: an organization with a project, a scan and three findings, and a token."""
    admin = factories.a_person("alice@acme.example")
    acme = factories.an_organization("acme", admin=admin)
    with acting_for(acme.pk), transaction.atomic():
        scan = factories.a_scan(factories.a_project("shop/web"))
        finding = factories.a_finding(scan=scan)
        factories.a_verdict(finding, "false_positive")
        diff = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-a\n+b\n"
        Autofix.objects.create(
            finding=finding, edits=[], diff=diff, confidence="high", is_shown=True, source=Source.BUILT_IN
        )
        for _ in range(2):
            factories.a_finding(scan=scan)
        _, value = orgs.services.create_token(name="docs", scopes=list(Scope), created_by=admin, actor=SYSTEM)
    return {"TOKEN": value, "SCAN": f"{scan.pk}", "FINDING": f"{finding.pk}", "PROJECT": f"{scan.project_id}"}


def sent(command: str, values: dict[str, str]) -> httpx.Response:
    """Send what a curl command would send."""
    words = shlex.split(re.sub(r"\$([A-Z]+)", lambda match: values[match[1]], command.replace("\\\n", " ")))
    options: dict[str, list[str]] = {"": []}
    rest = iter(words[1:])
    for word in rest:
        name = word if word.startswith("--") else ""
        options.setdefault(name, []).append(next(rest) if name else word)
    headers = dict(header.split(": ", 1) for header in options.get("--header", []))
    forms = dict(form.split("=", 1) for form in options.get("--form", []))
    files = {name: (value[1:], io.BytesIO(REPORT)) for name, value in forms.items() if value.startswith("@")}
    return httpx.request(
        options.get("--request", ["POST" if forms else "GET"])[0],
        options[""][0],
        headers=headers,
        json=json.loads(options["--json"][0]) if "--json" in options else None,
        data={name: value for name, value in forms.items() if name not in files},
        files=files,
    )


def differences(shown: Any, answered: Any, place: str = "") -> list[str]:
    """Return where an answer lacks what is shown, or has another kind of value there."""
    if isinstance(shown, dict) and isinstance(answered, dict):
        missing = [f"{place}.{name} is missing" for name in shown.keys() - answered.keys()]
        return missing + [
            text for name in shown.keys() & answered.keys() for text in differences(shown[name], answered[name], name)
        ]
    if isinstance(shown, list) and isinstance(answered, list):
        fewer = [f"{place} is empty"] if shown and not answered else []
        return fewer + [text for one, other in zip(shown, answered, strict=False) for text in differences(one, other)]
    same = type(shown) is type(answered) and (isinstance(shown, str) or place in NUMBERED or shown == answered)
    return [] if same else [f"{place} is {answered!r}, not {shown!r}"]


# Whose values depend on what was there before.
NUMBERED = {"", "id", "found_count", "undo_until"}


def test_every_example_is_answered_as_it_says(committed: None) -> None:
    values = variables()
    found = []

    with our_server(is_worked_off=False) as address:
        values["URL"] = f"{address}/api/v1"
        for command, shown in EXAMPLES:
            answer = sent(command, values)
            wanted = json.loads(shown) if shown else {}
            if answer.is_success is (wanted.get("status") == answer.status_code):
                found.append(f"{command}: {answer.status_code} {answer.text}")
            if wanted:
                values["BULK"] = answer.json().get("bulk_id", values.get("BULK"))
                found += [f"{command}: {text}" for text in differences(wanted, answer.json())]

    assert found == []
    assert len(EXAMPLES) > 25


def test_the_answers_are_what_the_document_describes(reader: Client, acme: Organization, alice: User) -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    with acting_for(acme.pk):
        finding = factories.a_finding()
        factories.a_verdict(finding, "unsure")
        factories.a_finding(triage="ignored", triage_source="person", ignore_reason="no_time")
    base = "/api/v1/deployments/acme"
    addresses = {
        "/api/v1/deployments": "Deployments",
        f"{base}/findings?status=open&status=ignored": "Findings",
        f"{base}/findings/counts": "FacetCounts",
        f"{base}/findings/{finding.pk}": "FindingDetail",
        f"{base}/findings/{finding.pk}/activity": "Activity",
        f"{base}/projects": "Projects",
        f"{base}/scans": "Scans",
    }

    problems = []
    for address, shape in addresses.items():
        schema = {"$ref": f"#/components/schemas/{shape}", "components": document["components"]}
        problems += [
            f"{address}: {error.json_path} {error.message}"
            for error in OAS31Validator(schema).iter_errors(reader.get(address).json())
        ]

    assert problems == []
