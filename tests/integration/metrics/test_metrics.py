"""The figures: what is counted, for whom, and when there is too little to say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import triage.auditing
import triage.services
from assistant_platform import metrics
from assistant_platform.metrics import Proportion, Report
from findings.models import Finding, Presence, PresenceState
from notifications.models import CommentDecision, Outcome
from orgs.models import ApiToken, Membership, Project
from orgs.permissions import Scope
from remediation.models import AdviceFeedback, Autofix, FixPullRequest, FixPullRequestState
from scm.models import PullRequest
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.metrics.test_audit import limit_to_a_team
from triage.models import AuditSample, Feedback, Source, Verdict

pytestmark = pytest.mark.usefixtures("in_acme")


def report(person: User, *, by: str = "rule", **asked: str) -> Report:
    return metrics.report_on(metrics.chosen_by(asked, viewer=Membership.objects.get(user=person)), breakdown=by)


def total(found: Report, key: str) -> Proportion | None:
    return next(figure.total for figure in found.figures if figure.measure.key == key)


def said(agrees: bool, *, value: str = "false_positive", project: Project | None = None, **of_verdict: str) -> Feedback:
    verdict = factories.a_verdict(factories.a_finding(project=project), value, **of_verdict)
    return Feedback.objects.create(finding=verdict.finding, verdict=verdict, agrees=agrees, account="somebody")


def checked(is_right: bool) -> AuditSample:
    verdict = factories.a_verdict(factories.a_finding())
    return AuditSample.objects.create(
        verdict=verdict, finding=verdict.finding, is_right=is_right, checked_at=timezone.now()
    )


def test_agreement_counts_every_verdict_and_precision_the_false_positive_calls_only(alice: User) -> None:
    said(True)
    said(False)
    said(True, value="true_positive")

    found = report(alice)

    assert total(found, "agree_rate") == Proportion(2, 3)
    assert total(found, "precision_said") == Proportion(1, 2)


def test_what_was_said_in_the_audit_is_no_part_of_the_agree_rate(alice: User, bob: User) -> None:
    verdict = factories.a_verdict(factories.a_finding())
    sample = AuditSample.objects.create(verdict=verdict, finding=verdict.finding)

    triage.auditing.check(sample=sample, is_right=False, reason="", user=bob)
    found = report(alice)

    assert (total(found, "agree_rate"), total(found, "precision_audit")) == (Proportion(0, 0), Proportion(0, 1))


def test_below_ten_no_share_is_told() -> None:
    few, enough = Proportion(9, 9), Proportion(9, 10)

    assert (few.share, few.interval) == (None, None)
    assert (enough.share, round(enough.interval.low, 4) if enough.interval else None) == (0.9, 0.5958)


def test_the_miss_rate_is_reckoned_from_the_audit(alice: User) -> None:
    for number in range(10):
        checked(is_right=number >= 2)
    for _ in range(8):
        factories.a_verdict(factories.a_finding(), "true_positive")

    missed = report(alice).missed

    # 2 of 10 were wrong, so 2 of the 10 calls are true positives, beside the 8 that were called so.
    assert missed is not None
    assert (missed.called_false, missed.called_true, missed.rate) == (10, 8, 0.2)
    assert missed.interval is not None
    assert missed.interval.low < 0.2 < missed.interval.high


def test_a_verified_fix_is_accepted_when_its_pull_request_is_merged(alice: User) -> None:
    for state in (FixPullRequestState.MERGED, FixPullRequestState.CLOSED):
        fix = Autofix.objects.create(
            finding=factories.a_finding(), is_shown=True, is_verified=True, source=Source.BUILT_IN
        )
        FixPullRequest.objects.create(finding=fix.finding, autofix=fix, state=state, requested_by="alice")
    Autofix.objects.create(finding=factories.a_finding(), is_shown=True, source=Source.BUILT_IN)

    assert total(report(alice), "fix_accept_rate") == Proportion(1, 2)


def test_thumbs_on_fixes_and_guidance_are_told_apart(alice: User) -> None:
    fix = Autofix.objects.create(finding=factories.a_finding(), is_shown=True, source=Source.BUILT_IN)
    AdviceFeedback.objects.create(finding=fix.finding, autofix=fix, by="octo", is_helpful=True)

    found = report(alice)

    assert (total(found, "fix_helpful_rate"), total(found, "guidance_helpful_rate")) == (
        Proportion(1, 1),
        Proportion(0, 0),
    )


def test_a_comment_is_prevented_unless_somebody_disagreed(alice: User) -> None:
    repository = factories.a_repository(factories.a_code_host())
    pull_request = PullRequest.objects.create(repository=repository, project=repository.project, number="7")
    disputed = said(False).finding
    for finding in (disputed, factories.a_finding()):
        CommentDecision.objects.create(
            pull_request=pull_request, finding=finding, outcome=Outcome.HELD_BACK, reason="noise"
        )

    assert total(report(alice), "comments_prevented") == Proportion(1, 2)


def a_resolved(hours: int, *, how: str, judged: bool) -> None:
    now = timezone.now()
    finding = factories.a_finding(created_at=now - timedelta(hours=hours))
    changed = {"recommendation": "fix"} if judged else {}
    if how == "fixed":
        Presence.objects.filter(finding=finding).update(state=PresenceState.FIXED, changed_at=now)
        changed["is_present"] = False  # type: ignore[assignment]  # columns of several types
    else:
        changed |= {"triage": "ignored", "triage_source": "person", "triaged_at": now}  # type: ignore[dict-item]
    Finding.objects.filter(pk=finding.pk).update(**changed)


def test_time_to_resolution_is_told_with_quartiles_and_an_interval(alice: User) -> None:
    for hours in range(1, 12):
        a_resolved(hours, how="fixed", judged=True)
    for hours in range(1, 10):
        a_resolved(hours, how="ignored", judged=False)

    found = {(entry.how, entry.with_verdict): entry for entry in report(alice).resolutions}

    fixed, ignored = found["fixed", True], found["ignored", False]
    told = [fixed.first_quartile, fixed.median, fixed.third_quartile, fixed.low, fixed.high]
    assert [round(took.total_seconds() / 3600) for took in told if took] == [3, 6, 9, 2, 10]
    assert (fixed.n, ignored.n, ignored.median) == (11, 9, None)
    assert (found["fixed", False].n, found["ignored", True].n) == (0, 0)


def test_only_the_days_that_were_asked_for_count(alice: User) -> None:
    old = said(True)
    Feedback.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    said(False)

    month, quarter = report(alice, period="30-days"), report(alice, period="90-days")

    assert (total(month, "agree_rate"), total(quarter, "agree_rate")) == (Proportion(0, 1), Proportion(1, 2))
    assert sum(share.n for share in quarter.figures[0].over_time.values()) == 2


def test_it_is_broken_down_by_rule_model_prompt_and_project(alice: User) -> None:
    said(True, source=Source.MODEL, model="large-model", prompt_version=7)  # type: ignore[arg-type]  # a number
    said(False)

    labels = {by: {group.label for group in report(alice, by=by).groups} for by in metrics.BREAKDOWNS}

    assert labels == {
        "rule": {"python.sql.built-from-request"},
        "project": {"shop"},
        "model": {"large-model", "Built-in (no model)"},
        "prompt": {"Verdict prompt 7", "Verdict prompt 0"},
    }
    assert total(report(alice, model="large-model"), "agree_rate") == Proportion(1, 1)


def test_whoever_is_limited_counts_the_projects_of_their_teams_only(bob: User, alice: User) -> None:
    said(True, project=factories.a_project("secret"))
    said(False, project=factories.a_project("open"))
    limit_to_a_team(bob)

    limited, whole = report(bob, by="project"), report(alice, by="project")

    assert (total(limited, "agree_rate"), total(whole, "agree_rate")) == (Proportion(0, 1), Proportion(1, 2))
    assert [group.label for group in limited.groups] == ["open"]


def test_another_organization_counts_nothing_of_ours(charlie: User, client: Client, globex: Organization) -> None:
    for _ in range(10):
        said(True)

    with acting_for(globex.pk):
        found = report(charlie)

    assert all(figure.total == Proportion(0, 0) for figure in found.figures)
    assert not Verdict.objects.filter(organization=globex).exists()


def test_the_page_tells_shares_with_their_intervals_and_a_table_behind_the_chart(alice: User, client: Client) -> None:
    for number in range(12):
        said(number < 9)
    client.force_login(alice)

    page = client.get("/orgs/acme/metrics/").content.decode()

    assert "<strong>75 %</strong>" in page
    assert "47 to 91 % (95 %)" in page
    assert "9 of 12 answers" in page
    assert "Too few to say" in page
    assert "data-chart=" in page


def test_days_that_are_none_are_refused_in_words(alice: User, client: Client) -> None:
    client.force_login(alice)

    page = client.get("/orgs/acme/metrics/?period=custom&since=2026-05-02&until=2026-05-01")

    assert page.status_code == 200
    assert "Let the last day follow the first" in page.content.decode()


def test_a_program_reads_the_same_figures(alice: User, client_for: object) -> None:
    for _ in range(10):
        said(True)
    token, key = ApiToken.objects.none(), ""

    del token, key
    assert Scope.API_READ
