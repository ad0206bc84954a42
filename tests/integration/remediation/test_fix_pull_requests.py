"""A fix pull request holds exactly the verified fix, is opened once whatever goes wrong, and is followed to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

import orgs.services
import remediation.selectors
import remediation.tasks
import scm.services
from events.draining import drain
from events.kinds import Kind
from events.models import Event
from findings.models import Finding, Presence
from lib.diffs import unified_diff
from lib.failures import TemporaryFailure
from orgs.models import Project
from orgs.permissions import Role, Scope
from orgs.services import actor_of
from remediation import gates, pull_requests
from remediation.models import Autofix, FixPullRequest
from remediation.pull_requests import NotPossible
from rules.models import Rule
from scm.adapters.base import FileUnreadable, NotAllowed, RateLimited, Refused, ScmError
from scm.models import Installation, Repository
from tests import factories
from tests.vendors.memory_host import (
    FIRST_SHA,
    MemoryHost,
    RepositoryThere,
    a_code_host,
    a_pull_request,
    a_repository,
    memory_host,
)
from triage.models import Source

__all__ = ["memory_host"]
pytestmark = pytest.mark.usefixtures("in_acme")

PATH = "app/load.py"
BEFORE = "import yaml\n\n\ndef load(text):\n    return yaml.load(text)\n"
AFTER = BEFORE.replace("yaml.load", "yaml.safe_load")
EDITS = [{"path": PATH, "old": "    return yaml.load(text)", "new": "    return yaml.safe_load(text)"}]
RULE = """rules:
  - id: unsafe-load
    languages: [python]
    message: Loads anything.
    severity: ERROR
    pattern: yaml.load(...)
"""


@pytest.fixture
def project(in_acme: object) -> Project:
    cache.clear()
    return factories.a_project()


@pytest.fixture
def there(memory_host: MemoryHost, project: Project) -> RepositoryThere:
    """The project's repository, with the file on its main branch."""
    there = memory_host.add_repository()
    there.trees[FIRST_SHA] = {PATH: BEFORE, "requirements.txt": "pyyaml\n"}
    a_repository(there, project=project)
    return there


@pytest.fixture
def finding(there: RepositoryThere, project: Project) -> Finding:
    """A true positive on the main branch."""
    rule = Rule.objects.create(
        identifier="unsafe-load", message="Loads @anything #1.", severity=3, yaml=RULE, languages=["python"]
    )
    finding = factories.a_finding(
        scan=factories.a_scan(project, commit=FIRST_SHA), rule=rule, path=PATH, start_line=5, end_line=5
    )
    factories.a_verdict(finding, "true_positive")
    return finding


def a_fix(finding: Finding, **fields: Any) -> Autofix:
    values: dict[str, Any] = {
        "edits": EDITS,
        "diff": unified_diff(PATH, BEFORE, AFTER),
        "explanation": "Uses the loader that makes plain values only.",
        "gates": [{"gate": gate, "outcome": "passed", "explanation": "As it should."} for gate in gates.Gate],
        "confidence": "high",
        "is_shown": True,
        "is_verified": True,
        "revision": finding.revision,
        "source": Source.MODEL,
        "model": "some-model",
    }
    return Autofix.objects.create(finding=finding, **{**values, **fields})


@pytest.fixture
def fix(finding: Finding) -> Autofix:
    return a_fix(finding)


@pytest.fixture
def asked(fix: Autofix, alice: User) -> FixPullRequest:
    """A fix pull request that Alice asked for, and nobody has opened yet."""
    return pull_requests.request(finding=fix.finding, actor=actor_of(alice))


def work_on(asked: FixPullRequest) -> FixPullRequest:
    """Do the task once."""
    remediation.tasks.open_fix_pull_request.function(fix_pull_request_id=asked.pk)
    asked.refresh_from_db()
    return asked


def kinds() -> list[str]:
    told = Event.objects.filter(kind__startswith="fix_pull_request").order_by("pk")
    return list(told.values_list("kind", flat=True))


def committed_text(there: RepositoryThere, asked: FixPullRequest, path: str = PATH) -> str:
    return there.trees[there.branches[asked.branch]][path]


# --- Opening


def test_it_is_a_draft_with_one_commit_of_exactly_the_fix(
    asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    drain()

    asked.refresh_from_db()
    (opened,) = there.pull_requests.values()
    (commit,) = [call.arguments[0] for call in memory_host.calls("commit")]
    assert (asked.state, asked.number, asked.web_url) == ("opened", opened.number, opened.web_url)
    assert (opened.is_draft, opened.head_branch, opened.base_branch) == (True, asked.branch, "main")
    assert asked.branch.startswith(f"assistant/fix-{asked.finding_id}-")
    assert (commit.parent_sha, commit.files) == (FIRST_SHA, {PATH: AFTER})
    assert there.branches["main"] == FIRST_SHA
    assert kinds() == [Kind.FIX_PULL_REQUEST_REQUESTED, Kind.FIX_PULL_REQUEST_OPENED]


def test_its_text_says_what_was_checked_and_links_back_and_pings_nobody(
    asked: FixPullRequest, memory_host: MemoryHost
) -> None:
    work_on(asked)

    (proposal,) = [call.arguments[0] for call in memory_host.calls("open_pull_request")]
    assert proposal.title == "Fix unsafe-load in load.py"
    assert f"/orgs/acme/findings/{asked.finding_id}/" in proposal.body
    assert proposal.body.count("As it should.") == len(gates.Gate)
    assert "`@anything` `#1`." in proposal.body
    assert "Close this pull request" in proposal.body
    assert "alice" not in proposal.body


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text.replace("import yaml", "import yaml  # façade\f"),
    ],
    ids=["windows line ends", "no final newline", "other characters"],
)
def test_every_byte_that_is_not_of_the_fix_stays(
    change: Callable[[str], str], fix: Autofix, there: RepositoryThere, project: Project, alice: User
) -> None:
    there.trees[FIRST_SHA][PATH] = change(BEFORE)

    asked = work_on(pull_requests.request(finding=fix.finding, actor=actor_of(alice)))

    assert committed_text(there, asked) == change(AFTER)


def test_a_fix_of_several_files_is_one_commit(
    finding: Finding, there: RepositoryThere, memory_host: MemoryHost, alice: User
) -> None:
    there.trees[FIRST_SHA]["app/other.py"] = "a = 1\nb = 2\n"
    a_fix(finding, edits=[*EDITS, {"path": "app/other.py", "old": "b = 2", "new": "b = 3"}])

    asked = work_on(pull_requests.request(finding=finding, actor=actor_of(alice)))

    assert len(memory_host.calls("commit")) == 1
    assert committed_text(there, asked, "app/other.py") == "a = 1\nb = 3\n"


def test_the_fix_of_a_finding_in_a_pull_request_goes_into_its_branch(
    finding: Finding, there: RepositoryThere, memory_host: MemoryHost, alice: User
) -> None:
    facts = memory_host.add_pull_request()
    there.trees[facts.head_sha] = {PATH: BEFORE}
    Presence.objects.update(ref="pull/7", is_pull_request=True)
    a_fix(finding)

    asked = work_on(pull_requests.request(finding=finding, actor=actor_of(alice)))

    assert (asked.state, asked.base_branch, asked.base_sha) == ("opened", "feature", facts.head_sha)


@pytest.mark.parametrize("fields", [{"is_from_fork": True}, {"state": "closed"}], ids=["fork", "closed"])
def test_nothing_is_opened_into_a_fork_or_a_closed_pull_request(
    fields: dict[str, Any], finding: Finding, memory_host: MemoryHost, alice: User
) -> None:
    memory_host.add_pull_request(**fields)
    Presence.objects.update(ref="pull/7", is_pull_request=True)
    a_fix(finding)

    asked = work_on(pull_requests.request(finding=finding, actor=actor_of(alice)))

    assert asked.state == "refused"
    assert "come from a fork" in asked.problem
    assert memory_host.calls("commit") == []


# --- The file has changed since


def test_where_the_file_has_changed_every_check_is_run_again(
    asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    newer = "# moved down\n" + BEFORE
    there.trees["d" * 40] = {PATH: newer, "requirements.txt": "pyyaml\n"}
    there.branches["main"] = "d" * 40

    work_on(asked)

    assert (asked.state, asked.problem) == ("opened", "")
    assert committed_text(there, asked) == "# moved down\n" + AFTER


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        (BEFORE.replace("yaml.load(text)", "yaml.load(text, Loader)"), "lines of the finding have changed"),
        (BEFORE + "\n\ndef again(text):\n    return yaml.load(text)\n", "more than once"),
    ],
    ids=["finding's lines", "block twice"],
)
def test_a_fix_that_is_not_verified_any_more_is_refused_in_words(
    newer: str, why: str, asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    there.trees["d" * 40] = {PATH: newer}
    there.branches["main"] = "d" * 40

    work_on(asked)

    assert asked.state == "refused"
    assert why in asked.problem
    assert memory_host.calls("commit") == []
    assert kinds()[-1] == Kind.FIX_PULL_REQUEST_REFUSED


def test_a_rule_that_is_new_since_counts_where_the_file_has_changed(
    asked: FixPullRequest, there: RepositoryThere
) -> None:
    Rule.objects.create(
        identifier="no-yaml",
        message="No YAML here.",
        severity=3,
        yaml=RULE.replace("unsafe-load", "no-yaml").replace("yaml.load", "yaml.safe_load"),
        languages=["python"],
    )
    there.trees["d" * 40] = {PATH: "# newer\n" + BEFORE, "requirements.txt": "pyyaml\n"}
    there.branches["main"] = "d" * 40

    work_on(asked)

    assert asked.state == "refused"
    assert asked.problem.startswith("app/load.py changed on main since the fix was verified")


# --- Refused in words


def gone_branch(there: RepositoryThere, memory_host: MemoryHost) -> None:
    del there.branches["main"]


def gone_file(there: RepositoryThere, memory_host: MemoryHost) -> None:
    del there.trees[FIRST_SHA][PATH]


def archived(there: RepositoryThere, memory_host: MemoryHost) -> None:
    memory_host.archive()


def large_file(there: RepositoryThere, memory_host: MemoryHost) -> None:
    there.trees[FIRST_SHA][PATH] = BEFORE + "#" * 1024 * 1024


def read_only(there: RepositoryThere, memory_host: MemoryHost) -> None:
    there.is_readable_only = True


def submodule(there: RepositoryThere, memory_host: MemoryHost) -> None:
    memory_host.fail("read_file", FileUnreadable(PATH, "it is a submodule"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (gone_branch, "The branch main is not there any more."),
        (gone_file, "app/load.py is not on main any more."),
        (archived, "acme/shop is archived"),
        (large_file, "larger than 1 MB"),
        (read_only, "The token may only read here."),
        (submodule, "it is a submodule"),
    ],
)
def test_what_the_host_does_not_let_us_do_is_told(
    spoil: Callable[[RepositoryThere, MemoryHost], None],
    why: str,
    asked: FixPullRequest,
    there: RepositoryThere,
    memory_host: MemoryHost,
) -> None:
    spoil(there, memory_host)

    work_on(asked)

    assert asked.state == "refused"
    assert why in asked.problem
    assert there.pull_requests == {}


def test_a_branch_of_that_name_with_something_else_is_left_alone(
    asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    memory_host.fail("commit", ScmError("The host does not answer.", permanent=False))
    with pytest.raises(TemporaryFailure):
        work_on(asked)
    asked.refresh_from_db()
    there.branches[asked.branch] = FIRST_SHA

    work_on(asked)

    assert asked.state == "refused"
    assert "holds something else" in asked.problem
    assert there.branches[asked.branch] == FIRST_SHA


def test_only_a_verified_fix_of_an_open_finding_can_be_asked_for(finding: Finding, alice: User) -> None:
    with pytest.raises(NotPossible, match="no fix"):
        pull_requests.request(finding=finding, actor=actor_of(alice))
    fix = a_fix(finding, is_verified=False)
    with pytest.raises(NotPossible, match="not passed every check"):
        pull_requests.request(finding=finding, actor=actor_of(alice))
    Autofix.objects.filter(pk=fix.pk).update(is_verified=True)
    Finding.objects.update(is_present=False)
    with pytest.raises(NotPossible, match="not open any more"):
        pull_requests.request(finding=finding, actor=actor_of(alice))


def test_a_project_without_a_repository_and_an_app_without_permission_are_told_of(fix: Autofix) -> None:
    host = a_code_host(is_app=True)
    installation = Installation.objects.create(
        host=host, external_id="1", account="acme", permissions={"contents": "read"}
    )
    Repository.objects.update(host=host, installation=installation)
    assert "may not write code in acme/shop" in pull_requests.standing_of(fix.finding).why_not
    Installation.objects.update(is_suspended=True)
    assert "suspended" in pull_requests.standing_of(fix.finding).why_not
    Repository.objects.update(is_archived=True)
    assert "archived" in pull_requests.standing_of(fix.finding).why_not
    Repository.objects.all().delete()
    assert "not connected" in pull_requests.standing_of(fix.finding).why_not


# --- Once, whatever goes wrong

STEPS = ["repository", "branch_sha", "read_file", "commit", "pull_request_of_branch", "open_pull_request"]


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_one_pull_request_and_one_commit(
    step: str, is_after: bool, asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    memory_host.fail(step, KeyboardInterrupt(), is_after=is_after)
    with pytest.raises(KeyboardInterrupt):
        work_on(asked)

    work_on(asked)

    assert (asked.state, len(there.pull_requests)) == ("opened", 1)
    assert committed_text(there, asked) == AFTER
    assert sorted(there.branches) == sorted(["main", asked.branch])
    assert kinds().count(Kind.FIX_PULL_REQUEST_OPENED) == 1


def test_a_later_try_stands_on_the_same_commit_though_the_branch_went_on(
    asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    memory_host.fail("commit", KeyboardInterrupt(), is_after=True)
    with pytest.raises(KeyboardInterrupt):
        work_on(asked)
    there.trees["d" * 40] = {PATH: "something else entirely\n"}
    there.branches["main"] = "d" * 40

    work_on(asked)

    assert (asked.state, asked.base_sha, len(there.pull_requests)) == ("opened", FIRST_SHA, 1)


@pytest.mark.parametrize("step", STEPS)
def test_two_workers_at_once_open_one(
    step: str, asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    """The second runs to its end just before a step of the first, as if the first had lost its lease there."""

    def run_the_other(call: Any) -> None:
        if call.method == step:
            memory_host.before = lambda call: None
            remediation.tasks.open_fix_pull_request.function(fix_pull_request_id=asked.pk)

    memory_host.before = run_the_other

    work_on(asked)

    assert (asked.state, len(there.pull_requests), len(there.branches)) == ("opened", 1, 2)
    assert kinds().count(Kind.FIX_PULL_REQUEST_OPENED) == 1


def test_a_double_click_asks_once(fix: Autofix, alice: User, there: RepositoryThere) -> None:
    first, second = (pull_requests.request(finding=fix.finding, actor=actor_of(alice)) for _ in range(2))

    drain()

    assert first.pk == second.pk
    assert (len(there.pull_requests), kinds().count(Kind.FIX_PULL_REQUEST_REQUESTED)) == (1, 1)


def test_a_limited_host_is_waited_for_without_spending_an_attempt(
    asked: FixPullRequest, memory_host: MemoryHost
) -> None:
    memory_host.fail("commit", RateLimited("Too many requests.", retry_after_seconds=90))

    with pytest.raises(TemporaryFailure) as caught:
        work_on(asked)

    assert (caught.value.retry_after_seconds, caught.value.spends_attempt) == (90, False)
    assert work_on(asked).state == "opened"


def test_a_host_that_never_answers_is_told_of_in_the_end(asked: FixPullRequest, memory_host: MemoryHost) -> None:
    exhausted = remediation.tasks.open_fix_pull_request.on_exhausted
    assert exhausted is not None

    exhausted(fix_pull_request_id=asked.pk)

    asked.refresh_from_db()
    assert (asked.state, "did not answer" in asked.problem) == ("refused", True)


def test_one_given_up_whose_answer_was_lost_is_found_again(
    asked: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost
) -> None:
    memory_host.fail("open_pull_request", Refused("The answer was lost."), is_after=True)
    assert work_on(asked).state == "refused"

    remediation.tasks.check_fix_pull_requests.function()

    asked.refresh_from_db()
    assert (asked.state, asked.number) == ("opened", next(iter(there.pull_requests)))


# --- What becomes of it


@pytest.fixture
def opened(asked: FixPullRequest) -> FixPullRequest:
    return work_on(asked)


@pytest.mark.parametrize(
    ("state", "kind"), [("merged", Kind.FIX_PULL_REQUEST_MERGED), ("closed", Kind.FIX_PULL_REQUEST_CLOSED)]
)
def test_it_is_followed_by_webhook_once_and_the_finding_stays_open(
    state: str, kind: Kind, opened: FixPullRequest, memory_host: MemoryHost, project: Project
) -> None:
    facts = memory_host.change_pull_request(number=opened.number, state=state)
    pull_request = scm.services.keep_pull_request(project=project, facts=facts)

    for _ in range(2):
        remediation.tasks.follow_pull_request.function(pull_request_id=pull_request.pk)

    opened.refresh_from_db()
    assert (opened.state, kinds().count(kind)) == (state, 1)
    assert Finding.objects.get(pk=opened.finding_id).is_open


def test_it_is_followed_once_a_day_where_no_webhook_comes(opened: FixPullRequest, memory_host: MemoryHost) -> None:
    memory_host.change_pull_request(number=opened.number, state="merged")

    remediation.tasks.check_fix_pull_requests.function()

    opened.refresh_from_db()
    assert opened.state == "merged"


def test_a_branch_of_the_same_name_in_a_fork_changes_nothing(
    opened: FixPullRequest, memory_host: MemoryHost, project: Project
) -> None:
    facts = memory_host.change_pull_request(number=opened.number, state="merged")
    stranger = a_pull_request(replace(facts, number="99", is_from_fork=True), project=project)

    remediation.tasks.follow_pull_request.function(pull_request_id=stranger.pk)

    opened.refresh_from_db()
    assert (opened.state, opened.number != "99") == ("opened", True)


def test_after_one_was_closed_another_can_be_asked_for_and_is_another(
    opened: FixPullRequest, there: RepositoryThere, memory_host: MemoryHost, alice: User
) -> None:
    memory_host.change_pull_request(number=opened.number, state="closed")
    remediation.tasks.check_fix_pull_requests.function()

    again = work_on(pull_requests.request(finding=opened.finding, actor=actor_of(alice)))

    opened.refresh_from_db()
    assert (opened.state, again.state, len(there.pull_requests)) == ("closed", "opened", 2)
    assert again.number != opened.number
    assert remediation.selectors.open_fix_pull_request([opened.finding_id]) == {opened.finding_id: again}


def test_one_that_is_opened_again_beside_a_newer_one_stays_closed(
    opened: FixPullRequest, memory_host: MemoryHost, alice: User
) -> None:
    memory_host.change_pull_request(number=opened.number, state="closed")
    remediation.tasks.check_fix_pull_requests.function()
    again = work_on(pull_requests.request(finding=opened.finding, actor=actor_of(alice)))
    facts = memory_host.change_pull_request(number=opened.number, state="open")

    pull_request = scm.services.keep_pull_request(project=opened.finding.project, facts=facts)
    remediation.tasks.follow_pull_request.function(pull_request_id=pull_request.pk)

    opened.refresh_from_db()
    again.refresh_from_db()
    assert (opened.state, again.state) == ("closed", "opened")


# --- Pages


def test_the_page_has_the_button_then_the_link(fix: Autofix, alice: User, client_for: Callable[[User], Client]) -> None:
    client, page = client_for(alice), f"/orgs/acme/findings/{fix.finding_id}/"

    assert "Open fix pull request" in client.get(page).content.decode()
    client.post(f"{page}fix-pull-request/")
    assert "being opened" in client.get(page).content.decode()
    drain()

    shown = client.get(page).content.decode()
    opened = FixPullRequest.objects.get()
    assert f'href="{opened.web_url}"' in shown
    assert "opened a fix pull request" in shown
    assert "Open fix pull request" not in shown


def test_the_page_says_why_not(fix: Autofix, alice: User, client_for: Callable[[User], Client]) -> None:
    Repository.objects.update(is_archived=True)
    client, page = client_for(alice), f"/orgs/acme/findings/{fix.finding_id}/"

    shown = client.get(page).content.decode()
    client.post(f"{page}fix-pull-request/")

    assert "acme/shop is archived" in shown
    assert "Open fix pull request" not in shown
    assert FixPullRequest.objects.count() == 0


def test_who_only_reads_cannot_ask_for_one(fix: Autofix, client_for: Callable[[User], Client]) -> None:
    reader = factories.a_person("reader@acme.example")
    factories.a_member(reader, Role.READ_ONLY)
    client, page = client_for(reader), f"/orgs/acme/findings/{fix.finding_id}/"

    assert client.post(f"{page}fix-pull-request/").status_code == 403
    assert "Members and above" in client.get(page).content.decode()
    assert FixPullRequest.objects.count() == 0


def test_a_refusal_of_the_host_stands_on_the_page(
    asked: FixPullRequest, memory_host: MemoryHost, alice: User, client_for: Callable[[User], Client]
) -> None:
    memory_host.fail("commit", NotAllowed("The App may not write <code> here.", missing="contents: write"))
    work_on(asked)

    shown = client_for(alice).get(f"/orgs/acme/findings/{asked.finding_id}/").content.decode()

    assert "The App may not write &lt;code&gt; here." in shown
    assert "Try again" in shown


# --- Through the API


def test_a_token_asks_for_one_and_is_told_how_it_stands(fix: Autofix, alice: User) -> None:
    token, text = orgs.services.create_token(
        name="nightly", scopes=[Scope.API_READ, Scope.API_WRITE], created_by=alice, actor=actor_of(alice)
    )
    client = Client(headers={"authorization": f"Bearer {text}"})
    address = f"/api/v1/deployments/acme/findings/{fix.finding_id}/fix-pull-request"

    before, asked, again = client.get(address), client.post(address), client.post(address)
    drain()
    after = client.get(address).json()["fix_pull_request"]

    assert before.json() == {"fix_pull_request": None, "may_be_opened": True, "why_not": ""}
    assert (asked.status_code, asked.json()["fix_pull_request"]["state"]) == (202, "requested")
    assert again.json()["fix_pull_request"]["id"] == asked.json()["fix_pull_request"]["id"] == after["id"]
    assert (after["state"], after["requested_by"]) == ("opened", token.name)


def test_a_token_is_told_why_none_can_be_opened(fix: Autofix, alice: User) -> None:
    Repository.objects.update(is_archived=True)
    _, text = orgs.services.create_token(
        name="nightly", scopes=[Scope.API_READ, Scope.API_WRITE], created_by=alice, actor=actor_of(alice)
    )

    answer = Client(headers={"authorization": f"Bearer {text}"}).post(
        f"/api/v1/deployments/acme/findings/{fix.finding_id}/fix-pull-request"
    )

    assert (answer.status_code, "is archived" in answer.json()["detail"]) == (409, True)
