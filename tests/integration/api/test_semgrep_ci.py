"""The calls of `semgrep ci` one by one: what is kept, what is answered, and what a client may send wrong."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import findings.services
import orgs.selectors
import orgs.services
from assistant_platform import cli_tokens
from events.draining import drain
from events.kinds import SYSTEM
from events.models import Job
from findings.models import Finding, Scan, ScanState
from orgs.models import ApiToken, AssistantSettings, Project
from orgs.permissions import Scope
from rules.models import Mode, PolicySettings, RuleOverride
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

FINDING = {
    "check_id": "shell-true",
    "path": "app/views.py",
    "line": 5,
    "column": 5,
    "end_line": 5,
    "end_column": 30,
    "message": "a shell",
    "severity": 2,
    "index": 0,
    "match_based_id": "a" * 128 + "_0",
    "metadata": {"category": "security"},
    "hashes": {"code_hash": "c" * 64},
}


class SemgrepClient:
    """Speaks the client's protocol with one token."""

    def __init__(self, token: str) -> None:
        self.browser = Client()
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: object) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body)
        return self.browser.post(path, content, content_type="application/json", headers=self.headers)

    def get(self, path: str) -> Any:
        return self.browser.get(path, headers=self.headers)

    def start(self, client_id: uuid.UUID | None = None, **metadata: Any) -> Any:
        said = {
            "repo_display_name": "acme/shop",
            "branch": "main",
            "commit": "c" * 40,
            "is_full_scan": True,
            **metadata,
        }
        scan = {"unique_id": str(client_id or uuid.uuid4()), "cli_version": "1.182.0"}
        return self.post("/api/cli/v2/scans", {"project_metadata": said, "scan_metadata": scan})

    def scan(self, *found: dict[str, Any], **metadata: Any) -> int:
        """Start a scan and send its results; returns our id."""
        scan_id: int = self.start(**metadata).json()["info"]["id"]
        self.results(scan_id, *found)
        return scan_id

    def results(self, scan_id: int, *found: dict[str, Any], **lists: list[object]) -> Any:
        paths = sorted({finding["path"] for finding in found}) or ["app/views.py"]
        body = {"findings": list(found), "ignores": [], "searched_paths": paths, "rule_ids": ["shell-true"], **lists}
        return self.post(f"/api/agent/scans/{scan_id}/results", {**body, "renamed_paths": [], "skipped_paths": []})

    def complete(self, scan_id: int, **said: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(f"/api/agent/scans/{scan_id}/complete", {"exit_code": 0, **said}).json()
        return answer


@pytest.fixture
def client(in_acme: Organization, alice: User) -> SemgrepClient:
    token = orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=alice, actor=SYSTEM)[1]
    return SemgrepClient(token)


def test_the_same_scan_announced_twice_is_one(client: SemgrepClient) -> None:
    client_id = uuid.uuid4()

    first, second = client.start(client_id).json(), client.start(client_id).json()

    assert first == second
    assert Scan.objects.count() == 1


def test_the_same_results_twice_are_kept_once(client: SemgrepClient) -> None:
    scan_id = client.scan(FINDING)

    again = client.results(scan_id, FINDING)

    assert again.json() == {"errors": []}
    assert Job.objects.filter(task="findings.tasks.ingest_scan").count() == 1


@pytest.mark.parametrize(
    ("said", "branch", "pull_request"),
    [
        ({"branch": "refs/heads/main"}, "main", ""),
        ({"branch": "feature/x"}, "feature/x", ""),
        ({"branch": "refs/pull/12/merge", "pull_request_id": "12"}, "", "12"),
        ({"branch": "refs/pull/12/merge"}, "", "12"),
        ({"branch": "feature", "pull_request_id": 7}, "feature", "7"),
        ({"branch": None}, "", ""),
    ],
)
def test_branches_are_called_as_people_call_them(
    client: SemgrepClient, said: dict[str, Any], branch: str, pull_request: str
) -> None:
    scan_id = client.start(**said).json()["info"]["id"]

    scan = Scan.objects.get(pk=scan_id)
    assert (scan.branch, scan.pull_request_id) == (branch, pull_request)


def test_rules_are_delivered_by_the_project_s_mode_and_block_only_here(client: SemgrepClient) -> None:
    delivered = json.dumps({"id": "x", "metadata": {"dev.semgrep.actions": []}})
    on = factories.a_rule("on", mode=Mode.BLOCK, delivered=delivered)
    factories.a_rule("off", mode=Mode.DISABLED, delivered=delivered)
    here_off = factories.a_rule("here-off", mode=Mode.COMMENT, delivered=delivered)
    factories.a_rule("without-text", mode=Mode.BLOCK)
    client_id = uuid.uuid4()
    client.start(client_id)
    RuleOverride.objects.create(project=Project.objects.get(), rule=here_off, mode=Mode.DISABLED)

    answer = client.get(f"/api/cli/v2/scans/{client_id}/config").json()

    assert (answer["status"], answer["config"]["rules"]["rules"]) == ("success", [json.loads(on.delivered)])


def test_ignored_paths_are_told_as_the_pairs_that_the_client_reads(client: SemgrepClient) -> None:
    PolicySettings.objects.create(ignored_paths="vendor/\n\n*.min.js")
    client_id = uuid.uuid4()
    client.start(client_id)
    Project.objects.update(ignored_paths="legacy/")

    answer = client.get(f"/api/cli/v2/scans/{client_id}/config").json()

    assert answer["engine_params"] == {"product_ignored_files": [["sast", ["vendor/", "*.min.js", "legacy/"]]]}


def test_an_older_client_gets_all_in_one_answer(client: SemgrepClient) -> None:
    rule = factories.a_rule("on", delivered=json.dumps({"id": "on"}))

    answer = client.post("/api/cli/scans", {"meta": {}, "project_metadata": {"repo_display_name": "acme/shop"}}).json()

    assert answer["config"]["rules"]["rules"] == [json.loads(rule.delivered)]
    assert (answer["info"]["deployment_name"], answer["engine_params"]) == ("acme", {})


def test_completion_waits_for_the_findings_and_then_names_what_blocks(client: SemgrepClient) -> None:
    factories.a_rule("shell-true", mode=Mode.BLOCK)
    scan_id = client.scan(FINDING)

    before = client.complete(scan_id)
    drain()
    after = client.complete(scan_id)

    assert before == {"success": False}
    assert (after["success"], after["app_block_override"]) == (True, True)
    assert after["app_blocking_match_based_ids"] == [FINDING["match_based_id"]]
    assert "shell-true" in after["app_block_reason"]


def test_a_rule_that_only_comments_blocks_nothing(client: SemgrepClient) -> None:
    factories.a_rule("shell-true", mode=Mode.COMMENT)
    scan_id = client.scan(FINDING)
    drain()

    assert client.complete(scan_id)["app_block_override"] is False


def test_the_last_try_of_a_client_gets_an_answer(client: SemgrepClient) -> None:
    factories.a_rule("shell-true", mode=Mode.BLOCK)
    scan_id = client.scan(FINDING)

    assert client.complete(scan_id, final_attempt=True)["app_block_override"] is True


def test_results_of_which_none_can_be_used_block_nothing_and_say_so(client: SemgrepClient) -> None:
    scan_id = client.scan({"check_id": "shell-true", "path": "../../etc/passwd"})
    drain()

    answer = client.complete(scan_id)

    scan = Scan.objects.get()
    assert (answer["success"], answer["app_block_override"]) == (True, False)
    assert (scan.state, "could be used" in scan.failure) == (ScanState.FAILED, True)


def test_the_bound_counts_from_the_first_completion(client: SemgrepClient) -> None:
    AssistantSettings.objects.update(verdict_wait_seconds=60)
    scan_id = client.scan(FINDING)
    client.complete(scan_id)
    Scan.objects.update(completed_at=timezone.now() - timedelta(seconds=61))

    assert client.complete(scan_id)["success"] is True


def test_a_client_that_fails_is_shown_with_what_it_said(client: SemgrepClient) -> None:
    scan_id = client.start().json()["info"]["id"]

    client.post(f"/api/agent/scans/{scan_id}/error", {"exit_code": 7, "stderr": "bad rule"})

    scan = Scan.objects.get()
    assert (scan.state, "bad rule" in scan.failure) == (ScanState.FAILED, True)


@pytest.mark.parametrize(
    ("steps", "state", "word"),
    [
        ("", ScanState.FAILED, "never fetched its rules"),
        ("config", ScanState.FAILED, "--oss-only"),
        ("config results", ScanState.SETTLED, "never said that it was done"),
    ],
)
def test_a_scan_without_an_end_says_so(client: SemgrepClient, steps: str, state: ScanState, word: str) -> None:
    client_id = uuid.uuid4()
    scan_id = client.start(client_id).json()["info"]["id"]
    [client.get(f"/api/cli/v2/scans/{client_id}/config") for step in steps.split() if step == "config"]
    [client.results(scan_id) for step in steps.split() if step == "results"]
    drain()

    findings.services.give_up_on_client(scan_id=scan_id)

    scan = Scan.objects.get()
    assert (scan.state, word in scan.failure) == (state, True)


def test_results_that_come_after_all_count(client: SemgrepClient) -> None:
    scan_id = client.start().json()["info"]["id"]
    findings.services.give_up_on_client(scan_id=scan_id)

    client.results(scan_id, FINDING)
    drain()

    assert (Scan.objects.get().failure, Finding.objects.count()) == ("", 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/cli/v2/scans", b"{"),
        ("/api/cli/v2/scans", {"scan_metadata": {"unique_id": "no uuid"}}),
        ("/api/cli/v2/scans", {"project_metadata": []}),
        ("/api/agent/scans/{scan}/results", b'{"findings": ['),
        ("/api/agent/scans/{scan}/results", {"results": [], "errors": [], "paths": {}}),
        ("/api/agent/scans/{scan}/complete", {"exit_code": "many"}),
    ],
)
def test_what_no_client_sends_is_refused_in_words(client: SemgrepClient, path: str, body: object) -> None:
    scan_id = client.start().json()["info"]["id"]

    answer = client.post(path.format(scan=scan_id), body)

    assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)


def test_another_organizations_scan_is_not_there(client: SemgrepClient, charlie: User) -> None:
    scan_id = client.scan(FINDING)
    [umbrella] = orgs.selectors.memberships_of(charlie.pk)
    with acting_for(umbrella.organization_id):
        token = orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=charlie, actor=SYSTEM)[1]
    stranger = SemgrepClient(token)

    answers = [stranger.post(f"/api/agent/scans/{scan_id}/{step}", {}) for step in ("results", "complete", "error")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_a_login_leaves_its_token_for_the_waiting_client_once(
    client: SemgrepClient, alice: User, client_for: Any
) -> None:
    key = str(uuid.uuid4())
    asked = {"token_request_key": key}
    early = client.browser.post("/api/agent/tokens/requests", asked, content_type="application/json")

    client_for(alice).post("/login", {"cli-token": key, "organization": "acme"})
    token = client.browser.post("/api/agent/tokens/requests", asked, content_type="application/json").json()["token"]
    late = client.browser.post("/api/agent/tokens/requests", asked, content_type="application/json")

    assert (early.status_code, late.status_code, len(token)) == (404, 404, 64)
    assert SemgrepClient(token).get("/api/agent/deployments/current").json()["deployment"]["name"] == "acme"


def test_a_member_cannot_let_a_client_in(in_acme: Organization, bob: User, client_for: Any) -> None:
    key = str(uuid.uuid4())

    page = client_for(bob).post("/login", {"cli-token": key, "organization": "acme"})

    assert (page.status_code, "Admin" in page.content.decode()) == (403, True)
    assert (cli_tokens.fetch(key), ApiToken.objects.filter(name="semgrep login").count()) == (None, 0)


def test_who_lacks_the_second_factor_that_is_asked_for_lets_no_client_in(
    in_acme: Organization, alice: User, client_for: Any
) -> None:
    Organization.objects.filter(pk=in_acme.pk).update(requires_second_factor=True)
    key = str(uuid.uuid4())

    page = client_for(alice).post("/login", {"cli-token": key, "organization": "acme"})

    assert (page.status_code, page.headers["Location"]) == (302, "/accounts/second-factor/")
    assert (cli_tokens.fetch(key), ApiToken.objects.filter(name="semgrep login").count()) == (None, 0)


def test_what_a_failed_client_says_is_kept_whatever_is_in_it(client: SemgrepClient) -> None:
    scan = client.start().json()["info"]["id"]

    answer = client.post(f"/api/agent/scans/{scan}/error", {"exit_code": 2, "stderr": "broken\0pipe"})

    assert answer.status_code == 200
    assert Scan.objects.get(pk=scan).failure.endswith("It said: broken pipe")


def test_the_link_that_the_client_prints_leads_to_the_findings(
    client: SemgrepClient, alice: User, client_for: Any
) -> None:
    client.scan(FINDING, branch="refs/pull/12/merge", pull_request_id="12", is_full_scan=False)
    drain()

    page = client_for(alice).get("/orgs/acme/findings?repo=acme/shop&ref=refs/pull/12/merge", follow=True)

    assert (page.status_code, "app/views.py" in page.content.decode()) == (200, True)
