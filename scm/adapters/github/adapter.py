"""GitHub, GitHub Enterprise Cloud with data residency, and GitHub Enterprise Server, by an App or a token."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from scm.adapters.base import NotAllowed, NotThere, ScmAdapter, ScmError
from scm.adapters.github import answers, files, permissions, proposals, statuses, subscriptions
from scm.adapters.github.connection import Api
from scm.adapters.github.credentials import api_of_app, api_of_installation, api_of_token
from scm.adapters.github.errors import translated
from scm.adapters.github.patches import changed_file
from scm.adapters.github.talk import Talk
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
)

LONGEST_NUMBER = 18
WRITERS = frozenset({"admin", "maintain", "write"})


class GitHubAdapter(ScmAdapter):
    """GitHub with one access; safe to use from many threads."""

    def __init__(self, access: HostAccess) -> None:
        self._access = access
        self._app: Api | None = api_of_app(access) if access.app_id else None
        if self._app is None:
            self._api = api_of_token(access)
        else:
            self._api = api_of_installation(access, self._app) if access.installation_id else self._app
        self._us: Identity | None = None
        self._asking = threading.Lock()

    def close(self) -> None:
        """Close what is held open."""
        self._api.close()
        if self._app is not None:
            self._app.close()

    # --- Who we are, and what we may do there

    def whoami(self) -> Identity:
        """Return the token's account, or the App's robot."""
        with self._asking:
            if self._us is None:
                self._us = self._user() if self._app is None else self._robot(self._app)
            return self._us

    def _user(self) -> Identity:
        with translated():
            user = answers.User.model_validate(self._api.get("/user"))
        return Identity(user.login, str(user.id))

    def _robot(self, app: Api) -> Identity:
        with translated():
            login = f"{answers.App.model_validate(app.get('/app')).slug}[bot]"
        if not self._access.installation_id:
            return Identity(login, "")  # the App itself may not ask for accounts
        try:
            with translated():
                return Identity(login, str(answers.User.model_validate(self._api.get(f"/users/{quote(login)}")).id))
        except (NotThere, NotAllowed):
            return Identity(login, "")

    def check(self) -> list[PermissionCheck]:
        """Return what we may do there, permission by permission."""
        if self._app is None:
            return permissions.of_token(self._api)
        number = self._access.installation_id
        path = f"/app/installations/{number}" if number else "/app"
        with translated():
            if number:
                return permissions.of_installation(answers.Installation.model_validate(self._app.get(path)).permissions)
            return permissions.of_installation(answers.App.model_validate(self._app.get(path)).permissions)

    def installations(self) -> list[InstallationFacts]:
        """Return where the App is installed."""
        if self._app is None:
            return []
        with translated():
            told = self._app.pages("/app/installations")
            return [answers.Installation.model_validate(each).facts() for each in told]

    def repositories(self) -> Iterator[RepositoryFacts]:
        """Yield the repositories of the installation, or those that the token's account works on."""
        if self._app is None:
            told = self._api.pages("/user/repos")
        elif self._access.installation_id:
            told = self._api.pages("/installation/repositories", inside="repositories")
        else:
            raise ScmError("Repositories are seen by an installation of the App, not by the App.", permanent=True)
        for each in told:
            with translated():
                found = answers.Repository.model_validate(each)
            yield found.facts()

    def repository(self, repository: str) -> RepositoryFacts:
        """Return one repository; after a rename its new name."""
        with translated():
            return answers.Repository.model_validate(self._api.get(_at(repository))).facts()

    def may_write(self, repository: str, account: str) -> bool:
        """Tell whether somebody may push to the repository."""
        path = f"{_at(repository)}/collaborators/{quote(account, safe='')}/permission"
        try:
            with translated():
                return answers.Collaborator.model_validate(self._api.get(path)).permission in WRITERS
        except NotThere:
            return False

    def ensure_webhook(self, repository: str, *, url: str, secret: str) -> str:
        """Set up the repository's webhook; empty for an App, which has one of its own."""
        if self._app is not None:
            return ""
        return subscriptions.ensure_webhook(self._api, _at(repository), url=url, secret=secret)

    def remove_webhook(self, repository: str, hook_id: str) -> None:
        """Remove the repository's webhook."""
        if hook_id:
            subscriptions.remove_webhook(self._api, _at(repository), hook_id)

    # --- Code

    def read_file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of one file at a commit or branch."""
        return files.read_file(self._api, _at(repository), path, ref)

    # --- Pull requests and the talk in them

    def pull_request(self, repository: str, number: str) -> PullRequestFacts:
        """Return a pull request."""
        with translated():
            told = self._api.get(f"{_at(repository)}/pulls/{_checked(number)}")
            return answers.PullRequest.model_validate(told).facts()

    def changed_files(self, repository: str, number: str) -> list[ChangedFile]:
        """Return the files of a pull request with the lines that GitHub shows; it lists 3,000 files at most."""
        with translated():
            told = self._api.pages(f"{_at(repository)}/pulls/{_checked(number)}/files")
            return [changed_file(answers.ChangedFile.model_validate(each)) for each in told]

    def comments(self, repository: str, number: str) -> list[ExistingComment]:
        """Return all comments of a pull request, the first of each thread with its answers."""
        return self._talk(repository, number).comments()

    def post_comments(
        self, repository: str, number: str, *, head_sha: str, drafts: Sequence[CommentDraft]
    ) -> list[PostedComment | NotPosted]:
        """Post comments on lines in one review, and each of the conversation alone."""
        return self._talk(repository, number).post(head_sha, drafts)

    def edit_comment(self, repository: str, number: str, comment: PostedComment, body: str) -> None:
        """Replace a comment's text."""
        self._talk(repository, number).edit(comment, body)

    def delete_comment(self, repository: str, number: str, comment: PostedComment) -> None:
        """Remove a comment of ours."""
        self._talk(repository, number).delete(comment)

    def reply(self, repository: str, number: str, comment: PostedComment, body: str) -> str:
        """Answer below a comment; in the conversation, where nothing is below anything, after all others."""
        return self._talk(repository, number).reply(comment, body)

    def react(self, repository: str, number: str, comment_id: str, reaction: Reaction, *, is_on_line: bool) -> None:
        """Answer a comment by an emoji."""
        self._talk(repository, number).react(comment_id, reaction, is_on_line=is_on_line)

    def resolve(self, repository: str, number: str, comment: PostedComment, *, is_resolved: bool) -> None:
        """Mark a thread as resolved, or open it again."""
        self._talk(repository, number).resolve(comment, is_resolved=is_resolved)

    def _talk(self, repository: str, number: str) -> Talk:
        return Talk(self._api, _at(repository), _checked(number), self.whoami)

    def show_status(self, repository: str, sha: str, draft: StatusDraft, *, external_id: str) -> str:
        """Show a check run as an App, a commit status by a token."""
        if self._app is None:
            return statuses.show_commit_status(self._api, _at(repository), sha, draft)
        return statuses.show_check_run(self._api, _at(repository), sha, draft, external_id)

    # --- Proposing a change

    def branch_sha(self, repository: str, branch: str) -> str | None:
        """Return the commit that a branch is at."""
        return proposals.branch_sha(self._api, _at(repository), branch)

    def commit(self, repository: str, commit: Commit) -> str:
        """Make a branch of one commit; files keep their mode and their encoding."""
        return proposals.commit(self._api, _at(repository), commit)

    def open_pull_request(self, repository: str, proposal: Proposal) -> PullRequestFacts:
        """Open a pull request, a draft where the repository has drafts; or return the open one of that branch."""
        return proposals.open_pull_request(self._api, _at(repository), proposal)

    def pull_request_of_branch(self, repository: str, branch: str) -> PullRequestFacts | None:
        """Return the newest pull request from a branch of the repository itself."""
        return proposals.pull_request_of_branch(self._api, _at(repository), branch)


def _at(repository: str) -> str:
    """Return a repository's path in the API, given its number or its full name."""
    return f"/repositories/{repository}" if repository.isdigit() else f"/repos/{quote(repository)}"


def _checked(number: str) -> str:
    """Return a pull request's number; CI may call a pull request by anything."""
    if not number.isascii() or not number.isdigit() or number[0] == "0" or len(number) > LONGEST_NUMBER:
        raise NotThere(f"GitHub has no pull request {number[:64]!r}: there they have numbers.")
    return number
