"""What is told of findings in a pull request comes from their rows: verdict, guidance, fix, decisions and settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import DjangoAssertNumQueries

import findings.services
import orgs.services
from events.kinds import SYSTEM, Actor, ActorKind
from findings.models import Finding, IgnoreReason, Presence, PresenceState, Triage
from lib.diffs import unified_diff
from notifications.marker import read_marker
from notifications.messages import CommentPlace, FindingComment, GroupComment, Replies, Standing
from notifications.rendering import render_comment, render_status
from notifications.selectors import finding_comments, group_comment, key_of_finding, status_report
from remediation.models import Autofix, Guidance
from scm.adapters.values import StatusState
from scm.models import PullRequest, Repository
from tests import factories
from tests.vendors.memory_host import MemoryHost, a_code_host, a_repository
from triage.models import Source

OCTOCAT = Actor(ActorKind.SCM_USER, "octocat")
BEFORE, AFTER = "a\nb\nrun(x)\n", "a\nb\nrun([x])\n"


def a_pull_request_here(kind: str = "github") -> PullRequest:
    """Return pull request 7 of a connected repository."""
    there = MemoryHost().add_repository("acme/shop")
    project = factories.a_project()
    a_repository(there, project=project, host=a_code_host(kind=kind))
    return PullRequest.objects.create(project=project, number="7")


def found(pull_request: PullRequest, **fields: Any) -> Finding:
    """Return a finding of the pull request, in Comment mode."""
    scan = factories.a_scan(pull_request.project, pull_request_id=pull_request.number, branch="")
    rule = factories.a_rule(mode="comment")
    return factories.a_finding(scan=scan, rule=rule, **fields)


def advised(finding: Finding, *, is_verified: bool = True) -> None:
    """Give a finding guidance and a fix."""
    Guidance.objects.create(
        finding=finding, summary="Quote it.", steps=[{"text": "Do.", "code": "x"}], source=Source.BUILT_IN
    )
    Autofix.objects.create(
        finding=finding, diff=unified_diff(finding.path, BEFORE, AFTER), is_shown=True, is_verified=is_verified,
        confidence="high", source=Source.BUILT_IN,
    )  # fmt: skip


def comment_on(
    finding: Finding, pull_request: PullRequest, *, place: CommentPlace | None = None, with_notice: bool = False
) -> FindingComment:
    """Return the comment on a finding, on its own line where no other place is given."""
    places = {finding.pk: place or CommentPlace(finding.path, finding.end_line)}
    noticed = [finding.pk] if with_notice else []
    return finding_comments([finding.pk], pull_request=pull_request, places=places, with_notice=noticed)[finding.pk]


def test_a_comment_tells_what_is_known_of_its_finding(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    orgs.services.change_settings(actor=SYSTEM, changes={"comment_footer": "Ask **us**."})
    trace = {"role": "source", "path": "app/views.py", "start_line": 9, "text": " x = request.GET ", "start_column": 1}
    finding = found(pull_request, trace=[trace])
    factories.a_verdict(finding, explanation="The value is a constant.")
    advised(finding)

    message = comment_on(finding, pull_request, with_notice=True)
    body = render_comment(message, dialect="github")

    assert message.replies == Replies(triage=True, feedback=True)
    assert body.startswith("**May be safe to ignore:** `built-from-request` (High severity)")
    assert "The value is a constant." in body
    assert "```suggestion\nrun([x])\n```" in body
    assert "Source at `app/views.py:9`: `x = request.GET`" in body
    assert "Ask **us**." in body
    assert f"/orgs/acme/findings/{finding.pk}/)" in body
    key = read_marker(body, organization_id=pull_request.organization_id, pull_request_id=pull_request.pk)
    assert key == key_of_finding(finding.pk)


def test_block_mode_of_the_project_makes_a_blocking_issue(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    finding = found(pull_request)
    finding.rule.overrides.create(project=pull_request.project, mode="block")

    assert comment_on(finding, pull_request).is_blocking


def test_the_rules_own_fix_stands_before_ours(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    finding = found(pull_request, rule_fix="safe(x)", matched_lines="    run(x)          ", end_column=11)
    advised(finding)

    body = render_comment(comment_on(finding, pull_request), dialect="gitlab")

    assert "```suggestion:-0+0\n    safe(x)          \n```" in body
    assert "run([x])" not in body


def test_a_decision_stands_below_the_headline(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    finding = found(pull_request)
    findings.services.ignore(
        finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment="Asked @alice, see #3", actor=OCTOCAT
    )

    body = render_comment(comment_on(finding, pull_request), dialect="github")

    assert body.startswith("**Ignored:** ")
    assert "*Ignored as false positive* by `octocat`. Asked `@alice`, see `#3`" in body
    assert "`/open`" in body
    assert "`/fp`" not in body


def test_what_people_say_among_themselves_is_not_told_in_a_public_repository(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    Repository.objects.update(is_private=False)
    finding = found(pull_request)
    findings.services.ignore(
        finding=finding,
        reason=IgnoreReason.ACCEPTABLE_RISK,
        comment="The gateway of customer X strips it",
        actor=Actor(ActorKind.PERSON, "bob@acme.example"),
    )

    body = render_comment(comment_on(finding, pull_request), dialect="github")

    assert "*Ignored as acceptable risk*" in body
    assert not any(word in body for word in ("bob", "customer"))


def test_what_the_last_scan_no_longer_finds_is_told_as_fixed(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    finding = found(pull_request)
    advised(finding)
    Presence.objects.filter(finding=finding).update(state=PresenceState.FIXED)

    message = comment_on(finding, pull_request)

    assert message.standing is Standing.FIXED
    assert "suggestion" not in render_comment(message, dialect="github")


def test_findings_on_one_line_know_of_each_other(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    one, two, apart = found(pull_request), found(pull_request), found(pull_request, start_line=9, end_line=9)
    places: dict[int, CommentPlace | None] = {
        entry.pk: CommentPlace(entry.path, entry.end_line) for entry in (one, two, apart)
    }

    told = finding_comments(list(places), pull_request=pull_request, places=places, with_notice=())

    assert {number: message.shares_line for number, message in told.items()} == {
        one.pk: True,
        two.pk: True,
        apart.pk: False,
    }


@pytest.mark.parametrize(("kind", "expected"), [("github", Replies()), ("gitlab", Replies(triage=True))])
def test_only_commands_that_reach_us_are_named(in_acme: None, kind: str, expected: Replies) -> None:
    pull_request = a_pull_request_here(kind)
    finding = found(pull_request)

    told = finding_comments([finding.pk], pull_request=pull_request, places={}, with_notice=())

    assert told[finding.pk].replies == expected


def test_switched_off_no_command_is_named(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    orgs.services.change_settings(actor=SYSTEM, changes={"commands_in_replies": False})

    assert comment_on(found(pull_request), pull_request).replies == Replies()


def test_equal_findings_become_one_comment_with_each_place(in_acme: None) -> None:
    pull_request = a_pull_request_here("gitlab")
    entries = [found(pull_request, start_line=number, end_line=number) for number in range(1, 8)]
    findings.services.set_triage(finding=entries[0], triage=Triage.REVIEWING, comment="", actor=OCTOCAT)
    findings.services.ignore(finding=entries[1], reason=IgnoreReason.NO_TIME, comment="", actor=OCTOCAT)

    message: GroupComment = group_comment(
        [entry.pk for entry in entries], key="group-1", pull_request=pull_request, with_notice=()
    )
    body = render_comment(message, dialect="gitlab")

    assert body.startswith("**7 equal issues:** ")
    assert body.count("(ignored)") == 1
    assert f"[`app/orders.py:7`]({settings.PUBLIC_URL.rstrip('/')}/orgs/acme/findings/{entries[6].pk}/)" in body
    assert "ref=pull%2F7" in body


def test_the_check_fails_by_block_mode_and_counts_what_is_open(in_acme: None) -> None:
    pull_request = a_pull_request_here()
    entries = [found(pull_request) for _ in range(3)]
    blocking = factories.a_finding(
        scan=entries[0].first_scan, rule=factories.a_rule("block.it", mode="block"), message="Blocks"
    )
    ids = [entry.pk for entry in (*entries, blocking)]

    before = render_status(status_report(ids, pull_request=pull_request))
    findings.services.ignore(finding=blocking, reason=IgnoreReason.FALSE_POSITIVE, comment="x", actor=OCTOCAT)
    after = render_status(status_report(ids, pull_request=pull_request, with_notice=[entries[0].pk]))

    assert (before.state, before.title) == (StatusState.FAILURE, "1 finding blocks, 3 others")
    assert [one.level for one in before.annotations] == ["failure", "warning", "warning", "warning"]
    assert (after.state, after.title) == (StatusState.SUCCESS, "3 findings, none blocks")
    assert [one.level for one in after.annotations] == ["notice", "warning", "warning"]
    assert "Not counted: 1 ignored." in after.summary


def test_fifty_comments_take_as_many_queries_as_one(
    in_acme: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    pull_request = a_pull_request_here()
    entries = [found(pull_request) for _ in range(50)]

    with django_assert_max_num_queries(9):
        told = finding_comments([entry.pk for entry in entries], pull_request=pull_request, places={}, with_notice=())

    assert len(told) == 50
