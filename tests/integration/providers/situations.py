"""Files with a finding in them, and what a model may say of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

import events.tasks
import scm.services
from events.models import Job
from events.services import Task, owe_many
from findings.models import Finding
from orgs.models import Project
from tests import factories
from tests.vendors.openai_server import Exchange, OpenAIServer, Scripted, completion

KEY = "sk-test-" + "0123456789abcdefghij" * 2
PATH = "app/orders.py"
ORDERS = """import sqlite3


def find(connection, name):
    query = "SELECT * FROM orders WHERE name = '" + name + "'"
    return connection.execute(query)
"""
SINK_LINE = 6


def set_up(settings: Settings, server: OpenAIServer) -> None:
    """Make a server the platform's model."""
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_BASE_URL = server.url
    settings.OPENAI_MODEL = "gpt-5-mini"
    settings.MODEL_TIMEOUT_SECONDS = 5


def a_finding_in(
    text: str, *, project: Project | None = None, line: int = SINK_LINE, branch: str = "main", **fields: Any
) -> Finding:
    """Return a finding in a file with that text, which came with the scan."""
    scan = factories.a_scan(project, branch=branch)
    scm.services.keep_files(project=scan.project, revision=scan.revision, files=[(PATH, text)])
    return factories.a_finding(scan=scan, path=PATH, start_line=line, end_line=line, **fields)


def verdict(value: str = "true_positive", **changes: Any) -> dict[str, Any]:
    """Return an answer that quotes a line of ORDERS."""
    quote = {"path": PATH, "start_line": 6, "end_line": 6, "quote": "return connection.execute(query)", "role": "sink"}
    answer = {"evidence": [quote], "verdict": value, "confidence": "high", "explanation": "name reaches execute()."}
    return {**answer, **changes}


def fix(old: str, new: str) -> dict[str, Any]:
    """Return an answer with one edit."""
    return {"edits": [{"path": PATH, "old": old, "new": new}], "explanation": "The value is bound."}


def judged(_: Exchange) -> Scripted:
    """Answer every question with the same verdict."""
    return completion(verdict())


def run_job(task: Task, **arguments: int) -> Job:
    """Have a piece of work done as a worker would, once, and return its Job as it is then."""
    with transaction.atomic():
        owe_many(task, [arguments])
    job = Job.objects.filter(task=task.name).latest("pk")
    Job.objects.filter(pk=job.pk).update(run_after=timezone.now())  # one that was put off is due now
    claimed = events.tasks.claim(job.pk)
    assert claimed is not None
    events.tasks.run_claimed(*claimed)
    job.refresh_from_db()
    return job
