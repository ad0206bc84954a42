"""The few things that GitHub tells by GraphQL alone: which threads there are, and that one is resolved."""

from __future__ import annotations

from typing import Any

import graphql

from tests.vendors.github.contract import vendor_schema
from tests.vendors.github.routing import Asked, Refusal, Reply
from tests.vendors.github.shapes import Json
from tests.vendors.github.state import Repository, ReviewComment

# The part of GitHub's schema that is served, in its own words; used where the whole of it was not fetched.
SERVED = """
scalar BigInt
type PageInfo { endCursor: String  hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String }
type PullRequestReviewComment { id: ID!  databaseId: Int  fullDatabaseId: BigInt  body: String! }
type PullRequestReviewCommentConnection { nodes: [PullRequestReviewComment]  totalCount: Int!  pageInfo: PageInfo! }
type PullRequestReviewThread {
  id: ID!
  isResolved: Boolean!
  comments(first: Int, last: Int, after: String, before: String): PullRequestReviewCommentConnection!
}
type PullRequestReviewThreadConnection { nodes: [PullRequestReviewThread]  totalCount: Int!  pageInfo: PageInfo! }
type PullRequest {
  number: Int!
  reviewThreads(first: Int, last: Int, after: String, before: String): PullRequestReviewThreadConnection!
}
type Repository { nameWithOwner: String!  pullRequest(number: Int!): PullRequest }
type Query { repository(owner: String!, name: String!, followRenames: Boolean = true): Repository }
input ResolveReviewThreadInput { clientMutationId: String  threadId: ID! }
input UnresolveReviewThreadInput { clientMutationId: String  threadId: ID! }
type ResolveReviewThreadPayload { clientMutationId: String  thread: PullRequestReviewThread }
type UnresolveReviewThreadPayload { clientMutationId: String  thread: PullRequestReviewThread }
type Mutation {
  resolveReviewThread(input: ResolveReviewThreadInput!): ResolveReviewThreadPayload
  unresolveReviewThread(input: UnresolveReviewThreadInput!): UnresolveReviewThreadPayload
}
"""


class _Said(Exception):
    """An error with a type, as GitHub's GraphQL tells it with status 200."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer(asked: Asked) -> Reply:
    """Return what a query or mutation gets; what breaks GitHub's schema is noted as a violation."""
    schema = vendor_schema() or graphql.build_schema(SERVED, assume_valid=True)
    query = asked.body.get("query", "")
    problems = graphql.validate(schema, graphql.parse(query))
    asked.server.violations += [f"GraphQL: {problem.message}" for problem in problems]
    roots = {
        "repository": lambda _, **named: _repository(asked, **named),
        "resolveReviewThread": lambda _, **named: _resolved(asked, is_resolved=True, **named),
        "unresolveReviewThread": lambda _, **named: _resolved(asked, is_resolved=False, **named),
    }
    result = graphql.graphql_sync(schema, query, roots, variable_values=asked.body.get("variables"))
    body: Json = {"data": result.data}
    if result.errors:
        body["errors"] = [_error(asked, error) for error in result.errors]
    return Reply(body=body)


def _error(asked: Asked, error: graphql.GraphQLError) -> Json:
    if isinstance(error.original_error, _Said):
        return {"type": error.original_error.kind, "path": error.path, "message": error.message}
    if not isinstance(error.original_error, Refusal):
        asked.server.violations.append(f"GraphQL: {error.message}")
    return {"message": error.message}


def _repository(asked: Asked, *, owner: str, name: str, **_: Any) -> Json:
    asked.parts |= {"owner": owner, "repo": name}
    found = next((each for each in asked.server.repositories.values() if _is_named(each, owner, name)), None)
    if found is None:
        raise _Said("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return {
        "__typename": "Repository",
        "nameWithOwner": found.full_name,
        "pullRequest": lambda _info, number: _pull(asked, found, number),
    }


def _is_named(repository: Repository, owner: str, name: str) -> bool:
    return f"{owner}/{name}" in {repository.full_name, *repository.former}


def _pull(asked: Asked, repository: Repository, number: int) -> Json:
    if number not in repository.pulls:
        raise _Said("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    firsts = [each for each in repository.review_comments if each.number == number and each.reply_to is None]
    return {
        "number": number,
        "reviewThreads": lambda _info, **page: _connection(asked, [_thread(repository, each) for each in firsts], page),
    }


def _thread(repository: Repository, first: ReviewComment) -> Json:
    comments = [first, *(each for each in repository.review_comments if each.reply_to == first.id)]
    nodes = [
        {
            "id": f"PRRC_{each.id}",
            "databaseId": each.id,
            "fullDatabaseId": str(each.id),
            "body": each.body,
        }
        for each in comments
    ]
    return {
        "id": first.thread_id,
        "isResolved": first.is_resolved,
        "comments": lambda _info, **page: _connection(None, nodes, page),
    }


def _connection(asked: Asked | None, nodes: list[Json], page: dict[str, Any]) -> Json:
    count = page.get("first") or page.get("last")
    if not count or count > 100:
        raise _Said("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value, of 100 at most.")
    if asked is not None:
        count = min(count, asked.server.most_per_page)
    begin = int(page.get("after") or 0)
    end = begin + count
    if page.get("last"):
        end = int(page.get("before") or len(nodes))
        begin = max(0, end - count)
    shown = nodes[begin:end]
    info = {"endCursor": str(end), "startCursor": str(begin), "hasNextPage": end < len(nodes)}
    return {"nodes": shown, "totalCount": len(nodes), "pageInfo": {**info, "hasPreviousPage": begin > 0}}


def _resolved(asked: Asked, *, is_resolved: bool, input: dict[str, Any]) -> Json:  # noqa: A002  (GitHub's name)
    for repository in asked.server.repositories.values():
        for each in repository.review_comments:
            if each.reply_to is None and each.thread_id == input["threadId"]:
                if not asked.server.allows(asked, "contents", "write"):
                    raise _Said("FORBIDDEN", "Resource not accessible by integration")
                each.is_resolved = is_resolved
                return {"thread": _thread(repository, each)}
    raise _Said("NOT_FOUND", f"Could not resolve to a node with the global id of '{input['threadId']}'.")
