"""The jobs to copy: each shows all four settings, on the page as in the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

DOCUMENT = (Path(settings.BASE_DIR) / "docs" / "ci.md").read_text()
FOUR = {"SEMGREP_URL", "SEMGREP_APP_TOKEN", "SEMGREP_FAIL_OPEN_URL", "--oss-only"}


@pytest.fixture
def jobs(bob: User, client_for: Callable[[User], Client]) -> list[str]:
    """What the page offers for copying, as a person sees it."""
    page = client_for(bob).get("/orgs/acme/ci/").content.decode()
    return [unescape(code).strip() for code in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)]


def test_every_job_of_semgrep_ci_shows_all_four_settings(jobs: list[str]) -> None:
    with_client = [job for job in jobs if "semgrep ci" in job]

    assert len(with_client) == 3
    assert [FOUR - {word for word in FOUR if word in job} for job in with_client] == [set()] * 3


def test_the_documentation_shows_the_same_jobs(jobs: list[str]) -> None:
    documented = [job.strip() for job in re.findall(r"```(?:yaml|sh)\n(.*?)```", DOCUMENT, re.DOTALL)]

    shown = [job.replace(settings.PUBLIC_URL, "https://assistant.example.org") for job in jobs]
    assert [job for job in shown if job not in documented] == []
