"""The unmodified client against our server: what a team that changes four settings gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

import findings.services
import orgs.services
import rules.services
from events.kinds import SYSTEM
from findings.models import Finding, IgnoreReason, Scan, ScanState
from orgs.models import AssistantSettings
from orgs.permissions import Scope
from rules.models import Mode, Rule
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.system.ci_client import Checkout, checkout_in, our_server, rule, semgrep_ci

SHELL = "import subprocess\n\n\ndef run(name):\n    subprocess.call('ls ' + name, shell=True)\n"
FIXED = "import subprocess\n\n\ndef run(name):\n    subprocess.call(['ls', name])\n"


@pytest.fixture
def organization(committed: None) -> Iterator[Organization]:
    acme = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(acme.pk):
        yield acme


@pytest.fixture
def token(organization: Organization) -> str:
    maker = factories.a_person("alice@acme.example")
    return orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=maker, actor=SYSTEM)[1]


@pytest.fixture
def shell_rule(organization: Organization) -> Rule:
    made = a_rule("shell-true", "subprocess.call(..., shell=True)")
    rules.services.check_texts()
    return made


@pytest.fixture
def url(organization: Organization) -> Iterator[str]:
    """Workers are done before the client asks, which spares its pause of 5 s before it asks again."""
    with our_server(is_worked_off=True) as address:
        yield address


@pytest.fixture
def workerless_url(organization: Organization) -> Iterator[str]:
    with our_server(is_worked_off=False) as address:
        yield address


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return checkout_in(tmp_path / "shop")


def a_rule(identifier: str, pattern: str, mode: Mode = Mode.BLOCK) -> Rule:
    with transaction.atomic():
        return factories.a_rule(identifier, mode=mode, yaml=rule(identifier, pattern), languages=["python"])


def only_scan() -> Scan:
    with transaction.atomic():
        return Scan.objects.select_related("project").get()


def only_finding() -> Finding:
    with transaction.atomic():
        return Finding.objects.select_related("rule").get()


def test_a_full_scan_brings_findings_and_blocks(
    workerless_url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    commit = checkout.commit({"app/views.py": SHELL})

    ran = semgrep_ci(checkout, workerless_url, token, "--oss-only", works=True)

    scan, finding = only_scan(), only_finding()
    assert (ran.exit_code, "shell-true" in ran.output) == (1, True), ran.output
    assert (scan.state, scan.project.name, scan.branch, scan.commit) == (
        ScanState.SETTLED, "acme/shop", "main", commit,
    )  # fmt: skip
    assert (finding.rule, finding.path, finding.start_line, scan.blocking_count) == (shell_rule, "app/views.py", 5, 1)


def test_what_a_person_ignored_blocks_no_more(url: str, token: str, shell_rule: Rule, checkout: Checkout) -> None:
    checkout.commit({"app/views.py": SHELL})
    semgrep_ci(checkout, url, token, "--oss-only")
    with transaction.atomic():
        findings.services.ignore(
            finding=only_finding(), reason=IgnoreReason.ACCEPTABLE_RISK, comment="only we call it", actor=SYSTEM
        )

    again = semgrep_ci(checkout, url, token, "--oss-only")

    assert again.exit_code == 0, again.output


def test_without_a_worker_the_upload_itself_decides_at_the_bound(
    workerless_url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    with transaction.atomic():
        AssistantSettings.objects.update(verdict_wait_seconds=0)
    checkout.commit({"app/views.py": SHELL})

    ran = semgrep_ci(checkout, workerless_url, token, "--oss-only")

    assert (ran.exit_code, only_scan().state) == (1, ScanState.RECEIVED), ran.output


def test_a_rule_that_the_engine_refuses_is_not_delivered(
    url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    a_rule("broken", "subprocess.call(...", Mode.COMMENT)
    rules.services.check_texts()
    checkout.commit({"app/views.py": SHELL})

    ran = semgrep_ci(checkout, url, token, "--oss-only")

    with transaction.atomic():
        broken = Rule.objects.get(identifier="broken")
    assert (ran.exit_code, only_scan().state, broken.delivered) == (1, ScanState.SETTLED, ""), ran.output
    assert broken.objection


def test_without_oss_only_the_scan_says_what_is_missing(
    url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    checkout.commit({"app/views.py": SHELL})

    semgrep_ci(checkout, url, token)

    scan = only_scan()
    assert scan.state == ScanState.FAILED
    assert "--oss-only" in scan.failure


def test_a_pull_request_is_scanned_against_its_base(url: str, token: str, shell_rule: Rule, checkout: Checkout) -> None:
    base = checkout.commit({"app/old.py": SHELL})
    checkout.git("checkout", "--quiet", "-b", "feature")
    checkout.commit({"app/new.py": SHELL})

    semgrep_ci(checkout, url, token, "--oss-only", SEMGREP_BASELINE_REF=base, SEMGREP_PR_ID="12")

    scan, finding = only_scan(), only_finding()
    assert (scan.pull_request_id, scan.is_full, finding.path, finding.is_production) == (
        "12",
        False,
        "app/new.py",
        False,
    )


def test_a_finding_that_a_full_scan_no_longer_reports_is_fixed(
    url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    checkout.commit({"app/views.py": SHELL})
    semgrep_ci(checkout, url, token, "--oss-only")
    checkout.commit({"app/views.py": FIXED})

    ran = semgrep_ci(checkout, url, token, "--oss-only")

    assert (ran.exit_code, only_finding().is_present) == (0, False), ran.output


def test_a_dry_run_leaves_nothing_behind(url: str, token: str, shell_rule: Rule, checkout: Checkout) -> None:
    checkout.commit({"app/views.py": SHELL})

    ran = semgrep_ci(checkout, url, token, "--oss-only", "--dry-run")

    with transaction.atomic():
        assert (Scan.objects.count(), "shell-true" in ran.output) == (0, True), ran.output


def test_a_wrong_token_is_refused_in_words(url: str, shell_rule: Rule, checkout: Checkout) -> None:
    checkout.commit({"app/views.py": SHELL})

    ran = semgrep_ci(checkout, url, "0" * 64, "--oss-only", "--no-suppress-errors")

    assert (ran.exit_code, "API" in ran.output) == (13, True), ran.output


def test_nosemgrep_is_ignored_with_the_comment_as_its_reason(
    url: str, token: str, shell_rule: Rule, checkout: Checkout
) -> None:
    checkout.commit({"app/views.py": SHELL.replace("True)", "True)  # nosemgrep")})

    ran = semgrep_ci(checkout, url, token, "--oss-only")

    assert (ran.exit_code, only_finding().triage) == (0, "ignored"), ran.output
