"""What happens on that day, step by step, and what must be seen on the host when it is over."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import time_machine
from django.test import Client
from django.utils import timezone

import scm.selectors
from events.draining import drain
from events.models import Event, Job, JobState
from findings.models import Finding
from scm.models import CodeHost
from tests.integration.api.test_semgrep_ci import SemgrepClient
from tests.system.day.hosts import STRANGER, WRITER, Delivery, HostOfTheDay
from tests.vendors.openai_server import Exchange, Scripted, completion

PATH = "app/orders.py"
LOADING, QUERYING = "yaml-load", "built-query"
LOAD = "    return yaml.load(text)"
QUERY = '    return connection.execute("SELECT id FROM orders WHERE name = \'" + name + "\'")'
SAFE_LOAD = LOAD.replace("yaml.load(", "yaml.safe_load(")
CODE = f"""\
import yaml


def settings_of(text):
{LOAD}


def find(connection, name):
{QUERY}
"""
OF_A_RULE = "  message: Change it.\n  severity: ERROR\n  languages: [python]\n"
RULES = {
    LOADING: f"rules:\n- id: {LOADING}\n  pattern: yaml.load(...)\n{OF_A_RULE}",
    QUERYING: f'rules:\n- id: {QUERYING}\n  pattern: $C.execute("..." + ...)\n{OF_A_RULE}',
}
LINES = {LOADING: LOAD, QUERYING: QUERY}
LONGEST_WAIT_SECONDS = 20 * 60


def answered(exchange: Exchange) -> Scripted:
    """Answer as a model that finds both real and can mend the one."""
    is_load = f"{LOADING}" in exchange.user
    line = LOAD if is_load else QUERY
    number = CODE.split("\n").index(line) + 1
    quote = {"path": PATH, "start_line": number, "end_line": number, "quote": line.strip(), "role": "sink"}
    edit = {"path": PATH, "old": LOAD, "new": SAFE_LOAD}
    return completion(
        {
            "ComponentAnswer": {"tag": "API", "risk": "neutral", "reason": "It serves orders."},
            "VerdictAnswer": {
                "evidence": [quote],
                "verdict": "true_positive",
                "confidence": "high",
                "explanation": "Whatever comes in gets there.",
            },
            "GuidanceAnswer": {"summary": "Use what is safe.", "steps": [{"text": "Change the call.", "code": ""}]},
            "FixAnswer": {"edits": [edit] if is_load else [], "explanation": "The safe function takes the same."},
        }[exchange.body["response_format"]["json_schema"]["name"]]
    )


def found(code: str) -> list[dict[str, Any]]:
    """Return what the client says of a text of PATH."""
    lines = code.split("\n")
    return [
        {
            "check_id": name,
            "path": PATH,
            "line": lines.index(line) + 1,
            "column": line.index("return ") + len("return ") + 1,
            "end_line": lines.index(line) + 1,
            "end_column": len(line) + 1,
            "message": f"{name} matched",
            "severity": 2,
            "index": 0,
            "match_based_id": f"{name.encode().hex():0<128}_0",
            "metadata": {"category": "security"},
            "hashes": {"code_hash": f"{name.encode().hex():0<64}"},
        }
        for name, line in LINES.items()
        if line in lines
    ]


@dataclass(frozen=True)
class Seen:
    """What people see on the host, in words that hold for both: comments and checks, each as often as it is there."""

    comments: tuple[tuple[str, str, bool, int, tuple[str, ...]], ...]  # (rule, heading, resolved, answers, reactions)
    statuses: tuple[tuple[str, ...], ...]  # of each commit in turn
    fixes: tuple[tuple[str, bool, str], ...]


THUMB = {"+1": "done", "thumbsup": "done", "confused": "refused"}
SHOWN = {"success": "green", "failure": "red", "failed": "red", "in_progress": "waiting", "pending": "waiting"}
FIX_STATES = {"open": "open", "opened": "open", "merged": "merged"}
REFUSED = "only people with write access"


@dataclass
class Day:
    """The day of one pull request; every step leaves nothing due behind."""

    host: HostOfTheDay
    browser: Client
    ci: SemgrepClient
    clock: time_machine.Coordinates
    commits: list[str] = field(default_factory=list)
    work: Callable[[], None] = lambda: None
    post: Callable[[Delivery], None] = lambda delivery: None

    def __post_init__(self) -> None:
        self.work = self.work_off
        self.post = self.deliver

    # --- What happens

    def opens(self) -> None:
        """Somebody pushes a branch and opens a pull request."""
        self.commits.append(self.host.commit({PATH: CODE}))
        self.post(self.host.open_pull_request())
        self.work()

    def is_scanned(self) -> None:
        """CI scans what is there now."""
        started = self.ci.start(
            branch="refs/pull/1/merge", pull_request_id="1", commit=self.host.head, is_full_scan=False
        )
        scan_id = started.json()["info"]["id"]
        self.ci.results(scan_id, *found(self.host.file(PATH)), rule_ids=list(RULES), searched_paths=[PATH])
        self.ci.complete(scan_id)
        self.work()

    def stranger_replies(self) -> None:
        """Somebody who may not write commands."""
        self.post(self.host.reply("/fp trust me", below=QUERYING, author=STRANGER))
        self.work()

    def writer_replies(self) -> None:
        """Somebody who may write commands."""
        self.post(self.host.reply("/fp it is a constant", below=QUERYING, author=WRITER))
        self.work()

    def fix_is_asked_for(self) -> None:
        """An Admin has the fix opened as a pull request."""
        finding = Finding.objects.get(rule__identifier=LOADING)
        self.browser.post(f"/orgs/acme/findings/{finding.pk}/fix-pull-request/")
        self.work()

    def fix_is_announced(self) -> None:
        """The host tells of the pull request that we opened."""
        self.post(self.host.fix_opened())
        self.work()

    def fix_is_merged(self) -> None:
        """Somebody merges it, which is a push to the first pull request."""
        merged = self.host.merge_fix()
        self.commits.append(self.host.head)
        self.post(merged)
        self.post(self.host.pushed())
        self.work()

    def is_force_pushed(self) -> None:
        """Somebody writes the branch anew."""
        self.commits.append(self.host.commit({PATH: self.host.file(PATH)}, is_forced=True))
        self.post(self.host.pushed())
        self.work()

    STEPS = (
        opens,
        is_scanned,
        stranger_replies,
        writer_replies,
        fix_is_asked_for,
        fix_is_announced,
        fix_is_merged,
        is_scanned,
        is_scanned,
        is_force_pushed,
        is_scanned,
    )

    def seen_after(self, step: Callable[[Day], None]) -> Seen:
        """Let a step happen, and a minute pass; return what is seen then."""
        step(self)
        self.clock.shift(60)
        return self.seen()

    # --- Workers and the post

    def work_off(self) -> None:
        """Do all that is due within some minutes."""
        while True:
            drain()
            until = timezone.now()
            waiting = Job.objects.filter(state__in=[JobState.WAITING, JobState.SENT]).order_by("run_after")
            following = waiting.values_list("run_after", flat=True).first()
            if following is None or (following - until).total_seconds() > LONGEST_WAIT_SECONDS:
                return
            self.clock.shift(max((following - until).total_seconds(), 0) + 0.01)

    def deliver(self, delivery: Delivery) -> None:
        """Bring a webhook to its address."""
        host = CodeHost.objects.get()
        address = urlsplit(scm.selectors.hook_url(host)).path
        answer = Client(headers=dict(delivery.headers)).post(address, delivery.body, content_type="application/json")
        assert answer.status_code in {200, 202}, (answer.status_code, answer.content)

    def deliver_again_and_again(self, delivery: Delivery) -> None:
        """Bring it twice at once, once more after its work is done, and then as if it were another one."""
        self.deliver(delivery)
        self.deliver(delivery)
        self.work()
        self.deliver(delivery)
        self.deliver(renumbered(delivery))

    # --- What is seen

    def seen(self) -> Seen:
        """Return what people see on the host now."""
        comments = []
        for comment in self.host.comments():
            heading, _, _ = comment.body.partition(":**") if ":**" in comment.body else comment.body.partition(" ")
            assert all(REFUSED in answer for answer in comment.answers), comment.answers
            name = LOADING if LOADING in comment.body else QUERYING
            reactions = tuple(THUMB[each] for each in comment.reactions)
            comments.append((name, heading.strip("* "), comment.is_resolved, len(comment.answers), reactions))
        return Seen(
            comments=tuple(sorted(comments)),
            statuses=tuple(
                tuple(SHOWN.get(each, each) for each in self.host.statuses(commit)) for commit in self.commits
            ),
            fixes=tuple((FIX_STATES[fix.state], fix.is_draft, fix.base) for fix in self.host.fixes()),
        )


@dataclass(frozen=True)
class Renumbered:
    """A webhook that tells what another one told already."""

    headers: Mapping[str, str]
    body: bytes


def renumbered(delivery: Delivery) -> Delivery:
    """Return the same with numbers of its own, as a second webhook for the same repository sends it."""
    numbers = {"X-GitHub-Delivery", "X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID", "Idempotency-Key"}
    headers = {name: str(uuid.uuid4()) if name in numbers else value for name, value in delivery.headers.items()}
    return Renumbered(headers, delivery.body)


def counted(kind: str) -> int:
    """Return how often something was recorded."""
    return Event.objects.filter(kind=kind).count()


def left_undone() -> list[tuple[str, str, str]]:
    """Return the Jobs that failed or were not finished, but those that wait for more than the day."""
    rest = Job.objects.exclude(state=JobState.DONE).values_list("task", "state", "last_error")
    return [
        (task, state, error)
        for task, state, error in rest
        if not (state == JobState.WAITING and task.endswith(("give_up_on_client", "settle_at_deadline")))
    ]
