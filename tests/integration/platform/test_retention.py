"""What is kept for how long: old texts go, younger ones and other organizations' stay, and pages say what is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

import events.draining
import events.tasks
import orgs.retention
import orgs.selectors
import orgs.services
import scm.services
import triage.services
from events.kinds import SYSTEM, Kind
from events.models import Event, Job
from findings import uploads
from findings.models import Finding, Scan, ScanState, UploadChunk, UploadKind
from orgs.models import RetentionLimit
from orgs.selectors import memberships_of
from providers.models import CachedAnswer, ModelCall, Outcome
from scm.models import Blob, CodeFile
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.providers import situations
from tests.vendors.openai_server import OpenAIServer, completion
from triage.models import Verdict

ClientFor = Callable[[User], Client]
LOG = "/orgs/acme/settings/prompts/"


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def a_call(*, age_days: float, **fields: Any) -> ModelCall:
    values = {"system_text": "Judge.", "user_text": "x = 1", "reply_text": "{}", "input_tokens": 900}
    call = ModelCall.objects.create(
        purpose="triage/verdict",
        prompt_name="triage/verdict",
        prompt_version=1,
        adapter="openai",
        outcome=Outcome.ANSWERED,
        **{**values, **fields},
    )
    ModelCall.objects.filter(pk=call.pk).update(created_at=days_ago(age_days))
    return call


def fill(age_days: float) -> Finding:
    """Make one of everything that is purged, of an age."""
    word = f"aged {age_days}"
    a_call(age_days=age_days, user_text=word)
    CachedAnswer.objects.create(key=word.encode().ljust(32), answer={})
    CachedAnswer.objects.filter(key=word.encode().ljust(32)).update(created_at=days_ago(age_days))
    scan = factories.a_scan(branch=word, state=ScanState.FAILED)
    Scan.objects.filter(pk=scan.pk).update(received_at=days_ago(age_days))
    UploadChunk.objects.create(scan=scan, kind=UploadKind.REPORT, number=0, content=b"x")
    scm.services.keep_files(project=scan.project, revision=scan.revision, files=[("app/orders.py", word)])
    CodeFile.objects.filter(revision=scan.revision).update(kept_at=days_ago(age_days))
    finding = factories.a_finding(scan=scan, matched_lines="x = 1")
    lines = [{"path": "app/orders.py", "start_line": 1, "lines": [word], "why": "function"}]
    verdict = factories.a_verdict(finding, code_lines=lines)
    Verdict.objects.filter(pk=verdict.pk).update(created_at=days_ago(age_days))
    return finding


def what_is_there() -> dict[str, int]:
    return {
        "prompts": ModelCall.objects.exclude(user_text="").count(),
        "answers for reuse": CachedAnswer.objects.count(),
        "reports": UploadChunk.objects.count(),
        "files": CodeFile.objects.count(),
        "file texts": Blob.objects.count(),
        "excerpts": Verdict.objects.exclude(code_lines=[]).count(),
    }


def a_day_passes() -> None:
    """Do what every organization is owed once a day."""
    Job.objects.all().delete()
    events.tasks.owe_daily()
    events.draining.drain()


def test_what_is_past_its_time_goes_and_nothing_younger(in_acme: Organization) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"retention_days": 30})
    fill(30.01)
    fill(29.99)

    a_day_passes()

    assert set(what_is_there().values()) == {1}
    assert ModelCall.objects.exclude(user_text="").get().user_text == "aged 29.99"
    assert Blob.objects.get().text == "aged 29.99"
    assert Verdict.objects.exclude(code_lines=[]).get().code_lines[0]["lines"] == ["aged 29.99"]


def test_each_organization_keeps_what_it_chose(in_acme: Organization, charlie: User) -> None:
    umbrella = memberships_of(charlie.pk)[0].organization
    orgs.services.change_settings(actor=SYSTEM, changes={"retention_days": 10})
    fill(20)
    with acting_for(umbrella.pk):
        fill(20)

    a_day_passes()

    with acting_for(umbrella.pk):
        theirs = set(what_is_there().values())
    assert (set(what_is_there().values()), theirs) == ({0}, {1})


def test_the_figures_of_a_request_stay(in_acme: Organization) -> None:
    call = a_call(age_days=200)

    a_day_passes()

    call.refresh_from_db()
    assert (call.system_text, call.user_text, call.reply_text) == ("", "", "")
    assert (call.input_tokens, call.outcome) == (900, Outcome.ANSWERED)
    assert call.texts_removed_at is not None


def test_a_replay_goes_with_what_it_repeats(in_acme: Organization) -> None:
    replayed = a_call(age_days=1, replay_of=a_call(age_days=200))

    a_day_passes()

    replayed.refresh_from_db()
    assert (replayed.user_text, replayed.texts_removed_at is not None) == ("", True)


def test_a_text_that_came_again_stays_with_its_newer_scan(in_acme: Organization) -> None:
    project = factories.a_project()
    scm.services.keep_files(project=project, revision="one", files=[("a.py", "x = 1")])
    CodeFile.objects.update(kept_at=days_ago(200))
    Blob.objects.update(created_at=days_ago(200))
    scm.services.keep_files(project=project, revision="two", files=[("a.py", "x = 1")])

    a_day_passes()

    assert list(CodeFile.objects.values_list("revision", "blob__text")) == [("two", "x = 1")]


def test_more_than_a_batch_goes(in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.retention.BATCH", 2)
    for _ in range(5):
        a_call(age_days=200)

    a_day_passes()

    assert what_is_there()["prompts"] == 0


def test_the_daily_work_is_owed_once_a_day_however_often_beat_looks(in_acme: Organization, charlie: User) -> None:
    first = events.tasks.owe_daily()
    second = events.tasks.owe_daily()
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        events.draining.drain()
        third = events.tasks.owe_daily()

    assert (first > 0, second, third) == (True, 0, first)


# --- Zero days --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(in_acme: Organization, settings: Settings) -> ModelCall:
    """A request made while no texts are kept."""
    orgs.services.give_consent(actor=SYSTEM)
    orgs.services.change_settings(actor=SYSTEM, changes={"retention_days": 0})
    with OpenAIServer().running() as server:
        situations.set_up(settings, server)
        server.answer(completion(situations.verdict()))
        triage.services.judge_finding(finding=situations.a_finding_in(situations.ORDERS))
    return ModelCall.objects.get()


def test_with_zero_days_no_text_is_written(asked: ModelCall) -> None:
    assert (asked.system_text, asked.user_text, asked.reply_text) == ("", "", "")
    assert (asked.outcome, asked.input_tokens, asked.texts_removed_at is not None) == (Outcome.ANSWERED, 900, True)
    assert not CachedAnswer.objects.exists()
    assert Verdict.objects.get().value == "true_positive"


def test_with_zero_days_code_stays_until_it_has_been_analysed(asked: ModelCall) -> None:
    a_day_passes()

    assert CodeFile.objects.count() == 1


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_pages_say_what_was_removed_and_after_how_many_days(
    in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"retention_days": 30})
    finding = fill(31)
    call = ModelCall.objects.get()
    a_day_passes()
    admin = client_for(alice)

    of_finding = admin.get(f"/orgs/acme/findings/{finding.pk}/").content.decode()
    of_call = admin.get(f"{LOG}{call.pk}/").content.decode()
    of_scan = admin.get(f"/orgs/acme/scans/{finding.first_scan_id}/").content.decode()

    assert "keeps uploaded code 30 days" in of_finding
    assert "The texts of this request are gone" in of_call
    assert "keeps them 30 days" in of_call
    assert "What was uploaded has been deleted" in of_scan
    assert "30 days" in of_scan


def test_a_failed_upload_is_said_to_be_kept_while_it_is(
    in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    finding = fill(1)

    page = client_for(alice).get(f"/orgs/acme/scans/{finding.first_scan_id}/").content.decode()

    assert "What was uploaded is kept until" in page
    assert uploads.is_kept(Scan.objects.get(pk=finding.first_scan_id))


@pytest.mark.parametrize("days", [7, 0, 179])
def test_an_admin_chooses_within_the_limit(
    days: int, in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    client_for(alice).post(f"{LOG}retention/", {"retention_days": days})

    assert orgs.selectors.retention_days() == days
    assert Event.objects.get(kind=Kind.SETTINGS_CHANGED).subject == {
        "changes": f"retention_days: 180 days → {days} days"
    }


@pytest.mark.parametrize("days", ["181", "-1", "", "1.5"])
def test_a_time_beyond_the_limit_is_refused(
    days: str, in_acme: Organization, alice: User, client_for: ClientFor
) -> None:
    response = client_for(alice).post(f"{LOG}retention/", {"retention_days": days})

    assert (response.status_code, orgs.selectors.retention_days()) == (422, 180)


# --- The operator's limit ---------------------------------------------------------------------------------------------


@pytest.fixture
def limited(in_acme: Organization, bob: User, settings: Settings) -> Settings:
    """The operator had 30 days and now allows 90."""
    settings.RETENTION_MAX_DAYS = 30
    orgs.retention.follow_operator()
    settings.RETENTION_MAX_DAYS = 90
    return settings


def test_a_shorter_limit_holds_at_once(in_acme: Organization, settings: Settings) -> None:
    settings.RETENTION_MAX_DAYS = 30

    assert orgs.selectors.retention_days() == 30


def test_a_longer_limit_is_announced_to_admins_and_holds_30_days_later(
    limited: Settings, alice: User, client_for: ClientFor
) -> None:
    now = timezone.now()
    a_day_passes()
    page = client_for(alice).get(LOG).content.decode()
    lengths = [orgs.selectors.retention_days()]
    for days in (29, 31):
        with time_machine.travel(now + timedelta(days=days)):
            a_day_passes()
            lengths.append(orgs.selectors.retention_days())

    assert lengths == [30, 30, 90]
    assert [message.to for message in mail.outbox] == [["alice@acme.example"]]
    assert "from 30 to 90 days" in mail.outbox[0].body
    assert "kept up to <strong>90 days</strong>" in page
    assert Event.objects.filter(kind=Kind.RETENTION_ANNOUNCED).count() == 1


def test_an_announcement_is_taken_back_with_the_limit(limited: Settings) -> None:
    orgs.retention.follow_operator()
    limited.RETENTION_MAX_DAYS = 30

    orgs.retention.follow_operator()

    limit = RetentionLimit.objects.get()
    assert (limit.days, limit.announced_days, limit.in_force_from) == (30, None, None)


def test_another_longer_limit_is_announced_anew(limited: Settings) -> None:
    orgs.retention.follow_operator()
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        limited.RETENTION_MAX_DAYS = 120
        orgs.retention.follow_operator()
        limit = RetentionLimit.objects.get()
        remaining = limit.in_force_from - timezone.now() if limit.in_force_from else timedelta()

    assert (limit.days, limit.announced_days, remaining.days) == (30, 120, 29)
    assert Event.objects.filter(kind=Kind.RETENTION_ANNOUNCED).count() == 2


def test_mail_that_cannot_be_sent_is_tried_again(limited: Settings) -> None:
    limited.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    limited.EMAIL_HOST, limited.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there

    a_day_passes()

    job = Job.objects.get(task="orgs.tasks.tell_of_longer_retention")
    assert (job.state, job.attempt) == ("waiting", 1)
