"""What a finding's page says of standards, of the rule's own fix and of quotes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from assistant_platform.templatetags.assistant import with_title
from findings.models import Finding
from tenancy.models import Organization
from tests import factories


@pytest.fixture
def page_of(alice: User, in_acme: Organization, client_for: Callable[[User], Client]) -> Callable[[Finding], str]:
    """Return a function that gives the page of a finding as Alice sees it."""
    return lambda finding: client_for(alice).get(f"/orgs/acme/findings/{finding.pk}/").content.decode()


@pytest.mark.parametrize(
    ("standard", "words"),
    [
        ("CWE-79", "CWE-79: Cross-site Scripting"),
        ("A03:2021", "A03:2021: Injection"),
        ("CWE-99999", "CWE-99999"),
        ("something else", "something else"),
    ],
)
def test_a_standard_is_shown_with_its_title_where_it_is_known(standard: str, words: str) -> None:
    assert with_title(standard) == words


@pytest.mark.parametrize(
    ("line", "columns", "replaced"),
    [
        ("session.verify = False", (18, 23), "False"),
        ("    cookie(name, secure=no)", (25, 27), "no"),
        ("load(text, Loader)", (1, 19), "load(text, Loader)"),
    ],
)
def test_the_rules_own_fix_says_what_it_replaces(
    page_of: Callable[[Finding], str], line: str, columns: tuple[int, int], replaced: str
) -> None:
    finding = factories.a_finding(matched_lines=line, rule_fix="better", start_column=columns[0], end_column=columns[1])

    page = page_of(finding)

    assert f"in the place of <code>{replaced}</code> on line 3" in page


def test_a_report_that_quotes_less_than_the_line_makes_nothing_up(page_of: Callable[[Finding], str]) -> None:
    finding = factories.a_finding(matched_lines="False", rule_fix="True", start_column=18, end_column=23)

    page = page_of(finding)

    assert "in the place of the match" in page


def test_guidance_on_a_likely_false_positive_does_not_call_it_real(page_of: Callable[[Finding], str]) -> None:
    finding = factories.a_finding()
    factories.a_verdict(finding, "false_positive")

    page = page_of(finding)

    assert "How to fix it, if it is real" in page
