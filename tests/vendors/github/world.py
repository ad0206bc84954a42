"""Arranging what the stateful GitHub holds, in the words of a test."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.vendors.github.git import Entry
from tests.vendors.github.state import (
    Account,
    App,
    Installation,
    IssueComment,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Token,
    now,
)

EVERYTHING = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "checks": "write",
    "statuses": "write",
}


@functools.lru_cache(maxsize=1)
def private_key() -> str:
    """Return the PEM of a key that only tests know; one for the process, for making one takes long."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, shape = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(kind, shape, serialization.NoEncryption()).decode()


class World:
    """Accounts, Apps, tokens and repositories."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.repositories: dict[int, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.manifest_codes: dict[str, App] = {}

    def add_account(self, login: str, *, kind: str = "User") -> Account:
        """Return an account, which is made where it is not there; `kind` is User, Organization or Bot."""
        if login.lower() not in self.accounts:
            self.accounts[login.lower()] = Account(login, kind)
        return self.accounts[login.lower()]

    def add_repository(
        self, full_name: str, files: Mapping[str, str | bytes | Entry] | None = None, *, is_private: bool = True
    ) -> Repository:
        """Make a repository with one commit on its branch `main`."""
        owner, _, name = full_name.partition("/")
        repository = Repository(self.add_account(owner, kind="Organization"), name, is_private=is_private)
        repository.commit({"README.md": "# Hello\n", **(files or {})}, message="First commit")
        self.repositories[repository.id] = repository
        return repository

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; its former one leads on by 301."""
        repository.former.add(repository.full_name)
        repository.name = name

    def delete(self, repository: Repository) -> None:
        del self.repositories[repository.id]

    def add_app(
        self,
        slug: str = "assistant",
        *,
        owner: str = "acme",
        permissions: Mapping[str, str] = EVERYTHING,
        webhook_secret: str = "",
    ) -> App:
        app = App(
            slug=slug,
            owner=self.add_account(owner, kind="Organization"),
            private_key=private_key(),
            permissions=dict(permissions),
            webhook_secret=webhook_secret,
            events=["pull_request", "pull_request_review_comment", "issue_comment"],
        )
        self.apps[app.id] = app
        self.accounts[app.bot.login.lower()] = app.bot
        return app

    def install(
        self,
        app: App,
        account: str = "acme",
        *,
        repositories: list[Repository] | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> Installation:
        """Install an App on an account, for all of its repositories or those named."""
        installation = Installation(
            app,
            self.add_account(account, kind="Organization"),
            dict(app.permissions if permissions is None else permissions),
            None if repositories is None else {each.id for each in repositories},
        )
        self.installations[installation.id] = installation
        return installation

    def add_token(
        self, login: str, *, scopes: tuple[str, ...] | None = ("repo",), permissions: Mapping[str, str] | None = None
    ) -> str:
        """Return a classic token with scopes, or a fine-grained one where permissions are given."""
        account = self.add_account(login)
        if permissions is not None:
            return self.new_token(account, prefix="github_pat", permissions=dict(permissions)).value
        return self.new_token(account, prefix="ghp", scopes=scopes).value

    def new_token(self, account: Account, *, prefix: str, expires_at: datetime | None = None, **more: Any) -> Token:
        """Make a token; as the installation's route does."""
        token = Token(f"{prefix}_{secrets.token_hex(18)}", account, **more)
        token.expires_at = expires_at or token.expires_at
        self.tokens[token.value] = token
        return token

    def expect_manifest(self, app: App) -> str:
        """Return the code that GitHub hands back when somebody has made this App from a manifest."""
        code = secrets.token_hex(20)
        self.manifest_codes[code] = app
        return code

    def open_pull(
        self,
        repository: Repository,
        *,
        branch: str,
        base: str = "",
        title: str = "Change things",
        body: str = "",
        author: Account | str = "bob",
        is_draft: bool = False,
        fork: str = "",
        renamed: Mapping[str, str] | None = None,
    ) -> Pull:
        """Open a pull request from a branch that is there; `renamed` maps new names of files to old ones."""
        base = base or repository.default_branch
        number = max(repository.pulls, default=0) + 1
        repository.pulls[number] = Pull(
            repository=repository,
            number=number,
            title=title,
            body=body,
            author=author if isinstance(author, Account) else self.add_account(author),
            head_branch=branch,
            head_sha=repository.branches[branch],
            base_branch=base,
            base_sha=repository.branches[base],
            is_draft=is_draft,
            fork=fork,
            renamed=dict(renamed or {}),
        )
        return repository.pulls[number]

    def close_pull(self, pull: Pull, *, is_merged: bool = False) -> None:
        pull.state, pull.updated_at = "closed", now()
        if is_merged:
            pull.merged_at = now()
            pull.repository.move(pull.base_branch, pull.head_sha)

    def comment_on_line(
        self, pull: Pull, *, author: str, body: str, path: str, line: int, start_line: int | None = None
    ) -> ReviewComment:
        """Write a comment on a line, as a person does."""
        account = self.add_account(author)
        review = Review(pull.number, account, "", pull.head_sha)
        comment = ReviewComment(pull.number, account, body, path, line, start_line, pull.head_sha, review.id)
        pull.repository.reviews.append(review)
        pull.repository.review_comments.append(comment)
        return comment

    def comment_in_talk(self, pull: Pull, *, author: str, body: str) -> IssueComment:
        """Write a comment in the conversation, as a person does."""
        comment = IssueComment(pull.number, self.add_account(author), body)
        pull.repository.issue_comments.append(comment)
        return comment

    def answer_below(
        self, repository: Repository, parent: ReviewComment, *, author: Account | str, body: str
    ) -> ReviewComment:
        """Write an answer below a comment on a line."""
        account = author if isinstance(author, Account) else self.add_account(author)
        answer = ReviewComment(
            number=parent.number,
            author=account,
            body=body,
            path=parent.path,
            line=parent.line,
            start_line=parent.start_line,
            commit_id=parent.commit_id,
            review_id=Review(parent.number, account, "", parent.commit_id).id,
            reply_to=parent.reply_to or parent.id,
        )
        repository.review_comments.append(answer)
        return answer
