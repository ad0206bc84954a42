"""What a CI job waits for: each call of `semgrep ci`, with 2,000 rules and 10,000 findings."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from bench.measure import seconds_of, summary
from bench.platform import new_organization

if TYPE_CHECKING:
    from django.test import Client

RULES = 2_000
FINDINGS = 10_000
RUNS = 5
TARGET_SECONDS = {"create": 0.05, "config": 0.05, "results": 2.0, "results_visible": 5.0, "complete": 0.1}


def bench() -> dict[str, Any]:
    """Measure each call through the whole web application, without a network."""
    call = _Caller()
    call.scan()  # the first pays for imports of Python's
    figures = [call.scan() for _ in range(RUNS)]
    return {
        **{f"{name}_seconds": summary([figure[name] for figure in figures], digits=4) for name in figures[0]},
        "target_seconds": TARGET_SECONDS,
        "rules": RULES,
        "findings": FINDINGS,
        "upload_mb": round(len(call.results) / 1024**2, 1),
        "config_mb": round(call.config_bytes / 1024**2, 1),
    }


class _Caller:
    """A client with an organization of its own, whose rules are there and checked."""

    def __init__(self) -> None:
        from django.test import Client  # noqa: PLC0415  (Django is loaded by then)

        import orgs.services  # noqa: PLC0415
        from events.kinds import SYSTEM  # noqa: PLC0415
        from orgs.permissions import Scope  # noqa: PLC0415
        from tenancy.scope import acting_for  # noqa: PLC0415

        self.organization = new_organization()
        self.client: Client = Client()
        maker = orgs.services.person("ci@example.org")
        with acting_for(self.organization.pk):
            _, token = orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=maker, actor=SYSTEM)
            _make_rules()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.results = json.dumps(_results()).encode()
        self.config_bytes = 0

    def scan(self) -> dict[str, float]:
        """Run one scan of a new project, and return the seconds that each call took."""
        from tenancy.scope import acting_for  # noqa: PLC0415  (Django is loaded by then)

        client_id = uuid.uuid4()
        name = f"acme/{secrets.token_hex(4)}"
        new = {
            "project_metadata": {"repo_display_name": name, "branch": "main", "commit": "c" * 40, "is_full_scan": True},
            "scan_metadata": {"unique_id": str(client_id), "cli_version": "1.182.0"},
        }
        answers: dict[str, Any] = {}

        def call(step: str, path: str, body: bytes | None = None) -> None:
            if body is None:
                answer = self.client.get(path, headers=self.headers)
            else:
                answer = self.client.post(path, body, content_type="application/json", headers=self.headers)
            assert answer.status_code == 200, answer.content
            answers[step] = answer

        seconds = {"create": seconds_of(lambda: call("create", "/api/cli/v2/scans", json.dumps(new).encode()))}
        scan_id = answers["create"].json()["info"]["id"]
        seconds["config"] = seconds_of(lambda: call("config", f"/api/cli/v2/scans/{client_id}/config"))
        self.config_bytes = len(answers["config"].content)
        here = f"/api/agent/scans/{scan_id}"
        seconds["results"] = seconds_of(lambda: call("results", f"{here}/results", self.results))
        seconds["complete"] = seconds_of(lambda: call("complete", f"{here}/complete", b'{"exit_code": 0}'))
        with acting_for(self.organization.pk):
            seconds["results_visible"] = seconds["results"] + seconds_of(lambda: _ingest(scan_id))
        return seconds


def _ingest(scan_id: int) -> None:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import findings.services  # noqa: PLC0415
    from findings.models import Scan  # noqa: PLC0415

    with transaction.atomic():
        scan = Scan.objects.select_related("project").get(pk=scan_id)
    findings.services.ingest_scan(scan=scan)


def _make_rules() -> None:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)
    from django.utils import timezone  # noqa: PLC0415

    from rules import delivery  # noqa: PLC0415
    from rules.models import Rule  # noqa: PLC0415

    with transaction.atomic():
        for number in range(RULES):
            identifier = f"bench.rule-{number}"
            text = {
                "id": identifier,
                "languages": ["python"],
                "severity": "WARNING",
                "message": "A rule of the usual size: what is wrong, why, and what to do. " * 8,
                "metadata": {"category": "security", "cwe": ["CWE-79: Cross-site Scripting"], "confidence": "HIGH"},
                "patterns": [{"pattern": f"call_{number}($X, ...)"}, {"pattern-not": f'call_{number}("...", ...)'}] * 3,
            }
            rule = Rule(identifier=identifier, yaml=json.dumps({"rules": [text]}), checked_at=timezone.now())
            rule.delivered = delivery.as_delivered(rule)
            rule.save()


def _results() -> dict[str, Any]:
    numbers = random.Random(1)
    findings: list[dict[str, Any]] = []
    for number in range(FINDINGS):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        line = 1 + number % 500
        findings.append(
            {
                "check_id": f"bench.rule-{numbers.randrange(RULES)}",
                "path": f"src/module_{number // 20}.py",
                "line": line,
                "column": 5,
                "end_line": line,
                "end_column": 60,
                "message": "A message with the matched name in it, and what to do about it. " * 3,
                "severity": 1,
                "index": 0,
                "commit_date": "2026-11-21T19:25:23",
                "is_blocking": False,
                "syntactic_id": digest[:32],
                "match_based_id": f"{digest}{digest}_0",
                "metadata": {"category": "security", "cwe": ["CWE-79: Cross-site Scripting"], "confidence": "HIGH"},
                "hashes": dict.fromkeys(("start_line_hash", "end_line_hash", "code_hash", "pattern_hash"), digest),
                "validation_state": "NO_VALIDATOR",
                "engine_kind": "OSS",
            }
        )
    paths = sorted({finding["path"] for finding in findings})
    lists: dict[str, list[str]] = {"ignores": [], "renamed_paths": [], "skipped_paths": [], "contributions": []}
    rules = [f"bench.rule-{number}" for number in range(RULES)]
    return {"findings": findings, "searched_paths": paths, "rule_ids": rules, **lists}
