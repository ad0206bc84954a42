"""The code of a connected project is read from its host when it is needed, and no more of it than that."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

import findings.code
import findings.selectors
import orgs.services
import scm.fetching
import triage.services
from events.draining import drain
from events.kinds import SYSTEM
from findings.models import Finding
from lib.failures import TemporaryFailure
from orgs.models import Project
from orgs.services import actor_of
from scm.adapters.base import FileUnreadable, NotAllowed, NotThere, RateLimited, ScmError
from scm.models import CodeFile, Repository
from scm.selectors import kept_text
from tests import factories
from tests.vendors.memory_host import MemoryHost, RepositoryThere, a_repository, memory_host
from triage.models import Verdict

__all__ = ["memory_host"]
pytestmark = pytest.mark.usefixtures("in_acme")

COMMIT = "c" * 40
CODE = 'def find(db, name):\n    return db.execute("SELECT * FROM t WHERE n = \'" + name + "\'")\n'


@pytest.fixture
def project(in_acme: object) -> Project:
    cache.clear()
    return factories.a_project()


@pytest.fixture
def there(memory_host: MemoryHost, project: Project) -> RepositoryThere:
    """The project's repository, with one file at the scanned commit."""
    there = memory_host.add_repository()
    there.trees[COMMIT] = {"app/orders.py": CODE}
    a_repository(there, project=project)
    return there


@pytest.fixture
def finding(there: RepositoryThere, project: Project) -> Finding:
    return factories.a_finding(scan=factories.a_scan(project, commit=COMMIT), start_line=2, end_line=2)


def test_a_verdict_is_reached_by_code_that_no_scan_brought(
    finding: Finding, memory_host: MemoryHost, alice: User
) -> None:
    triage.services.request_analysis(finding=finding, actor=actor_of(alice))

    drain()

    assert "db.execute" in str(Verdict.objects.get(finding=finding).code_lines)
    assert kept_text(project=finding.project, revision=COMMIT, path="app/orders.py") == CODE


def test_a_file_is_asked_for_once_however_many_findings_it_has(
    finding: Finding, project: Project, memory_host: MemoryHost
) -> None:
    for line in (1, 2):
        factories.a_finding(scan=finding.first_scan, start_line=line, end_line=line)

    assert [findings.code.fetch(each) for each in Finding.objects.order_by("pk")] == [True, False, False]
    assert len(memory_host.calls("read_file")) == 1


def test_another_file_is_read_when_it_is_asked_for(finding: Finding, there: RepositoryThere) -> None:
    there.trees[COMMIT]["requirements.txt"] = "sqlalchemy\n"

    context = findings.selectors.context_of(finding)

    assert context.source is None
    assert (context.read_file("requirements.txt"), context.read_file("setup.py")) == ("sqlalchemy\n", None)


def test_what_is_not_there_is_not_asked_for_again(finding: Finding, memory_host: MemoryHost) -> None:
    Finding.objects.update(path="app/gone.py")
    finding.refresh_from_db()

    assert [findings.code.fetch(finding), findings.code.fetch(finding)] == [False, False]
    assert len(memory_host.calls("read_file")) == 1
    assert findings.code.why_unknown(finding) == "There is no file app/gone.py."


def test_nothing_is_read_while_the_assistant_is_switched_off(finding: Finding, memory_host: MemoryHost) -> None:
    orgs.services.change_settings(actor=SYSTEM, changes={"is_enabled": False})

    assert not findings.code.fetch(finding)
    assert memory_host.log == []


@pytest.mark.parametrize("path", ["../etc/passwd", "/etc/passwd", "a/../../b", "", ".", "a\0b"])
def test_no_path_outside_the_repository_is_asked_for(path: str, finding: Finding, memory_host: MemoryHost) -> None:
    assert not scm.fetching.fetch_files(project=finding.project, revision=COMMIT, paths=[path])
    assert memory_host.log == []


def test_a_scan_without_a_commit_asks_for_nothing(there: RepositoryThere, project: Project) -> None:
    finding = factories.a_finding(scan=factories.a_scan(project))

    assert not findings.code.fetch(finding)


def test_a_limited_host_is_left_alone_until_its_time_and_costs_no_attempt(
    finding: Finding, memory_host: MemoryHost
) -> None:
    memory_host.fail("read_file", RateLimited("Too many requests.", retry_after_seconds=40))

    with pytest.raises(TemporaryFailure) as first:
        findings.code.fetch(finding)
    with pytest.raises(TemporaryFailure) as second:
        findings.code.fetch(finding)

    waits = [caught.value.retry_after_seconds or 0 for caught in (first, second)]
    assert [30 < wait <= 40 for wait in waits] == [True, True]
    assert not first.value.spends_attempt
    assert len(memory_host.calls("read_file")) == 1


@pytest.mark.parametrize(
    "error",
    [
        NotAllowed("The App may not read the code there.", missing="contents: read"),
        NotThere("There is no repository acme/shop."),
        ScmError("The host does not answer.", permanent=False),
    ],
)
def test_a_verdict_is_reached_without_code_and_the_page_says_why(
    error: ScmError, finding: Finding, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    there.is_gone = isinstance(error, NotThere)
    memory_host.fail("read_file", error)

    assert [findings.code.fetch(finding), findings.code.fetch(finding)] == [False, False]
    assert findings.code.why_unknown(finding) == str(error) or there.is_gone
    assert Repository.objects.get().problem != ""
    assert len(memory_host.calls("read_file")) == 1


def test_a_problem_is_forgotten_once_the_host_answers_again(finding: Finding) -> None:
    Repository.objects.update(problem="The host did not answer.")

    findings.code.fetch(finding)

    assert Repository.objects.get().problem == ""


def test_a_commit_that_a_force_push_removed_is_said_to_be_gone(finding: Finding, memory_host: MemoryHost) -> None:
    memory_host.fail("read_file", NotThere("There is no commit cccccccc."))

    assert not findings.code.fetch(finding)
    assert "force push" in findings.code.why_unknown(finding)
    assert Repository.objects.get().problem == ""


def test_a_file_that_is_nothing_to_read_is_told_of(finding: Finding, memory_host: MemoryHost) -> None:
    memory_host.fail("read_file", FileUnreadable("app/orders.py", "it is not text"))

    assert not findings.code.fetch(finding)
    assert findings.code.why_unknown(finding) == "app/orders.py cannot be read: it is not text."


def test_a_file_over_the_limit_is_not_kept(finding: Finding, there: RepositoryThere) -> None:
    there.trees[COMMIT]["app/orders.py"] = "x" * (scm.fetching.LARGEST_FILE_BYTES + 1)

    assert not findings.code.fetch(finding)
    assert CodeFile.objects.count() == 0


def test_no_more_files_are_read_for_one_commit_than_the_limit(
    finding: Finding, there: RepositoryThere, memory_host: MemoryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scm.fetching, "MOST_FILES", 2)
    there.trees[COMMIT] |= dict.fromkeys(("a", "b", "c"), "text")

    scm.fetching.fetch_files(project=finding.project, revision=COMMIT, paths=["a", "b", "c"])

    assert len(memory_host.calls("read_file")) == 2


def test_a_worker_behind_another_reader_of_the_file_waits_its_turn(finding: Finding, memory_host: MemoryHost) -> None:
    outcomes: list[str] = []

    def come_second(call: object) -> None:
        with pytest.raises(TemporaryFailure, match="another worker") as caught:
            findings.code.fetch(finding)
        outcomes.append("spent" if caught.value.spends_attempt else "waits")

    memory_host.before = come_second

    assert findings.code.fetch(finding)
    assert outcomes == ["waits"]
    assert len(memory_host.calls("read_file")) == 1
