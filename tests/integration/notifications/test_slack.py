"""What Slack is told of scans, once each, and what becomes of the buttons that people press there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import findings.services
import notifications.tasks
import triage.services
from events.kinds import SYSTEM, Kind
from events.models import Event
from findings.models import Confidence, Finding, IgnoreReason, Recommendation, Scan, ScanState, Triage
from lib.failures import TemporaryFailure
from notifications.models import Delivery, DeliveryState, SlackDestination, SlackWorkspace
from notifications.slack import answering
from notifications.slack.answering import Press
from orgs.models import Project
from orgs.permissions import Role
from tenancy.models import Organization
from tenancy.sealing import seal_secrets
from tests import factories
from tests.integration.notifications.conftest import set_to
from tests.vendors.slack_server import BOT, SCOPES, TEAM, TOKEN, Posted, SlackServer, failure
from triage.models import Feedback, Verdict

CHANNEL = "C0SECURITY"


@pytest.fixture
def channel(in_acme: Organization, slack: SlackServer) -> SlackDestination:
    """Acme's workspace with one channel for all projects, in which the app is."""
    workspace = SlackWorkspace.objects.create(
        team_id=TEAM,
        team_name="Acme Workspace",
        bot_user_id=BOT,
        sealed_token=seal_secrets({"token": TOKEN}),
        scopes=SCOPES,
        installed_by="Alice",
    )
    slack.rooms[CHANNEL].is_member = True
    slack.knows("U0BOB", "Bob@acme.example")
    slack.knows("U0ALICE", "alice@acme.example")
    return SlackDestination.objects.create(
        workspace=workspace, channel_id=CHANNEL, channel_name="security", chosen_by="Alice"
    )


@pytest.fixture
def pressed(slack: SlackServer) -> Callable[..., str]:
    """Return a function that presses a button of a message, a little later each time."""
    times = iter(range(100, 200))

    def press(message: Posted, action: str, by: str = "U0BOB", at: str = "") -> str:
        verdict_id = int(message.value_of(action).split(".")[1])
        when = at or f"1764000{next(times)}.000100"
        answering.take(Press(verdict_id, TEAM, by, CHANNEL, message.ts, action, when))
        return when

    return press


def a_settled_scan(project: Project | None = None, **fields: Any) -> Scan:
    return factories.a_scan(project or factories.a_project(), state=ScanState.SETTLED, **fields)


def suggest(scan: Scan, count: int = 1, **fields: Any) -> list[Finding]:
    """Have a scan bring findings that the Assistant calls likely false positives."""
    found = []
    for line in range(1, count + 1):
        finding = factories.a_finding(
            scan=scan,
            start_line=line,
            end_line=line,
            recommendation=Recommendation.IGNORE,
            verdict_confidence=Confidence.HIGH,
            not_analysed="",
            **fields,
        )
        factories.a_verdict(finding, explanation="The value is a constant.", confidence="high")
        found.append(finding)
    return found


def tell(scan: Scan) -> None:
    notifications.tasks.tell_scan_in_slack.function(scan_id=scan.pk)


def suggestions(slack: SlackServer) -> list[Posted]:
    return [message for message in slack.messages if "agree" in message.actions]


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_a_likely_false_positive_is_told_with_its_reason_and_buttons(
    channel: SlackDestination, slack: SlackServer
) -> None:
    scan = a_settled_scan()
    finding = suggest(scan)[0]

    tell(scan)

    message = suggestions(slack)[0]
    assert "may be safe to ignore" in message.words
    assert "The value is a constant." in message.words
    assert f"/orgs/acme/findings/{finding.pk}/" in message.words
    assert message.actions == ["agree", "disagree", "view"]


def test_a_scans_new_findings_are_summed_up_once(channel: SlackDestination, slack: SlackServer) -> None:
    scan = a_settled_scan()
    for line in range(1, 8):
        factories.a_finding(scan=scan, start_line=line, end_line=line)

    tell(scan)
    tell(scan)

    assert len(slack.messages) == 1
    assert "*7 new findings*" in slack.messages[0].words
    assert "and 4 more" in slack.messages[0].words


def test_what_was_ignored_is_not_told(channel: SlackDestination, slack: SlackServer) -> None:
    scan = a_settled_scan()
    finding = suggest(scan)[0]
    findings.services.ignore(finding=finding, reason=IgnoreReason.DUPLICATE, comment="", actor=SYSTEM)

    tell(scan)

    assert slack.messages == []


def test_many_suggestions_of_one_scan_come_as_one_message(channel: SlackDestination, slack: SlackServer) -> None:
    scan = a_settled_scan()
    suggest(scan, 12)

    tell(scan)
    tell(scan)

    as_one = [message for message in slack.messages if "told together" in message.words]
    assert len(as_one) == 1
    assert "12 findings may be safe to ignore" in as_one[0].words
    assert "and 2 more" in as_one[0].words
    assert suggestions(slack) == []


@pytest.mark.parametrize(("value", "expected"), [(True, 1), (False, 0)])
def test_suggestions_are_sent_while_the_setting_is_on(
    channel: SlackDestination, slack: SlackServer, value: bool, expected: int
) -> None:
    set_to(auto_triage_in_slack=value)
    scan = a_settled_scan()
    suggest(scan)

    tell(scan)

    assert len(suggestions(slack)) == expected


def test_a_project_with_a_channel_of_its_own_is_told_there(channel: SlackDestination, slack: SlackServer) -> None:
    project = factories.a_project("billing")
    slack.rooms["C0GENERAL"].is_member = True
    SlackDestination.objects.create(
        workspace=channel.workspace, project=project, channel_id="C0GENERAL", channel_name="general", chosen_by="A"
    )
    for scan in (a_settled_scan(project), a_settled_scan()):
        factories.a_finding(scan=scan)
        tell(scan)

    assert [message.channel_id for message in slack.messages] == ["C0GENERAL", CHANNEL]


def test_no_text_of_somebody_notifies_or_leads_anywhere(channel: SlackDestination, slack: SlackServer) -> None:
    scan = a_settled_scan(branch="<!channel> @here")
    finding = suggest(scan, path="<https://evil.example|click>.py", rule=factories.a_rule("<@U0BOB>&*bold*"))[0]
    Verdict.objects.filter(finding=finding).update(explanation="<!here> see https://evil.example & <x> " * 400)

    tell(scan)

    texts = [message.words for message in slack.messages]
    assert len(texts) == 2
    for bad in ("<!channel", "<!here", "<@U0BOB", "<https://evil", "https://evil", "@here", "|click>"):
        assert all(bad not in text for text in texts), bad


def test_a_rate_limit_puts_the_message_off_and_it_is_sent_once(channel: SlackDestination, slack: SlackServer) -> None:
    scan = a_settled_scan()
    factories.a_finding(scan=scan)
    slack.fails("chat.postMessage", failure("ratelimited", status=429, retry_after=17))

    with pytest.raises(TemporaryFailure) as put_off:
        tell(scan)
    tell(scan)

    assert (put_off.value.retry_after_seconds, put_off.value.spends_attempt) == (17, False)
    assert len(slack.messages) == 1


def test_a_message_whose_answer_was_lost_is_found_again_rather_than_sent_twice(
    channel: SlackDestination, slack: SlackServer
) -> None:
    scan = a_settled_scan()
    suggest(scan)
    channel.tells_new_findings = False
    channel.save()
    slack.forgets_answers_of = {"chat.postMessage"}
    with pytest.raises(TemporaryFailure):
        tell(scan)
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    tell(scan)

    assert len(slack.messages) == 1
    assert Delivery.objects.get().receipt == slack.messages[0].ts


def test_a_message_that_another_worker_may_be_sending_is_waited_for(
    channel: SlackDestination, slack: SlackServer
) -> None:
    scan = a_settled_scan()
    factories.a_finding(scan=scan)
    Delivery.objects.create(channel="slack", destination=CHANNEL, subject=f"scan-{scan.pk}")

    with pytest.raises(TemporaryFailure):
        tell(scan)

    assert slack.messages == []


@pytest.mark.parametrize(
    ("word", "of_workspace"),
    [
        ("channel_not_found", False),
        ("is_archived", False),
        ("not_in_channel", False),
        ("account_inactive", True),
        ("token_revoked", True),
        ("missing_scope", True),
    ],
)
def test_what_slack_refuses_is_shown_in_words_and_not_tried_again(
    channel: SlackDestination, slack: SlackServer, word: str, of_workspace: bool
) -> None:
    scan = a_settled_scan()
    factories.a_finding(scan=scan)
    slack.fails("chat.postMessage", failure(word))

    tell(scan)
    tell(scan)

    channel.refresh_from_db()
    workspace = SlackWorkspace.objects.get()
    assert (bool(workspace.problem), bool(channel.problem)) == (of_workspace, not of_workspace)
    assert Delivery.objects.get().state == DeliveryState.FAILED
    assert slack.messages == []


def test_the_next_message_that_arrives_takes_the_problem_away(channel: SlackDestination, slack: SlackServer) -> None:
    SlackDestination.objects.update(problem="archived")
    SlackWorkspace.objects.update(problem="revoked")
    scan = a_settled_scan()
    factories.a_finding(scan=scan)

    tell(scan)

    assert (SlackDestination.objects.get().problem, SlackWorkspace.objects.get().problem) == ("", "")


# --- Buttons ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def message(channel: SlackDestination, slack: SlackServer, bob: User) -> Posted:
    """A suggestion that was sent."""
    scan = a_settled_scan()
    suggest(scan)
    tell(scan)
    return suggestions(slack)[0]


def test_agreeing_ignores_the_finding_and_edits_the_message(message: Posted, pressed: Any) -> None:
    pressed(message, "agree")

    finding = Finding.objects.get()
    assert (finding.triage, finding.ignore_reason) == (Triage.IGNORED, IgnoreReason.FALSE_POSITIVE)
    assert finding.triaged_by == "bob@acme.example"
    assert "Agreed: ignored as a false positive" in message.words
    assert "<!date^" in message.words
    assert message.actions == ["undo", "view"]


def test_disagreeing_leaves_it_open_and_undo_brings_the_buttons_back(message: Posted, pressed: Any) -> None:
    pressed(message, "disagree")
    after_disagreeing = message.actions
    pressed(message, "undo")

    assert after_disagreeing == ["undo", "view"]
    assert message.actions == ["agree", "disagree", "view"]
    assert not Feedback.objects.exists()


def test_undoing_an_agreement_opens_the_finding_again(message: Posted, pressed: Any) -> None:
    pressed(message, "agree")
    pressed(message, "undo")

    assert Finding.objects.get().triage == Triage.OPEN


def test_a_double_click_does_one_thing(message: Posted, pressed: Any) -> None:
    twin = Posted(message.channel_id, message.ts, message.body)

    pressed(twin, "agree")
    pressed(twin, "agree")

    assert Feedback.objects.count() == 1
    assert Event.objects.filter(kind=Kind.FEEDBACK_GIVEN).count() == 1


def test_a_replayed_press_does_nothing_after_it_was_undone(message: Posted, pressed: Any) -> None:
    first = Posted(message.channel_id, message.ts, message.body)
    when = pressed(first, "agree")
    pressed(message, "undo")

    pressed(first, "agree", at=when)

    assert Finding.objects.get().triage == Triage.OPEN
    assert not Feedback.objects.exists()


def test_who_comes_second_is_told_who_was_first(message: Posted, pressed: Any, slack: SlackServer, alice: User) -> None:
    seen = Posted(message.channel_id, message.ts, message.body)
    pressed(seen, "agree", by="U0ALICE")

    pressed(seen, "disagree", by="U0BOB")

    assert Finding.objects.get().triage == Triage.IGNORED
    assert slack.told_alone[0][0] == "U0BOB"
    assert "agreed before you" in slack.told_alone[0][1]


def test_an_answer_on_the_page_is_shown_in_slack(message: Posted, bob: User) -> None:
    triage.services.give_feedback(verdict=Verdict.objects.get(), user=bob, agrees=False)

    notifications.tasks.refresh_slack.function(finding_id=Finding.objects.get().pk)

    assert "Disagreed: it stays open" in message.words


@pytest.mark.parametrize(
    "person",
    [
        {"email": "stranger@acme.example"},
        {"email": "bob@acme.example", "is_email_confirmed": False},
        {"email": "bob@acme.example", "team_id": "T0OTHER"},
        {"email": "bob@acme.example", "is_bot": True},
        {"email": ""},
    ],
    ids=["not a member", "address not confirmed", "guest of another workspace", "bot", "no address"],
)
def test_who_is_no_member_is_refused_politely(
    message: Posted, pressed: Any, slack: SlackServer, person: dict[str, Any]
) -> None:
    slack.knows("U0OTHER", **person)

    pressed(message, "agree", by="U0OTHER")

    assert Finding.objects.get().triage == Triage.OPEN
    assert "no member of the organization" in slack.told_alone[0][1]
    assert message.actions == ["agree", "disagree", "view"]


def test_who_only_reads_is_refused(message: Posted, pressed: Any, slack: SlackServer) -> None:
    factories.a_member(factories.a_person("reader@acme.example"), Role.READ_ONLY)
    slack.knows("U0READER", "reader@acme.example")

    pressed(message, "agree", by="U0READER")

    assert Finding.objects.get().triage == Triage.OPEN
    assert "your role" in slack.told_alone[0][1]


def test_who_does_not_see_the_project_is_refused(message: Posted, pressed: Any, slack: SlackServer) -> None:
    member = factories.a_member(factories.a_person("limited@acme.example"), Role.MEMBER)
    member.is_limited_to_teams = True
    member.save()
    slack.knows("U0LIMITED", "limited@acme.example")

    pressed(message, "agree", by="U0LIMITED")

    assert Finding.objects.get().triage == Triage.OPEN
    assert "do not see this project" in slack.told_alone[0][1]


def test_a_button_of_an_older_verdict_does_nothing(message: Posted, pressed: Any, slack: SlackServer) -> None:
    factories.a_verdict(Finding.objects.get(), value="true_positive")

    pressed(message, "agree")

    assert Finding.objects.get().triage == Triage.OPEN
    assert "looked at this finding again" in slack.told_alone[0][1]
    assert message.actions == ["view"]


def test_a_button_does_nothing_where_the_workspace_was_disconnected(message: Posted, pressed: Any) -> None:
    SlackWorkspace.objects.update(removed_at=timezone.now())

    pressed(message, "agree")

    assert Finding.objects.get().triage == Triage.OPEN
