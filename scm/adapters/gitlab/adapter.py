"""GitLab, its own service or a self-managed one, by a personal, project or group access token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from gitlab.v4.objects import Project as ProjectObject
from gitlab.v4.objects import ProjectMergeRequest

from scm.adapters.base import FileMissing, FileUnreadable, NotAllowed, NotThere, Refused, ScmAdapter, ScmError
from scm.adapters.encoding import encoded
from scm.adapters.gitlab import shapes
from scm.adapters.gitlab.checks import DEVELOPER, checks_of, user_of
from scm.adapters.gitlab.connection import Connection
from scm.adapters.gitlab.files import bytes_of_file, text_of_file
from scm.adapters.gitlab.places import DiffPlaces, changed_file
from scm.adapters.gitlab.shapes import address_of, read, read_all
from scm.adapters.values import (
    ChangedFile,
    CommentDraft,
    Commit,
    ExistingComment,
    HostAccess,
    Identity,
    InstallationFacts,
    NotPosted,
    PermissionCheck,
    PostedComment,
    Proposal,
    PullRequestFacts,
    Reaction,
    RepositoryFacts,
    StatusDraft,
    StatusState,
)

POSTING_THREADS = 4  # GitLab takes comments one by one only
DRAFT = "Draft: "
LONGEST_TITLE = 255
LONGEST_STATUS_WORDS = 255  # of its description, and of its address: a longer one is refused
EMOJI = {Reaction.DONE: "thumbsup", Reaction.REFUSED: "confused"}
STATUS_STATES = {
    StatusState.PENDING: "running",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failed",
    StatusState.NEUTRAL: "success",  # GitLab knows nothing between success and failure that lets a pipeline pass
}
HOOK_EVENTS = {
    "merge_requests_events": True,
    "note_events": True,
    "push_events": False,  # which GitLab sends unless told otherwise
    "enable_ssl_verification": True,
}


class GitLabAdapter(ScmAdapter):
    """One GitLab with one token; nothing is tried again here. Safe to share between threads."""

    def __init__(self, access: HostAccess) -> None:
        self._connection = Connection(access)
        self._our_id = ""

    def close(self) -> None:
        """Close the session."""
        self._connection.session.close()

    # --- Who we are, and what we may do there

    def whoami(self) -> Identity:
        """Return the token's user; a project's or group's token has one of its own."""
        user = user_of(self._connection)
        self._our_id = str(user.id)
        return Identity(account=user.username, account_id=self._our_id)

    def check(self) -> list[PermissionCheck]:
        """Tell of the token's scope and expiry, and of the roles that its user has in projects."""
        return checks_of(self._connection)

    def installations(self) -> list[InstallationFacts]:
        """Return none: GitLab has no Apps."""
        return []

    def repositories(self) -> Iterator[RepositoryFacts]:
        """Yield the projects that the token's user is a member of."""
        # By keyset: GitLab gives no offset page beyond 50,000 projects, and these cost it less.
        projects = self._connection.projects.list(
            membership=True, pagination="keyset", order_by="id", sort="asc", iterator=True
        )
        for project in read_all(shapes.Project, projects):
            yield project.facts()

    def repository(self, repository: str) -> RepositoryFacts:
        """Return a project."""
        return read(shapes.Project, self._connection.projects.get(repository)).facts()

    def may_write(self, repository: str, account: str) -> bool:
        """Tell whether somebody has the role Developer or more, by the project, a group above it, or an invited one."""
        members = self._project(repository).members_all.list(query=account, iterator=True)
        return any(
            member.username.lower() == account.lower() and member.state == "active" and member.access_level >= DEVELOPER
            for member in read_all(shapes.Member, members)
        )

    def ensure_webhook(self, repository: str, *, url: str, secret: str) -> str:
        """Have the project's webhook to `url` send merge requests and notes."""
        wanted = {**HOOK_EVENTS, "url": url, "token": secret}
        hooks = self._project(repository).hooks
        try:
            with self._writing(repository):
                known = next(
                    (each for each in read_all(shapes.Hook, hooks.list(iterator=True)) if each.url == url), None
                )
                if known is None:
                    return str(read(shapes.Hook, hooks.create(wanted)).id)
                hooks.update(known.id, wanted)  # always: GitLab never tells the secret, so it may be an old one
                return str(known.id)
        except NotAllowed as error:
            raise _needs_maintainer(error) from error

    def remove_webhook(self, repository: str, hook_id: str) -> None:
        """Remove the project's webhook."""
        try:
            with suppress(NotThere):
                self._project(repository).hooks.delete(hook_id)
        except NotAllowed as error:
            raise _needs_maintainer(error) from error

    def read_file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of one file. Raise `FileMissing`, `FileUnreadable` or `ScmError`."""
        return text_of_file(self._project(repository), path, ref)

    # --- Merge requests and the talk in them

    def pull_request(self, repository: str, number: str) -> PullRequestFacts:
        """Return a merge request."""
        return self._whole(repository, number).facts()

    def changed_files(self, repository: str, number: str) -> list[ChangedFile]:
        """Return the files of a merge request's diff; what GitLab folds or leaves out as too large has no lines."""
        return [changed_file(diff) for diff in self._diffs(repository, number)]

    def comments(self, repository: str, number: str) -> list[ExistingComment]:
        """Return the threads of a merge request; what GitLab notes itself is left out."""
        our_id = self._our_id or self.whoami().account_id
        page = self._whole(repository, number).web_url
        discussions = self._merge_request(repository, number).discussions.list(iterator=True)
        threads = (each.comment(our_id=our_id, page=page) for each in read_all(shapes.Discussion, discussions))
        return [thread for thread in threads if thread is not None]

    def post_comments(
        self, repository: str, number: str, *, head_sha: str, drafts: Sequence[CommentDraft]
    ) -> list[PostedComment | NotPosted]:
        """Begin a thread for each draft, a few at a time; the first refusal that is about all of them ends it."""
        if not drafts:
            return []
        page = self._whole(repository, number).web_url
        places = self._places(repository, number, head_sha) if any(draft.path for draft in drafts) else None
        merge_request, has_failed = self._merge_request(repository, number), threading.Event()

        def post(draft: CommentDraft) -> PostedComment | NotPosted | None:
            if has_failed.is_set():
                return None
            try:
                return _post(merge_request, draft, places, page)
            except ScmError:
                has_failed.set()
                raise

        with self._writing(repository):
            with ThreadPoolExecutor(max_workers=POSTING_THREADS, thread_name_prefix="gitlab-post") as pool:
                posting = [pool.submit(post, draft) for draft in drafts]
            return [answer for each in posting if (answer := each.result()) is not None]

    def edit_comment(self, repository: str, number: str, comment: PostedComment, body: str) -> None:
        """Replace a note's text."""
        with self._writing(repository):
            self._merge_request(repository, number).notes.update(comment.comment_id, {"body": body})

    def delete_comment(self, repository: str, number: str, comment: PostedComment) -> None:
        """Remove a note; one that is gone already is no error."""
        with self._writing(repository), suppress(NotThere):
            self._merge_request(repository, number).notes.delete(comment.comment_id)

    def reply(self, repository: str, number: str, comment: PostedComment, body: str) -> str:
        """Answer in the comment's thread; return the note's id."""
        if not comment.thread_id:
            raise NotThere("The comment has no thread to answer in.")
        with self._writing(repository):
            discussion = self._merge_request(repository, number).discussions.get(comment.thread_id, lazy=True)
            return str(read(shapes.Numbered, discussion.notes.create({"body": body})).id)

    def react(self, repository: str, number: str, comment_id: str, reaction: Reaction, *, is_on_line: bool) -> None:
        """Put an emoji on a note, once however often it is asked."""
        note = self._merge_request(repository, number).notes.get(comment_id, lazy=True)
        with self._writing(repository):
            try:
                note.awardemojis.create({"name": EMOJI[reaction]})
            except (NotThere, Refused) as error:
                if "already been taken" not in str(error):  # GitLab answers so with 404
                    raise

    def resolve(self, repository: str, number: str, comment: PostedComment, *, is_resolved: bool) -> None:
        """Resolve a thread, or open it again."""
        if comment.thread_id:
            with self._writing(repository):
                discussions = self._merge_request(repository, number).discussions
                discussions.update(comment.thread_id, {"resolved": is_resolved})

    def show_status(self, repository: str, sha: str, draft: StatusDraft, *, external_id: str) -> str:
        """Show a commit status. GitLab knows it by its name, whatever its id; it has no room for a summary."""
        words = f"Neither good nor bad: {draft.title}" if draft.state is StatusState.NEUTRAL else draft.title
        shown = {"state": STATUS_STATES[draft.state], "name": draft.name, "description": _short(words)}
        if len(draft.details_url) <= LONGEST_STATUS_WORDS:
            shown["target_url"] = draft.details_url
        commit = self._project(repository).commits.get(sha, lazy=True)
        with self._writing(repository):
            try:
                return str(read(shapes.Numbered, commit.statuses.create(shown)).id)
            except Refused as error:
                if "Cannot transition status" not in str(error):
                    raise
        # It says so already.
        known = read_all(shapes.Status, commit.statuses.list(name=draft.name, iterator=True))
        return str(max((status.id for status in known if status.name == draft.name), default=external_id))

    # --- Proposing a change

    def branch_sha(self, repository: str, branch: str) -> str | None:
        """Return the commit that a branch is at, None where there is no such branch."""
        try:
            return read(shapes.Branch, self._project(repository).branches.get(branch)).commit.id
        except NotThere as error:
            if "branch not found" not in str(error).lower():
                raise
            return None

    def commit(self, repository: str, commit: Commit) -> str:
        """Make a branch of one commit. A changed file stays executable where it was."""
        project = self._project(repository)
        actions = [self._action(project, path, text, commit.parent_sha) for path, text in commit.files.items()]
        wanted: dict[str, Any] = {
            "branch": commit.branch,
            "start_sha": commit.parent_sha,
            "commit_message": commit.message,
            "actions": actions,
        }
        with self._writing(repository):
            return read(shapes.NewCommit, project.commits.create(wanted)).id

    def open_pull_request(self, repository: str, proposal: Proposal) -> PullRequestFacts:
        """Open a merge request, or return the open one of that branch."""
        known = self._newest(repository, proposal.branch, target_branch=proposal.base_branch, state="opened")
        if known is not None:
            return known
        title = f"{DRAFT}{proposal.title}" if proposal.is_draft else proposal.title
        wanted = {
            "source_branch": proposal.branch,
            "target_branch": proposal.base_branch,
            "title": title[:LONGEST_TITLE],
            "description": proposal.body,
        }
        with self._writing(repository):
            try:
                opened = self._project(repository).mergerequests.create(wanted)
            except Refused:
                # Somebody was quicker, or an earlier answer was lost.
                known = self._newest(repository, proposal.branch, target_branch=proposal.base_branch, state="opened")
                if known is None:
                    raise
                return known
        return read(shapes.MergeRequest, opened).facts()

    def pull_request_of_branch(self, repository: str, branch: str) -> PullRequestFacts | None:
        """Return the newest merge request from a branch of the project itself, whatever its state."""
        return self._newest(repository, branch, state="all")

    # --- How these are asked for

    def _project(self, repository: str) -> ProjectObject:
        return self._connection.projects.get(repository, lazy=True)

    def _merge_request(self, repository: str, number: str) -> ProjectMergeRequest:
        return self._project(repository).mergerequests.get(number, lazy=True)

    def _whole(self, repository: str, number: str) -> shapes.MergeRequest:
        return read(shapes.MergeRequest, self._project(repository).mergerequests.get(number))

    def _diffs(self, repository: str, number: str) -> Iterator[shapes.Diff]:
        # python-gitlab's own `diffs` are the versions.
        merge_request = self._merge_request(repository, number)
        address = f"{merge_request.manager.path}/{merge_request.encoded_id}/diffs"
        return read_all(shapes.Diff, self._connection.http_list(address, iterator=True))

    def _places(self, repository: str, number: str, head_sha: str) -> DiffPlaces:
        """Return where comments can stand at a commit; in the newest version where none is of that commit."""
        versions = self._merge_request(repository, number).diffs
        known = list(read_all(shapes.Version, versions.list(iterator=True)))
        if not known:
            raise ScmError("GitLab has not made the merge request's diff yet.", permanent=False)
        wanted = next((each for each in known if each.head_commit_sha == head_sha), known[0])
        if wanted is known[0]:
            return DiffPlaces(wanted, self._diffs(repository, number))
        return DiffPlaces(wanted, read(shapes.Version, versions.get(wanted.id)).diffs)

    def _newest(self, repository: str, branch: str, **filters: str) -> PullRequestFacts | None:
        """Return the newest merge request from a branch; one from a fork may have a branch of the same name."""
        listed = self._project(repository).mergerequests.list(
            source_branch=branch, order_by="created_at", sort="desc", iterator=True, **filters
        )
        found = (each for each in read_all(shapes.MergeRequest, listed) if not each.is_from_fork)
        newest = next(found, None)
        return None if newest is None else self._whole(repository, str(newest.iid)).facts()  # lists lack the base

    @staticmethod
    def _action(project: ProjectObject, path: str, text: str | None, parent_sha: str) -> dict[str, str]:
        if text is None:
            return {"action": "delete", "file_path": path}
        try:
            before = bytes_of_file(project, path, parent_sha)
        except FileMissing:
            return {"action": "create", "file_path": path, "content": text}
        except FileUnreadable as error:
            raise Refused(f"{path} cannot be written: {error.reason}.") from error
        content = base64.b64encode(encoded(text, before, path)).decode()
        return {"action": "update", "file_path": path, "content": content, "encoding": "base64"}

    @contextmanager
    def _writing(self, repository: str) -> Iterator[None]:
        """Say of an archived project that it is: GitLab only forbids to write there."""
        try:
            yield
        except NotAllowed as error:
            if not error.missing and self._is_archived(repository):
                raise Refused("The project is archived on GitLab: nothing can be written there.") from error
            raise

    def _is_archived(self, repository: str) -> bool:
        with suppress(ScmError):
            return self.repository(repository).is_archived
        return False


def _post(
    merge_request: ProjectMergeRequest, draft: CommentDraft, places: DiffPlaces | None, page: str
) -> PostedComment | NotPosted:
    wanted: dict[str, Any] = {"body": draft.body}
    if draft.path and places is not None:
        wanted["position"] = places.position(draft)
        if wanted["position"] is None:
            return NotPosted(draft.key, "The merge request's diff does not show this line.", is_place_refused=True)
    try:
        thread = read(shapes.Discussion, merge_request.discussions.create(wanted))
    except Refused as error:
        is_place_refused = any(word in str(error) for word in ("line_code", "position"))
        return NotPosted(draft.key, str(error), is_place_refused=is_place_refused and bool(draft.path))
    note_id = thread.notes[0].id
    return PostedComment(draft.key, str(note_id), thread.id, address_of(page, note_id))


def _needs_maintainer(error: NotAllowed) -> NotAllowed:
    if error.missing:
        return error
    return NotAllowed(
        "GitLab lets only Maintainers change a project's webhooks (403). Give the token's user that role, or add the "
        "webhook by hand.",
        missing="Maintainer",
    )


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_STATUS_WORDS else f"{words[: LONGEST_STATUS_WORDS - 1]}…"
