"""What the noise filter held back: reviewed on the pre-production backlog, and explained on each finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

import findings.services
from findings.models import Finding, Presence, Triage
from notifications.deciding import Reason
from notifications.explaining import WORDS, WORDS_OF_UNDECIDED, Undecided, answers_about
from notifications.models import Comment, CommentDecision, Outcome
from orgs.permissions import Role
from rules.models import Severity
from scm.models import PullRequest
from tenancy.models import Organization
from tests import factories
from triage.models import Feedback

ClientFor = Callable[[User], Client]
LIST = "/orgs/acme/findings/"
PRE_PRODUCTION = f"{LIST}?backlog=pre_production"


@pytest.fixture(autouse=True)
def _no_counts_of_before() -> None:
    cache.clear()


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def in_pull_request(path: str, *, state: str = "settled", **fields: Any) -> Finding:
    scan = factories.a_scan(pull_request_id="7", branch="", is_full=False, state=state)
    return factories.a_finding(scan=scan, path=path, is_production=False, **fields)


@pytest.fixture
def held(in_acme: Organization) -> Finding:
    finding = in_pull_request("held.py", severity=Severity.LOW)
    factories.a_verdict(finding, "false_positive", explanation="The value is a constant.")
    findings.services.hold_back(project=finding.project, ref="pull/7", finding_ids=[finding.pk])
    return finding


def paths(page: str) -> list[str]:
    return [
        line.split('<code class="place">')[1].split(":")[0] for line in page.splitlines() if 'class="place"' in line
    ]


def is_held_back(finding: Finding) -> bool:
    return Presence.objects.filter(finding=finding, held_back=True).exists()


def decided(finding: Finding, outcome: Outcome, reason: Reason | str, *, number: str = "7") -> CommentDecision:
    pull_request = PullRequest.objects.create(
        project=finding.project, number=number, title="Search orders", web_url=f"https://git.example/{number}"
    )
    comment = Comment.objects.create(
        pull_request=pull_request, key=f"finding-{finding.pk}", web_url="https://git.example/7#c1"
    )
    return CommentDecision.objects.create(
        pull_request=pull_request,
        finding=finding,
        comment=comment if outcome in {Outcome.COMMENTED, Outcome.WITH_NOTICE} else None,
        outcome=outcome,
        reason=reason,
    )


# --- The pre-production backlog ---------------------------------------------------------------------------------------


def test_what_was_held_back_comes_first_with_its_reason(browser: Client, held: Finding) -> None:
    in_pull_request("worse.py", severity=Severity.CRITICAL)
    factories.a_finding(path="on_main.py", severity=Severity.CRITICAL)

    page = browser.get(PRE_PRODUCTION).content.decode()

    assert paths(page) == ["held.py", "worse.py"]
    assert "Held back</span>" in page
    assert "The value is a constant." in page
    assert '<span class="tab-count">1' in page


def test_nothing_is_listed_twice_on_the_pages_that_follow(browser: Client, held: Finding) -> None:
    others = [in_pull_request(f"other{number}.py", severity=Severity.HIGH) for number in range(51)]

    first = browser.get(PRE_PRODUCTION).content.decode()
    cursor = f"{Severity.HIGH.value}-{others[1].pk}"
    second = browser.get(f"{PRE_PRODUCTION}&after={cursor}").content.decode()

    assert (len(paths(first)), paths(second)) == (51, ["other0.py"])


def test_the_filter_shows_only_those_held_back_where_they_still_are(browser: Client, held: Finding) -> None:
    gone = in_pull_request("gone.py")
    findings.services.hold_back(project=gone.project, ref="pull/7", finding_ids=[held.pk, gone.pk])
    gone.presences.update(state="fixed")
    in_pull_request("other.py")

    page = browser.get(f"{LIST}?held=yes").content.decode()

    assert paths(page) == ["held.py"]


def test_the_facet_tells_how_many_there_are(browser: Client, held: Finding) -> None:
    page = browser.get(f"{LIST}filters/").content.decode()

    assert 'name="held" value="yes"' in page
    assert page.split('name="held"')[1].split('class="facet-count">')[1].startswith("1<")


def test_agreeing_closes_it_and_can_be_taken_back(browser: Client, held: Finding) -> None:
    address = f"{LIST}{held.pk}/feedback/"

    answered = browser.post(address, {"agrees": "yes", "next": PRE_PRODUCTION}, follow=True).content.decode()
    held.refresh_from_db()
    after_agreeing = (held.triage, held.ignore_reason, paths(answered))
    browser.post(f"{address}undo/", {"next": PRE_PRODUCTION})

    held.refresh_from_db()
    assert after_agreeing == (Triage.IGNORED, "false_positive", [])
    assert f'action="{address}undo/"' in answered
    assert (held.triage, Feedback.objects.count(), is_held_back(held)) == (Triage.OPEN, 0, True)


def test_disagreeing_leaves_it_open_and_takes_the_mark_away(browser: Client, held: Finding) -> None:
    page = browser.post(
        f"{LIST}{held.pk}/feedback/", {"agrees": "no", "from": "row", "next": PRE_PRODUCTION}, HTTP_HX_REQUEST="true"
    ).content.decode()

    held.refresh_from_db()
    assert (held.triage, is_held_back(held)) == (Triage.OPEN, False)
    assert "its comment is posted after all" in page


def test_nothing_said_is_nothing_to_take_back(browser: Client, held: Finding) -> None:
    page = browser.post(f"{LIST}{held.pk}/feedback/undo/", {"next": PRE_PRODUCTION}, follow=True).content.decode()

    assert "There is nothing to take back" in page


def test_taking_back_opens_nothing_that_somebody_ignored_for_another_reason(browser: Client, held: Finding) -> None:
    browser.post(f"{LIST}{held.pk}/feedback/", {"agrees": "yes"})
    browser.post(f"{LIST}{held.pk}/ignore/", {"reason": "acceptable_risk", "comment": ""})

    browser.post(f"{LIST}{held.pk}/feedback/undo/")

    held.refresh_from_db()
    assert (held.triage, held.ignore_reason) == (Triage.IGNORED, "acceptable_risk")


# --- Why was this commented on, or not? -------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    assert WORDS[reason].because.endswith(".")
    assert WORDS[reason].otherwise == "" or WORDS[reason].otherwise.endswith(".")


def test_every_want_of_a_decision_has_words() -> None:
    assert set(WORDS_OF_UNDECIDED) == set(Undecided)


def test_a_decision_is_told_with_what_to_change_and_the_comment(browser: Client, held: Finding) -> None:
    decided(held, Outcome.COMMENTED, Reason.BLOCKS)

    page = browser.get(f"{LIST}{held.pk}/").content.decode()

    assert "#7 Search orders" in page
    assert WORDS[Reason.BLOCKS].because in page
    assert f'href="/orgs/acme/rules/{held.rule_id}/"' in page.split('id="comments"')[1]
    assert 'href="https://git.example/7#c1"' in page


def test_an_address_that_no_browser_should_open_is_no_link(browser: Client, held: Finding) -> None:
    decided(held, Outcome.COMMENTED, Reason.TRUE_POSITIVE)
    for model in (PullRequest, Comment):
        model.objects.update(web_url="javascript:alert(1)")

    page = browser.get(f"{LIST}{held.pk}/").content.decode()

    assert "Search orders" in page
    assert "javascript:" not in page


def test_whoever_may_not_change_it_gets_the_words_without_the_link(
    held: Finding, acme: Organization, client_for: ClientFor
) -> None:
    reader = factories.a_person("reader@example.com")
    factories.a_member(reader, Role.READ_ONLY)
    decided(held, Outcome.NOT_COMMENTED, Reason.RULE_MONITORS)

    page = client_for(reader).get(f"{LIST}{held.pk}/").content.decode().split('id="comments"')[1].split("</section>")[0]

    assert "Set it to Comment or Block under Rules." in page
    assert "/rules/" not in page


def test_each_pull_request_has_its_own_answer(held: Finding) -> None:
    decided(held, Outcome.HELD_BACK, Reason.LIKELY_FALSE_POSITIVE)
    decided(held, Outcome.NOT_COMMENTED, Reason.NOT_NEW, number="9")

    assert [(answer.number, answer.reason) for answer in answers_about(held)] == [
        ("9", "not_new"),
        ("7", "likely_false_positive"),
    ]


def test_a_reason_of_another_version_is_still_told(held: Finding) -> None:
    decided(held, Outcome.NOT_COMMENTED, "too_wet")

    assert "too_wet" in answers_about(held)[0].words.because


def test_without_a_code_host_the_answer_says_so_and_where_to_connect_one(browser: Client, held: Finding) -> None:
    page = browser.get(f"{LIST}{held.pk}/").content.decode()

    assert [answer.reason for answer in answers_about(held)] == ["not_connected"]
    assert 'href="/orgs/acme/settings/code-hosts/"' in page.split('id="comments"')[1].split("</section>")[0]


def connected(finding: Finding) -> None:
    factories.a_repository(factories.a_code_host(), project=finding.project)


@pytest.mark.parametrize(
    ("state", "presence", "reason"),
    [("ingested", "present", "scan_under_way"), ("settled", "present", "not_yet"), ("settled", "fixed", "gone")],
)
def test_where_nothing_was_decided_yet_the_answer_says_why(
    in_acme: Organization, state: str, presence: str, reason: str
) -> None:
    finding = in_pull_request("new.py", state=state)
    finding.presences.update(state=presence)
    connected(finding)

    assert [answer.reason for answer in answers_about(finding)] == [reason]


def test_on_branches_only_the_answer_says_that_comments_go_to_pull_requests(in_acme: Organization) -> None:
    finding = factories.a_finding()
    before = [answer.reason for answer in answers_about(finding)]
    connected(finding)

    after = [answer.reason for answer in answers_about(finding)]

    assert (before, after) == (["no_pull_request", "not_connected"], ["no_pull_request"])


# --- The second look --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"second_vote": "false_positive", "second_explanation": "Nobody can."},
            ["A second look agreed.", "Nobody can."],
        ),
        ({"second_vote": "unsure", "second_explanation": "Perhaps."}, ["A second look disagreed.", "Perhaps."]),
        ({"second_missing_because": "The budget is used up."}, ["There was no second look,", "The budget is used up."]),
    ],
)
def test_the_page_tells_what_a_second_look_came_to(
    browser: Client, held: Finding, fields: dict[str, str], words: list[str]
) -> None:
    value = "unsure" if fields.get("second_vote") == "unsure" else "false_positive"
    factories.a_verdict(held, value, created_at=timezone.now(), **fields)

    page = browser.get(f"{LIST}{held.pk}/").content.decode()

    assert [word for word in words if word not in page] == []
