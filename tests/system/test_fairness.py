"""Ten thousand waiting pieces of work of one organization, a slow model, and another's pull request in between."""

from __future__ import annotations

import threading

from django.db import transaction

import orgs.services
import triage.tasks
from events.kinds import SYSTEM
from events.models import Job, JobState, Queue
from events.services import Subject, owe_many
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.system.house import THREADS
from tests.system.test_kills import Analysis, analysis  # noqa: F401  (the fixture)
from tests.vendors.openai_server import completion

BACKLOG = 10_000
OF_PULL_REQUEST = 12
TAG = {"tag": "API", "risk": "neutral", "reason": "It lets visitors in."}
SECONDS_OF_AN_ANSWER = 0.1


def owe_tags(organization: Organization, count: int, queue: Queue) -> None:
    """Let a number of files of an organization wait for the model, each a question of its own."""
    with acting_for(organization.pk), transaction.atomic():
        project = factories.a_project("reeds")
        paths = [f"reeds/{number}.py" for number in range(count)]
        files: list[dict[str, Subject]] = [{"project_id": project.pk, "path": path, "revision": "r"} for path in paths]
        owe_many(triage.tasks.tag_file, files, owed_queue=queue)


def waiting(organization: Organization, queue: Queue) -> int:
    with acting_for(organization.pk), transaction.atomic():
        return Job.objects.filter(queue=queue).exclude(state__in=[JobState.DONE, JobState.FAILED]).count()


def test_a_pull_request_is_served_at_once_beside_a_backlog_of_ten_thousand(analysis: Analysis) -> None:  # noqa: F811
    house, model = analysis.house, analysis.model
    never = threading.Event()
    model.rule = lambda _: completion(TAG)
    model.before_answering = lambda: never.wait(SECONDS_OF_AN_ANSWER)
    owe_tags(house.organization, BACKLOG, Queue.BACKLOG)
    lake = factories.an_organization("lake", admin=factories.a_person("angler@lake.example"))
    with acting_for(lake.pk):
        orgs.services.give_consent(actor=SYSTEM)
    house.start_worker()
    house.wait_until(lambda: model.asked >= 4 * THREADS)  # it has its hands full of the backlog

    asked_before = model.asked
    owe_tags(lake, OF_PULL_REQUEST, Queue.PULL_REQUEST)
    house.wait_until(lambda: not waiting(lake, Queue.PULL_REQUEST))

    asked_meanwhile = model.asked - asked_before - OF_PULL_REQUEST
    # The two queues take turns, so the backlog had about as many; behind it they would have waited four minutes.
    assert asked_meanwhile <= 4 * OF_PULL_REQUEST
    assert waiting(house.organization, Queue.BACKLOG) > BACKLOG - 500
