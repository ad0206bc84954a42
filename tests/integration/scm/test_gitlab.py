"""GitLab through the real python-gitlab, against a GitLab that remembers: what is GitLab's alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from scm.adapters.base import (
    FileMissing,
    FileUnreadable,
    NotAllowed,
    NotThere,
    RateLimited,
    Refused,
    ScmError,
    WrongCredentials,
)
from scm.adapters.gitlab.adapter import GitLabAdapter
from scm.adapters.values import (
    CommentDraft,
    Commit,
    HostAccess,
    NotPosted,
    PostedComment,
    Proposal,
    Reaction,
    StatusDraft,
    StatusState,
)
from tests.vendors.gitlab import replies
from tests.vendors.gitlab.git import File
from tests.vendors.gitlab.state import DEVELOPER, MAINTAINER, REPORTER, MergeRequest, Project, User
from tests.vendors.gitlab_server import GitLabServer
from tests.vendors.server import Scripted

TOKEN = "glpat-of-the-assistant"
SHOP = "acme/web/shop"
ORDERS = "".join(f"line {number}\n" for number in range(1, 41))
CHANGED = ORDERS.replace("line 20\n", "line 20 changed\nline 20 and a half\n")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@dataclass
class Shop:
    """A project where the Assistant is a Developer, and a merge request that changes two files and renames one."""

    server: GitLabServer
    project: Project
    assistant: User
    dora: User
    merge_request: MergeRequest

    @property
    def head(self) -> str:
        return self.merge_request.versions[0].head_sha

    def notes(self) -> list[str]:
        return [note.body for note in self.merge_request.notes()]


@pytest.fixture
def shop(gitlab: GitLabServer) -> Shop:
    known = gitlab.gitlab
    assistant, dora = known.add_user("group_12_bot_0a1b"), known.add_user("dora")
    known.add_token(TOKEN, assistant)
    project = known.add_project(
        SHOP,
        files={
            "src/orders.py": ORDERS,
            "src/old name.py": "".join(f"kept {number}\n" for number in range(1, 13)),
            "run.sh": File(b"#!/bin/sh\necho one\n", is_executable=True),
        },
    )
    project.members |= {assistant.id: DEVELOPER, dora.id: MAINTAINER}
    known.push(
        project,
        "feature",
        {
            "src/orders.py": CHANGED,
            "src/old name.py": None,
            "src/new name.py": "".join(f"kept {number}\n" for number in range(1, 13)) + "added\n",
            "picture.png": File(b"\x89PNG\0"),
        },
    )
    return Shop(gitlab, project, assistant, dora, known.open_merge_request(project, "feature", author=dora))


@pytest.fixture
def adapter(shop: Shop) -> Iterator[GitLabAdapter]:
    made = GitLabAdapter(HostAccess(base_url=shop.server.url, token=TOKEN))
    yield made
    made.close()


def status(state: StatusState, *, title: str = "No findings") -> StatusDraft:
    return StatusDraft("Assistant", state, title, "Summary", "https://assistant.example/pulls/1")


def posted_by(adapter: GitLabAdapter, shop: Shop, *drafts: CommentDraft) -> list[PostedComment | NotPosted]:
    return adapter.post_comments(SHOP, "1", head_sha=shop.head, drafts=drafts)


# --- Files ------------------------------------------------------------------------------------------------------------


def test_files_are_read_at_a_commit(adapter: GitLabAdapter, shop: Shop) -> None:
    main = shop.project.git.branches["main"]

    assert adapter.read_file(SHOP, "src/orders.py", main) == ORDERS
    assert adapter.read_file(str(shop.project.id), "src/orders.py", "feature") == CHANGED


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("src", "folder"),
        ("vendored", "submodule"),
        ("model.bin", "Git LFS"),
        ("picture.png", "not text"),
        ("huge.txt", "larger than 2 MB"),
        ("../secrets", "outside"),
        ("/etc/passwd", "outside"),
        ("", "no file"),
    ],
)
def test_what_is_nothing_to_read_is_named(adapter: GitLabAdapter, shop: Shop, path: str, why: str) -> None:
    shop.server.gitlab.push(
        shop.project,
        "feature",
        {"vendored": File(b"", is_submodule=True), "model.bin": POINTER, "huge.txt": "x" * (2 * 1024 * 1024 + 1)},
    )

    with pytest.raises(FileUnreadable, match=why):
        adapter.read_file(SHOP, path, "feature")


def test_an_empty_file_is_no_submodule_and_older_encodings_are_read(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.push(shop.project, "feature", {"empty.py": "", "latin.py": File("é".encode("latin-1"))})

    assert adapter.read_file(SHOP, "empty.py", "feature") == ""
    assert adapter.read_file(SHOP, "latin.py", "feature") == "é"


def test_a_missing_file_is_told_from_a_missing_commit_and_project(adapter: GitLabAdapter) -> None:
    with pytest.raises(FileMissing):
        adapter.read_file(SHOP, "src/none.py", "main")
    with pytest.raises(NotThere, match="Commit Not Found"):
        adapter.read_file(SHOP, "src/orders.py", "f" * 40)
    with pytest.raises(NotThere, match="Project Not Found"):
        adapter.read_file("acme/none", "src/orders.py", "main")


# --- Where comments stand ---------------------------------------------------------------------------------------------


def test_the_lines_of_a_diff_are_read_from_all_its_pages(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.most_per_page = 1

    files = {file.path: file for file in adapter.changed_files(SHOP, "1")}

    assert files["src/orders.py"].lines == {17: 17, 18: 18, 19: 19, 20: None, 21: None, 22: 21, 23: 22, 24: 23}
    renamed = files["src/new name.py"]
    assert (renamed.status, renamed.old_path, renamed.lines[13]) == ("renamed", "src/old name.py", None)
    assert (files["picture.png"].status, files["picture.png"].lines) == ("added", {})


def test_what_gitlab_leaves_out_of_a_diff_has_no_lines(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.merge_request.diffs_too_large.add("src/orders.py")
    shop.merge_request.diffs_collapsed.add("src/new name.py")

    assert [file.lines for file in adapter.changed_files(SHOP, "1")] == [{}, {}, {}]


def test_comments_stand_on_added_unchanged_and_renamed_lines_and_on_ranges(adapter: GitLabAdapter, shop: Shop) -> None:
    answers = posted_by(
        adapter,
        shop,
        CommentDraft("added", "On an added line", "src/orders.py", 21),
        CommentDraft("unchanged", "On an unchanged line", "src/orders.py", 23),
        CommentDraft("renamed", "In a renamed file", "src/new name.py", 13),
        CommentDraft("range", "On a range", "src/orders.py", 22, start_line=19),
        CommentDraft("talk", "In the conversation"),
    )

    assert [type(answer) for answer in answers] == [PostedComment] * 5
    assert [answer.key for answer in answers] == ["added", "unchanged", "renamed", "range", "talk"]
    positions = {note.body: note.position or {} for note in shop.merge_request.notes()}
    lines = {body: (place.get("old_line"), place.get("new_line")) for body, place in positions.items()}
    assert lines["On an added line"] == (None, 21)
    assert lines["On an unchanged line"] == (22, 23)
    assert (positions["In a renamed file"]["old_path"], lines["In a renamed file"]) == ("src/old name.py", (None, 13))
    ends = positions["On a range"]["line_range"]
    assert (ends["start"]["type"], ends["start"]["line_code"].split("_")[1:]) == ("old", ["19", "19"])
    assert (ends["end"]["type"], ends["end"]["line_code"].split("_")[1:]) == ("old", ["21", "22"])
    assert positions["In the conversation"] == {}


def test_a_line_that_the_diff_does_not_show_is_not_asked_for(adapter: GitLabAdapter, shop: Shop) -> None:
    (answer,) = posted_by(adapter, shop, CommentDraft("far", "Far away", "src/orders.py", 2))

    assert isinstance(answer, NotPosted)
    assert answer.is_place_refused
    assert shop.server.asked("POST") == []


def test_a_place_that_gitlab_refuses_is_one_to_try_elsewhere(adapter: GitLabAdapter, shop: Shop) -> None:
    words = '400 Bad request - Note {:line_code=>["can\'t be blank", "must be a valid line code"]}'
    shop.server.fail(replies.bad_request(words), on="POST")
    shop.server.fail(replies.bad_request({"note": ["is too long (maximum is 1000000 characters)"]}), on="POST")

    (place,) = posted_by(adapter, shop, CommentDraft("a", "One", "src/orders.py", 20))
    (text,) = posted_by(adapter, shop, CommentDraft("b", "Two", "src/orders.py", 20))

    assert isinstance(place, NotPosted)
    assert isinstance(text, NotPosted)
    assert [place.is_place_refused, text.is_place_refused] == [True, False]
    assert "too long" in text.reason


def test_comments_of_an_earlier_push_stand_in_its_version(adapter: GitLabAdapter, shop: Shop) -> None:
    earlier = shop.head
    shop.server.gitlab.push(shop.project, "feature", {"src/orders.py": ORDERS + "line 41\n"})

    (answer,) = adapter.post_comments(
        SHOP, "1", head_sha=earlier, drafts=[CommentDraft("old", "Look", "src/orders.py", 20)]
    )

    assert isinstance(answer, PostedComment)
    (note,) = shop.merge_request.notes()
    assert note.position is not None
    assert note.position["head_sha"] == earlier


def test_fifty_comments_are_posted_and_found_again(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.most_per_page = 20
    drafts = [CommentDraft(str(number), f"Finding {number}", "src/orders.py", 17 + number % 8) for number in range(50)]

    answers = posted_by(adapter, shop, *drafts)
    found = adapter.comments(SHOP, "1")

    assert [answer.key for answer in answers] == [draft.key for draft in drafts]
    assert sorted(each.body for each in found) == sorted(draft.body for draft in drafts)
    assert {each.comment_id for each in found} == {
        each.comment_id for each in answers if isinstance(each, PostedComment)
    }
    assert all(each.is_ours and each.web_url.endswith(f"#note_{each.comment_id}") for each in found)


def test_where_gitlab_asks_to_wait_nothing_more_is_posted(adapter: GitLabAdapter, shop: Shop) -> None:
    drafts = [CommentDraft(str(number), f"Finding {number}", "src/orders.py", 20) for number in range(50)]
    shop.server.fail(replies.rate_limited(retry_after=7), on="POST")

    with pytest.raises(RateLimited) as raised:
        posted_by(adapter, shop, *drafts)

    assert (raised.value.retry_after_seconds, raised.value.permanent) == (7.0, False)
    assert len(adapter.comments(SHOP, "1")) == len(shop.notes()) < 10


def test_comments_that_were_posted_though_the_answer_was_lost_are_found(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.fail(replies.CUT, on="POST", is_applied=True)

    with pytest.raises(ScmError) as raised:
        posted_by(adapter, shop, CommentDraft("a", "Once", "src/orders.py", 20))

    assert not raised.value.permanent
    assert [comment.body for comment in adapter.comments(SHOP, "1")] == ["Once"]


# --- The talk ---------------------------------------------------------------------------------------------------------


def test_threads_are_read_with_who_answered_and_without_what_gitlab_notes(adapter: GitLabAdapter, shop: Shop) -> None:
    known, merge_request = shop.server.gitlab, shop.merge_request
    known.write(merge_request, shop.dora, "added 1 commit", is_system=True, is_individual=True)
    known.write(merge_request, shop.dora, "Looks fine", is_individual=True)
    (ours,) = posted_by(adapter, shop, CommentDraft("a", "Look here", "src/orders.py", 20))
    assert isinstance(ours, PostedComment)
    known.write(merge_request, shop.dora, "/fp", discussion_id=ours.thread_id)
    reply_id = adapter.reply(SHOP, "1", ours, "Noted.")
    adapter.resolve(SHOP, "1", ours, is_resolved=True)

    theirs, found = adapter.comments(SHOP, "1")

    assert (theirs.body, theirs.is_ours, theirs.path, theirs.is_resolved) == ("Looks fine", False, "", False)
    assert (found.path, found.line, found.is_ours, found.is_resolved) == ("src/orders.py", 20, True, True)
    assert found.thread_id == ours.thread_id
    assert [(each.author, each.is_ours, each.is_bot) for each in found.replies] == [
        ("dora", False, False),
        ("group_12_bot_0a1b", True, True),
    ]
    assert found.replies[1].comment_id == reply_id


def test_a_comment_is_edited_reacted_to_and_removed_as_often_as_asked(adapter: GitLabAdapter, shop: Shop) -> None:
    (ours,) = posted_by(adapter, shop, CommentDraft("a", "First"))
    assert isinstance(ours, PostedComment)
    note = shop.server.gitlab.write(shop.merge_request, shop.dora, "/fp", discussion_id=ours.thread_id)

    adapter.edit_comment(SHOP, "1", ours, "Second")
    for _ in range(2):
        adapter.react(SHOP, "1", str(note.id), Reaction.DONE, is_on_line=True)
        adapter.resolve(SHOP, "1", ours, is_resolved=True)
    adapter.react(SHOP, "1", str(note.id), Reaction.REFUSED, is_on_line=True)

    assert shop.notes() == ["Second", "/fp"]
    assert sorted(name for _, name in note.awards) == ["confused", "thumbsup"]
    adapter.delete_comment(SHOP, "1", ours)
    adapter.delete_comment(SHOP, "1", ours)
    assert shop.notes() == ["/fp"]


def test_a_comment_without_its_thread_is_answered_and_resolved_all_the_same(adapter: GitLabAdapter, shop: Shop) -> None:
    (ours,) = posted_by(adapter, shop, CommentDraft("a", "First"))
    assert isinstance(ours, PostedComment)
    bare = PostedComment(ours.key, ours.comment_id, "", "")

    adapter.reply(SHOP, "1", bare, "Second")
    adapter.resolve(SHOP, "1", bare, is_resolved=True)

    assert [note.is_resolved for note in shop.merge_request.discussions[ours.thread_id]] == [True, True]
    gone = PostedComment("b", "999", "", "")
    adapter.resolve(SHOP, "1", gone, is_resolved=True)
    with pytest.raises(NotThere):
        adapter.reply(SHOP, "1", gone, "Third")


def test_nothing_that_we_write_is_a_command_to_gitlab(adapter: GitLabAdapter, shop: Shop) -> None:
    (ours,) = posted_by(adapter, shop, CommentDraft("a", "Look:\n```\n/merge\n// a note\n```\n/approve"))
    assert isinstance(ours, PostedComment)

    adapter.reply(SHOP, "1", ours, "/close\n\r/merge\n/\rmerge")  # GitLab takes each CR away before it looks
    first, second = shop.notes()
    adapter.edit_comment(SHOP, "1", ours, "/assign @dora")
    shop.server.gitlab.push(shop.project, "fix", {"a.py": "1\n"})
    adapter.open_pull_request(SHOP, Proposal("fix", "main", "Fix", "/merge"))

    assert first == "Look:\n```\n /merge\n// a note\n```\n /approve"
    assert [second, shop.notes()[0]] == [" /close\n \r/merge\n /\rmerge", " /assign @dora"]
    assert shop.project.merge_requests[-1].description == " /merge"


def test_a_reaction_to_what_is_gone_is_told(adapter: GitLabAdapter, shop: Shop) -> None:
    with pytest.raises(NotThere):
        adapter.react(SHOP, "1", "999", Reaction.DONE, is_on_line=False)


# --- Statuses ---------------------------------------------------------------------------------------------------------


def test_a_status_moves_on_and_the_same_twice_is_no_error(adapter: GitLabAdapter, shop: Shop) -> None:
    running = adapter.show_status(SHOP, shop.head, status(StatusState.PENDING), external_id="")

    again = adapter.show_status(SHOP, shop.head, status(StatusState.PENDING), external_id=running)
    passed = adapter.show_status(SHOP, shop.head, status(StatusState.SUCCESS), external_id=running)
    adapter.show_status(SHOP, shop.head, status(StatusState.SUCCESS), external_id=running)

    assert running == again == passed
    assert [each.status for each in shop.project.statuses] == ["success", "success"]


def test_what_gitlab_has_no_word_for_is_said_in_words(adapter: GitLabAdapter, shop: Shop) -> None:
    adapter.show_status(SHOP, shop.head, status(StatusState.NEUTRAL, title="Not analysed " * 40), external_id="")

    (shown,) = shop.project.statuses
    assert shown.description is not None
    assert (shown.status, shown.description[:12], len(shown.description)) == ("success", "Not analysed", 255)


# --- Fixes ------------------------------------------------------------------------------------------------------------


def test_a_fix_is_one_commit_on_a_branch_of_its_own(adapter: GitLabAdapter, shop: Shop) -> None:
    parent = shop.project.git.branches["main"]
    files = {"run.sh": "#!/bin/sh\necho two\n", "docs/new.md": "New\n", "src/orders.py": None}

    sha = adapter.commit(SHOP, Commit("assistant/fix-1", parent, "Fix it\n\nWhy.", files))

    row = shop.project.git.commits[sha]
    assert adapter.branch_sha(SHOP, "assistant/fix-1") == sha
    assert (row.parents, row.message) == ((parent,), "Fix it\n\nWhy.")
    assert row.tree["run.sh"] == File(b"#!/bin/sh\necho two\n", is_executable=True)
    assert row.tree["docs/new.md"] == File(b"New\n")
    assert "src/orders.py" not in row.tree
    with pytest.raises(Refused, match="already exists"):
        adapter.commit(SHOP, Commit("assistant/fix-1", parent, "Fix it", {"a.py": "1\n"}))


def test_there_is_no_branch_only_where_gitlab_says_so(adapter: GitLabAdapter) -> None:
    assert adapter.branch_sha(SHOP, "none/such") is None
    with pytest.raises(NotThere):
        adapter.branch_sha("acme/none", "main")


def test_a_fix_is_proposed_once_and_not_taken_for_a_forks(adapter: GitLabAdapter, shop: Shop) -> None:
    known = shop.server.gitlab
    fork = known.fork(shop.project, "dora/shop")
    known.push(fork, "assistant/fix-1", {"src/orders.py": "theirs\n"})
    theirs = known.open_merge_request(shop.project, "assistant/fix-1", author=shop.dora, source_project=fork)
    parent = shop.project.git.branches["main"]
    adapter.commit(SHOP, Commit("assistant/fix-1", parent, "Fix it", {"src/orders.py": "ours\n"}))
    proposal = Proposal("assistant/fix-1", "main", "Fix " + "x" * 300, "Why")

    opened = adapter.open_pull_request(SHOP, proposal)
    again = adapter.open_pull_request(SHOP, proposal)
    shop.project.merge_requests[-1].state = "merged"
    found = adapter.pull_request_of_branch(SHOP, "assistant/fix-1")

    assert opened.number == again.number != str(theirs.iid)
    written = shop.project.merge_requests[-1].title
    assert (opened.is_draft, opened.title[:5], written[:11], len(written)) == (True, "Fix x", "Draft: Fix ", 255)
    assert (opened.base_sha, opened.head_branch, opened.is_from_fork) == (parent, "assistant/fix-1", False)
    assert found is not None
    assert (found.number, found.state) == (opened.number, "merged")
    assert adapter.pull_request(SHOP, str(theirs.iid)).is_from_fork


def test_a_merge_request_opened_by_a_lost_answer_is_found(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.push(shop.project, "fix", {"a.py": "1\n"})
    shop.server.fail(replies.CUT, on="POST", is_applied=True)
    proposal = Proposal("fix", "main", "Fix", "Why")

    with pytest.raises(ScmError):
        adapter.open_pull_request(SHOP, proposal)

    assert adapter.open_pull_request(SHOP, proposal).number == "2"
    assert len(shop.project.merge_requests) == 2


# --- Projects, people, webhooks ---------------------------------------------------------------------------------------


def test_all_projects_are_listed_page_by_page(adapter: GitLabAdapter, shop: Shop) -> None:
    known = shop.server.gitlab
    group = known.add_group("acme")
    group.members[shop.assistant.id] = DEVELOPER
    public = known.add_project("acme/site", group=group, visibility="public", is_archived=True)
    known.add_project("other/hidden")
    shop.server.most_per_page = 1

    projects = list(adapter.repositories())

    assert [each.full_name for each in projects] == [SHOP, "acme/site"]
    site = projects[1]
    assert (site.external_id, site.is_private, site.is_archived, site.default_branch) == (
        str(public.id),
        False,
        True,
        "",
    )


def test_a_gitlab_that_names_itself_otherwise_is_asked_where_it_was_typed(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.add_project("acme/site").members[shop.assistant.id] = DEVELOPER
    shop.server.most_per_page = 1
    shop.server.names_itself = "http://gitlab.internal.example"

    assert [each.full_name for each in adapter.repositories()] == [SHOP, "acme/site"]


def test_a_renamed_project_is_found_by_its_number_and_its_old_name(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.rename(shop.project, "acme/store")

    assert adapter.repository(str(shop.project.id)).full_name == "acme/store"
    assert adapter.repository(SHOP).full_name == "acme/store"


def test_who_may_write_is_a_developer_here_or_in_a_group_above(adapter: GitLabAdapter, shop: Shop) -> None:
    known = shop.server.gitlab
    shop.project.group = known.add_group("acme")
    rita, gina, left = known.add_user("rita"), known.add_user("gina"), known.add_user("left", state="blocked")
    known.add_user("stranger")
    shop.project.members |= {rita.id: REPORTER, left.id: DEVELOPER, known.add_user("dora-the-second").id: REPORTER}
    shop.project.group.members[gina.id] = DEVELOPER

    answers = {name: adapter.may_write(SHOP, name) for name in ("Dora", "rita", "gina", "left", "stranger", "dor")}

    assert answers == {"Dora": True, "rita": False, "gina": True, "left": False, "stranger": False, "dor": False}


def test_a_webhook_is_added_once_and_put_right(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.project.members[shop.assistant.id] = MAINTAINER
    url = "https://assistant.example/hooks/abc"

    first = adapter.ensure_webhook(SHOP, url=url, secret="one")
    shop.project.hooks[int(first)]["note_events"] = False
    second = adapter.ensure_webhook(SHOP, url=url, secret="two")

    (hook,) = shop.project.hooks.values()
    assert first == second
    assert (hook["token"], hook["note_events"], hook["merge_requests_events"]) == ("two", True, True)
    assert hook["push_events"] is False
    adapter.remove_webhook(SHOP, first)
    adapter.remove_webhook(SHOP, first)
    assert shop.project.hooks == {}


def test_who_may_not_add_webhooks_is_told_which_role_may(adapter: GitLabAdapter) -> None:
    with pytest.raises(NotAllowed, match="by hand") as raised:
        adapter.ensure_webhook(SHOP, url="https://assistant.example/hooks/abc", secret="one")

    assert raised.value.missing == "Maintainer"


# --- What the token may do, and what goes wrong -----------------------------------------------------------------------


def test_the_check_names_scope_roles_and_expiry(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.tokens[TOKEN].expires_at = "2020-01-01"

    checks = {check.name: check for check in adapter.check()}

    granted = {name: check.granted for name, check in checks.items()}
    assert granted == {"api": True, "expiry": False, "Developer": True, "Maintainer": False}
    assert SHOP in checks["Developer"].detail
    assert "2020-01-01" in checks["expiry"].detail
    assert adapter.whoami().account == "group_12_bot_0a1b"
    assert adapter.installations() == []


def test_a_token_of_the_wrong_scope_is_told_so(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.server.gitlab.tokens[TOKEN].scopes = ("read_repository",)

    granted = {check.name: check.granted for check in adapter.check()}
    with pytest.raises(NotAllowed, match="scope api") as raised:
        adapter.whoami()

    assert granted == {"api": False, "expiry": True, "Developer": None, "Maintainer": None}
    assert raised.value.missing == "api"


def test_a_token_that_is_wrong_is_told_without_showing_it(shop: Shop) -> None:
    with pytest.raises(WrongCredentials, match="expired or was revoked") as raised:
        GitLabAdapter(HostAccess(base_url=shop.server.url, token="glpat-other")).check()

    assert "glpat" not in str(raised.value)


def test_an_archived_project_is_named_as_such(adapter: GitLabAdapter, shop: Shop) -> None:
    shop.project.is_archived = True

    with pytest.raises(Refused, match="archived"):
        adapter.show_status(SHOP, shop.head, status(StatusState.SUCCESS), external_id="")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (replies.forbidden(), (NotAllowed, "Developer", True)),
        (replies.gone(), (NotThere, "410 Gone", True)),
        (replies.conflict(["One", "Two"]), (Refused, "One, Two", True)),
        (replies.bad_request({"base": ["is bad"]}), (Refused, "base: is bad", True)),
        (replies.broken(502), (ScmError, "502", False)),
        (replies.page(), (ScmError, "web page", True)),
        (replies.page(404), (ScmError, "web page", True)),
        (replies.json_reply(200, {"something": "else"}), (ScmError, "not as its API describes", True)),
        (Scripted(200, b"{", {"Content-Type": "application/json"}), (ScmError, "not JSON", True)),
        (replies.redirect("https://elsewhere.example/api/v4/user"), (ScmError, "https://elsewhere.example", True)),
        (replies.CUT, (ScmError, "cannot be reached", False)),
    ],
)
def test_each_way_of_saying_no_has_its_words(
    adapter: GitLabAdapter, shop: Shop, reply: Scripted, expected: tuple[type[ScmError], str, bool]
) -> None:
    error, words, is_permanent = expected
    shop.server.fail(reply)

    with pytest.raises(error, match=words) as raised:
        adapter.repository(SHOP)

    assert raised.value.permanent is is_permanent
    assert len(shop.server.log) == 1  # nothing is tried again, and nobody else gets the token


@pytest.mark.parametrize(
    ("retry_after", "reset_at", "seconds"),
    [(30, 0, 30.0), (90_000, 0, 3600.0), (0, 0, 1.0), (None, 4_000_000_000, 3600.0), (None, 0, 60.0)],
)
def test_how_long_gitlab_asks_to_wait_is_kept_within_reason(
    adapter: GitLabAdapter, shop: Shop, retry_after: int | None, reset_at: int, seconds: float
) -> None:
    shop.server.fail(replies.rate_limited(retry_after=retry_after, reset_at=reset_at))

    with pytest.raises(RateLimited) as raised:
        adapter.whoami()

    assert raised.value.retry_after_seconds == seconds


def test_an_address_that_is_not_reached_is_no_lasting_fault(shop: Shop) -> None:
    with pytest.raises(ScmError) as raised:
        GitLabAdapter(HostAccess(base_url="http://127.0.0.1:9", token=TOKEN)).whoami()

    assert not raised.value.permanent


def test_a_host_is_reached_by_its_proxy_alone(shop: Shop) -> None:
    access = HostAccess(base_url=shop.server.url, token=TOKEN, proxy_url="http://127.0.0.1:9")

    with pytest.raises(ScmError):
        GitLabAdapter(access).whoami()

    assert shop.server.log == []


def test_a_token_with_characters_that_cannot_be_sent_is_refused(shop: Shop) -> None:
    with pytest.raises(ScmError, match="characters") as raised:
        GitLabAdapter(HostAccess(base_url=shop.server.url, token="glpat\n—")).whoami()

    assert raised.value.permanent
    assert "glpat" not in str(raised.value)
