"""The client as GitHub Actions and GitLab CI run it, on a pull and a merge request, and `semgrep login`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

import orgs.services
import rules.services
from events.kinds import SYSTEM
from findings.models import Finding, Scan
from orgs.permissions import Scope
from rules.models import Mode
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.system.ci_client import SEMGREP, Checkout, checkout_in, our_server, rule, semgrep_ci

SHELL = "import subprocess\n\n\ndef run(name):\n    subprocess.call('ls ' + name, shell=True)\n"


@pytest.fixture
def organization(committed: None) -> Iterator[Organization]:
    acme = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(acme.pk):
        with transaction.atomic():
            factories.a_rule("shell-true", mode=Mode.BLOCK, yaml=rule("shell-true", "subprocess.call(..., shell=True)"))
        rules.services.check_texts()
        yield acme


@pytest.fixture
def token(organization: Organization) -> str:
    maker = factories.a_person("alice@acme.example")
    return orgs.services.create_token(name="CI", scopes=[Scope.CI], created_by=maker, actor=SYSTEM)[1]


@pytest.fixture
def url(organization: Organization) -> Iterator[str]:
    with our_server(is_worked_off=True) as address:
        yield address


@pytest.fixture
def branch(tmp_path: Path) -> Checkout:
    """A checkout of a branch with one new finding, cloned from an origin that has `main` with an old one."""
    origin = checkout_in(tmp_path / "origin")
    origin.commit({"app/old.py": SHELL})
    checkout = checkout_in(tmp_path / "shop")
    checkout.git("remote", "set-url", "origin", str(origin.folder))
    checkout.git("fetch", "--quiet", "origin", "main")
    checkout.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
    checkout.git("checkout", "--quiet", "-b", "feature")
    checkout.commit({"app/new.py": SHELL})
    checkout.git("push", "--quiet", "origin", "feature")
    return checkout


def the_scan() -> Scan:
    with transaction.atomic():
        return Scan.objects.select_related("project").get()


def paths_found() -> list[str]:
    with transaction.atomic():
        return list(Finding.objects.values_list("path", flat=True))


def test_a_pull_request_of_github_actions(url: str, token: str, branch: Checkout) -> None:
    head, base = branch.git("rev-parse", "feature"), branch.git("rev-parse", "main")
    event = branch.folder.parent / "event.json"
    event.write_text(
        json.dumps(
            {
                "pull_request": {
                    "number": 12,
                    "title": "Add a listing",
                    "user": {"login": "octo", "avatar_url": "https://avatars.example/octo"},
                    "head": {"sha": head, "ref": "feature"},
                    "base": {"sha": base, "ref": "main"},
                },
                "sender": {"login": "octo", "avatar_url": "https://avatars.example/octo"},
            }
        )
    )

    ran = semgrep_ci(
        branch, url, token, "--oss-only",
        SEMGREP_REPO_NAME="", GITHUB_ACTIONS="true", GITHUB_EVENT_NAME="pull_request", GITHUB_EVENT_PATH=str(event),
        GITHUB_REPOSITORY="acme/shop", GITHUB_SERVER_URL="https://github.example", GITHUB_RUN_ID="555",
        GITHUB_REF="refs/pull/12/merge", GITHUB_SHA=head, GITHUB_API_URL="http://127.0.0.1:1",
    )  # fmt: skip

    assert ran.exit_code == 1, ran.output
    scan = the_scan()
    assert (scan.project.name, scan.pull_request_id, scan.branch, scan.commit) == ("acme/shop", "12", "", head)
    assert (paths_found(), scan.is_full, scan.ci["ci_job_url"]) == (
        ["app/new.py"], False, "https://github.example/acme/shop/actions/runs/555",
    )  # fmt: skip


def test_a_merge_request_of_gitlab_ci(url: str, token: str, branch: Checkout) -> None:
    head, base = branch.git("rev-parse", "feature"), branch.git("rev-parse", "main")

    ran = semgrep_ci(
        branch, url, token, "--oss-only",
        SEMGREP_REPO_NAME="", GITLAB_CI="true", CI_PIPELINE_SOURCE="merge_request_event", CI_PROJECT_PATH="acme/shop",
        CI_PROJECT_URL="https://gitlab.example/acme/shop", CI_COMMIT_SHA=head, CI_MERGE_REQUEST_IID="7",
        CI_MERGE_REQUEST_TITLE="Add a listing", CI_MERGE_REQUEST_SOURCE_BRANCH_NAME="feature",
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main", CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
        CI_MERGE_REQUEST_PROJECT_URL="https://gitlab.example/acme/shop", CI_JOB_TOKEN="job",
        CI_JOB_URL="https://gitlab.example/acme/shop/-/jobs/9",
        # The client fetches the base from the host, which here is a folder.
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=f"url.{branch.folder.parent / 'origin'}.insteadOf",
        GIT_CONFIG_VALUE_0="https://gitlab-ci-token:job@gitlab.example/acme/shop",
    )  # fmt: skip

    assert ran.exit_code == 1, ran.output
    scan = the_scan()
    assert (scan.project.name, scan.pull_request_id, scan.is_full, paths_found()) == (
        "acme/shop", "7", False, ["app/new.py"],
    )  # fmt: skip


def test_semgrep_login_proves_a_token_here(url: str, token: str, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yml"
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SEMGREP_SETTINGS_FILE": str(settings),
        "SEMGREP_URL": url,
        "SEMGREP_APP_TOKEN": token,
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
    }

    done = subprocess.run([str(SEMGREP), "login"], env=told, capture_output=True, text=True, check=False)

    assert (done.returncode, token in settings.read_text()) == (0, True), done.stderr
