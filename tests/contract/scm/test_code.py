"""Files, repositories and accounts, and pull requests as the host has them."""

from __future__ import annotations

import pytest

import scm.adapters.base
from scm.adapters.base import (
    FileMissing,
    FileUnreadable,
    NotThere,
    ScmAdapter,
    ScmError,
)
from tests.contract.scm.conformance import FIRST_FILES, HostUnderTest
from tests.contract.scm.drafts import CHANGED, VIEWS


@pytest.mark.parametrize("path", ["app/views.py", "umläut/ein name.py", "long.py"])
def test_a_file_is_read_as_it_was_at_the_commit(host: HostUnderTest, adapter: ScmAdapter, path: str) -> None:
    before = host.head("main")
    host.commit("main", {path: "something newer\n"})

    assert adapter.read_file(host.repository, path, before) == FIRST_FILES[path]
    assert adapter.read_file(host.repository, path, "main") == "something newer\n"


def test_text_is_read_whatever_its_encoding(host: HostUnderTest, adapter: ScmAdapter) -> None:
    assert adapter.read_file(host.repository, "marked.py", "main") == "print('märked')\n"
    assert adapter.read_file(host.repository, "latin.py", "main") == "# café\n"


@pytest.mark.parametrize(
    "path", ["app", "logo.png", "huge.py", "a-link", "a-module", "../outside.py", "app/../../outside.py", "/etc/passwd"]
)
def test_what_is_no_text_to_read_is_told_from_what_is_missing(
    host: HostUnderTest, adapter: ScmAdapter, path: str
) -> None:
    host.put_link("a-link", "/etc/passwd")
    host.put_module("a-module")

    with pytest.raises(FileUnreadable):
        adapter.read_file(host.repository, path, "main")


def test_a_missing_file_is_told_from_a_missing_commit_and_repository(host: HostUnderTest, adapter: ScmAdapter) -> None:
    with pytest.raises(FileMissing):
        adapter.read_file(host.repository, "app/none.py", "main")
    with pytest.raises(NotThere):
        adapter.read_file(host.repository, "app/views.py", "0" * 40)
    with pytest.raises(NotThere):
        adapter.read_file("acme/none", "app/views.py", "main")


# --- Repositories and accounts ----------------------------------------------------------------------------------------


def test_we_know_our_own_name(host: HostUnderTest, adapter: ScmAdapter) -> None:
    assert adapter.whoami().account == host.us


def test_repositories_are_listed_page_by_page(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.use_small_pages()
    host.add_repositories(4)

    listed = list(adapter.repositories())

    assert len(listed) == len({each.external_id for each in listed}) == 5
    assert host.repository in {each.full_name for each in listed}


def test_a_list_without_an_end_is_not_read_for_ever(
    host: HostUnderTest, adapter: ScmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scm.adapters.base, "MOST_OF_A_LIST", 3)
    host.use_small_pages()
    host.add_repositories(4)

    with pytest.raises(ScmError, match="more than 3") as raised:
        list(adapter.repositories())

    assert raised.value.permanent


def test_a_repository_keeps_its_number_when_it_is_renamed(host: HostUnderTest, adapter: ScmAdapter) -> None:
    before, first = host.repository, host.head("main")
    host.commit("main", {"app/views.py": "newer\n"})
    host.rename("store")

    by_number, by_old_name = adapter.repository(host.repository_id), adapter.repository(before)

    assert by_number == by_old_name
    assert (by_number.full_name, by_number.external_id) == (host.repository, host.repository_id)
    assert (by_number.is_private, by_number.is_archived, by_number.default_branch) == (True, False, "main")
    assert adapter.read_file(before, "app/views.py", first) == VIEWS


def test_only_who_may_push_may_write(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.let("carol", write=True)
    host.let("dan", write=False)

    writers = [name for name in ("carol", "dan", "nobody") if adapter.may_write(host.repository, name)]

    assert writers == ["carol"]


def test_the_webhook_is_set_up_once(host: HostUnderTest, adapter: ScmAdapter) -> None:
    url = "https://assistant.example/hooks/1"

    first = adapter.ensure_webhook(host.repository, url=url, secret="old")
    second = adapter.ensure_webhook(host.repository, url=url, secret="new")

    assert first == second
    assert host.webhooks() == ([] if host.has_own_webhook else [(url, "new")])
    adapter.remove_webhook(host.repository, first)
    adapter.remove_webhook(host.repository, first)
    assert host.webhooks() == []


def test_everything_that_is_needed_is_allowed_here(host: HostUnderTest, adapter: ScmAdapter) -> None:
    checks = adapter.check()

    assert checks
    assert {check.granted for check in checks} == {True}
    assert all(check.name and check.needed_for for check in checks)


# --- Pull requests ----------------------------------------------------------------------------------------------------


def test_what_is_no_number_is_no_pull_request(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    # CI may name a pull request as it likes.
    for name in ("feature-x", f"0_{number}", "9" * 30):
        with pytest.raises(NotThere):
            adapter.pull_request(host.repository, name)


def test_a_pull_request_is_told_as_it_is(host: HostUnderTest, adapter: ScmAdapter, number: str) -> None:
    facts = adapter.pull_request(host.repository, number)

    assert (facts.number, facts.title, facts.author) == (number, "Change things", "bob")
    assert (facts.state, facts.is_draft, facts.is_from_fork) == ("open", False, False)
    assert (facts.head_branch, facts.head_sha) == ("feature", host.head("feature"))
    assert (facts.base_branch, facts.base_sha) == ("main", host.head("main"))
    assert facts.changed_at is not None
    assert facts.changed_at.tzinfo is not None
    assert facts.web_url.startswith(host.access.base_url)


@pytest.mark.parametrize(("is_merged", "state"), [(True, "merged"), (False, "closed")])
def test_the_end_of_a_pull_request_is_told(
    host: HostUnderTest, adapter: ScmAdapter, number: str, is_merged: bool, state: str
) -> None:
    host.close(number, is_merged=is_merged)

    assert adapter.pull_request(host.repository, number).state == state


def test_a_fork_is_told(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.commit("theirs", {"app/views.py": CHANGED})
    number = host.open_from_fork("theirs")

    assert adapter.pull_request(host.repository, number).is_from_fork
    assert adapter.pull_request_of_branch(host.repository, "theirs") is None


def test_a_missing_pull_request_is_told(host: HostUnderTest, adapter: ScmAdapter) -> None:
    with pytest.raises(NotThere):
        adapter.pull_request(host.repository, "999")


def test_changed_files_come_with_the_lines_that_are_shown(host: HostUnderTest, adapter: ScmAdapter) -> None:
    host.use_small_pages()
    old = str(FIRST_FILES["app/old_name.py"])
    host.commit(
        "feature",
        {
            "app/views.py": CHANGED,
            "app/new.py": "one\ntwo\n",
            "app/unused.py": None,
            "logo.png": b"\x89PNG\0other",
            "app/old_name.py": None,
            "app/new_name.py": old.replace("old 5\n", "new 5\n"),
        },
    )
    number = host.open_pull_request("feature", renamed={"app/new_name.py": "app/old_name.py"})

    files = {each.path: each for each in adapter.changed_files(host.repository, number)}

    assert {path: each.status for path, each in files.items()} == {
        "app/views.py": "modified",
        "app/new.py": "added",
        "app/unused.py": "removed",
        "logo.png": "modified",
        "app/new_name.py": "renamed",
    }
    # Three lines of context, the changed line, a new one, and the numbers behind it moved by one.
    assert dict(files["app/views.py"].lines) == {27: 27, 28: 28, 29: 29, 30: None, 31: None, 32: 31, 33: 32, 34: 33}
    assert dict(files["app/new.py"].lines) == {1: None, 2: None}
    assert dict(files["app/unused.py"].lines) == {}
    assert dict(files["logo.png"].lines) == {}
    assert files["app/new_name.py"].old_path == "app/old_name.py"
    assert files["app/new_name.py"].lines[5] is None
