"""Threads of a pull request: GitHub tells of them, and resolves them, by GraphQL alone."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from scm.adapters.base import NotAllowed, NotThere, ScmError
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import translated

MOST_PAGES = 300
THREADS = """
query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        nodes { id isResolved comments(first: 1) { nodes { fullDatabaseId } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
RESOLVE = """
mutation ($thread: ID!) { resolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } } }
"""
UNRESOLVE = """
mutation ($thread: ID!) { unresolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } } }
"""
# It is about no file, and yet: https://github.com/orgs/community/discussions/44650
NEEDED_TO_RESOLVE = "contents=write"


@dataclass(frozen=True)
class Thread:
    """A thread as GitHub has it now."""

    thread_id: str
    is_resolved: bool


class _Told(BaseModel):
    """Named as Python names, read as GraphQL does."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Comment(_Told):
    full_database_id: int


class _Comments(_Told):
    nodes: list[_Comment | None]


class _Thread(_Told):
    id: str
    is_resolved: bool
    comments: _Comments


class _Page(_Told):
    has_next_page: bool
    end_cursor: str | None


class _Threads(_Told):
    nodes: list[_Thread | None]
    page_info: _Page


class _PullRequest(_Told):
    review_threads: _Threads


class _Repository(_Told):
    pull_request: _PullRequest | None


class _Answer(_Told):
    repository: _Repository | None


def threads(api: Api, full_name: str, number: str) -> dict[int, Thread]:
    """Return the threads of a pull request by the number of the comment that each begins with."""
    owner, _, name = full_name.partition("/")
    found: dict[int, Thread] = {}
    after: str | None = None
    for _ in range(MOST_PAGES):
        variables = {"owner": owner, "name": name, "number": int(number), "after": after}
        with translated():
            page = _Answer.model_validate(api.graphql(THREADS, variables))
        if page.repository is None or page.repository.pull_request is None:
            raise NotThere(f"GitHub shows us no pull request {number} in {full_name}.")
        told = page.repository.pull_request.review_threads
        for thread in told.nodes:
            if thread is not None:
                found |= {
                    comment.full_database_id: Thread(thread.id, thread.is_resolved)
                    for comment in thread.comments.nodes
                    if comment is not None
                }
        if not told.page_info.has_next_page:
            return found
        after = told.page_info.end_cursor
    raise ScmError(f"GitHub's list of threads has more than {MOST_PAGES} pages, and is not read.", permanent=True)


def resolve(api: Api, thread_id: str, *, is_resolved: bool) -> None:
    """Resolve a thread, or open it again; the same twice is no error."""
    try:
        api.graphql(RESOLVE if is_resolved else UNRESOLVE, {"thread": thread_id})
    except NotAllowed as error:
        raise NotAllowed(
            f"GitHub does not let us resolve threads: that needs the permission {NEEDED_TO_RESOLVE}. ({error})",
            missing=NEEDED_TO_RESOLVE,
        ) from error
