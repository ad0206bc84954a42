"""Pull requests, the talk in them, checks, statuses and webhooks of a repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from tests.vendors.github.routes_code import REPO
from tests.vendors.github.routing import (
    Asked,
    Refusal,
    Reply,
    archived,
    forbidden,
    invalid,
    not_found,
    page_of,
    route,
    said,
    unprocessable,
)
from tests.vendors.github.state import (
    CheckRun,
    Hook,
    IssueComment,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    Status,
)

MOST_ANNOTATIONS = 50
Numbered = TypeVar("Numbered", IssueComment, ReviewComment, CheckRun, Hook)


@route("GET", f"{REPO}/pulls", needs="pull_requests:read")
def pulls(asked: Asked) -> Reply:
    found, wanted = asked.repository, asked.parameters
    state, head = wanted.get("state", "open"), wanted.get("head", "")
    listed = [
        asked.shapes.pull(pull)
        for pull in sorted(found.pulls.values(), key=lambda pull: -pull.number)
        if state in {"all", pull.state} and (not head or head == f"{found.owner.login}:{pull.head_branch}")
    ]
    return page_of(asked, listed)


@route("POST", f"{REPO}/pulls", needs="pull_requests:write")
def new_pull(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    branch, base = body["head"].rpartition(":")[2], body["base"]
    for name, given in (("head", branch), ("base", base)):
        if given not in found.branches:
            raise Refusal(invalid("PullRequest", "", field_name=name, code="invalid"))
    if any(pull.state == "open" and pull.head_branch == branch for pull in found.pulls.values()):
        raise Refusal(invalid("PullRequest", f"A pull request already exists for {found.owner.login}:{branch}."))
    if body.get("draft") and not found.allows_drafts:
        raise Refusal(said(422, "Draft pull requests are not supported in this repository."))
    if found.branches[branch] == found.branches[base]:
        raise Refusal(invalid("PullRequest", f"No commits between {base} and {branch}"))
    pull = asked.server.open_pull(
        found,
        branch=branch,
        base=base,
        title=body["title"],
        body=body.get("body", ""),
        author=asked.account,
        is_draft=body.get("draft", False),
    )
    return Reply(201, asked.shapes.pull(pull))


@route("GET", f"{REPO}/pulls/{{pull_number}}", needs="pull_requests:read")
def pull(asked: Asked) -> Reply:
    return Reply(body=asked.shapes.pull(_pull(asked)))


@route("GET", f"{REPO}/pulls/{{pull_number}}/files", needs="pull_requests:read")
def files(asked: Asked) -> Reply:
    found = _pull(asked)
    return page_of(asked, [asked.shapes.difference(found, each) for each in found.differences()])


# --- Comments on lines ------------------------------------------------------------------------------------------------


@route("POST", f"{REPO}/pulls/{{pull_number}}/reviews", needs="pull_requests:write")
def new_review(asked: Asked) -> Reply:
    """Post every comment, or none where one has no place."""
    found, body = _pull(asked), asked.body
    _writable(asked)
    drafts = body.get("comments", [])
    if body.get("event") == "COMMENT" and not body.get("body") and not drafts:
        raise Refusal(unprocessable("Could not create review with empty body"))
    problems = [problem for draft in drafts if (problem := _misplaced(found, draft))]
    if problems:
        raise Refusal(unprocessable(*problems))
    commit_id = body.get("commit_id", found.head_sha)
    if commit_id not in found.repository.objects.commits:
        raise Refusal(unprocessable("The commitOID is not part of the pull request"))
    review = Review(found.number, asked.account, body.get("body", ""), commit_id)
    found.repository.reviews.append(review)
    for draft in drafts:
        found.repository.review_comments.append(
            ReviewComment(
                number=found.number,
                author=asked.account,
                body=draft["body"],
                path=draft["path"],
                line=draft["line"],
                start_line=draft.get("start_line"),
                commit_id=commit_id,
                review_id=review.id,
            )
        )
    return Reply(body=asked.shapes.review(found.repository, review))


def _misplaced(pull: Pull, draft: dict[str, Any]) -> str:
    difference = pull.difference(draft["path"])
    if difference is None:
        return "Path could not be resolved"
    line, start = draft.get("line"), draft.get("start_line")
    for hunk in difference.hunks:
        if line in hunk and (start is None or (start in hunk and start < line)):
            return ""
    return "Line could not be resolved"


@route("GET", f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}/comments", needs="pull_requests:read")
def comments_of_review(asked: Asked) -> Reply:
    found = _pull(asked).repository
    listed = [each for each in found.review_comments if str(each.review_id) == asked.parts["review_id"]]
    return page_of(asked, [asked.shapes.review_comment(found, each) for each in listed])


@route("GET", f"{REPO}/pulls/{{pull_number}}/comments", needs="pull_requests:read")
def review_comments(asked: Asked) -> Reply:
    found = _pull(asked)
    listed = [each for each in found.repository.review_comments if each.number == found.number]
    return page_of(asked, [asked.shapes.review_comment(found.repository, each) for each in listed])


@route("POST", f"{REPO}/pulls/{{pull_number}}/comments/{{comment_id}}/replies", needs="pull_requests:write")
def reply(asked: Asked) -> Reply:
    found = _pull(asked).repository
    _writable(asked)
    parent = _numbered(found.review_comments, asked.parts["comment_id"])
    if parent.reply_to is not None:
        raise Refusal(invalid("PullRequestReviewComment", "in_reply_to must be a top-level comment"))
    answer = asked.server.answer_below(found, parent, author=asked.account, body=asked.body["body"])
    return Reply(201, asked.shapes.review_comment(found, answer))


@route("PATCH", f"{REPO}/pulls/comments/{{comment_id}}", needs="pull_requests:write")
def edited_review_comment(asked: Asked) -> Reply:
    found = _writable(asked)
    comment = _ours(asked, _numbered(found.review_comments, asked.parts["comment_id"]))
    comment.body = asked.body["body"]
    return Reply(body=asked.shapes.review_comment(found, comment))


@route("DELETE", f"{REPO}/pulls/comments/{{comment_id}}", needs="pull_requests:write")
def gone_review_comment(asked: Asked) -> Reply:
    found = _writable(asked)
    found.review_comments.remove(_ours(asked, _numbered(found.review_comments, asked.parts["comment_id"])))
    return Reply(204)


@route("POST", f"{REPO}/pulls/comments/{{comment_id}}/reactions", needs="pull_requests:write")
def reaction_on_line(asked: Asked) -> Reply:
    return _reacted(asked, _numbered(asked.repository.review_comments, asked.parts["comment_id"]).reactions)


# --- Comments in the conversation -------------------------------------------------------------------------------------


@route("GET", f"{REPO}/issues/{{issue_number}}/comments", needs="pull_requests:read")
def issue_comments(asked: Asked) -> Reply:
    found, number = asked.repository, int(asked.parts["issue_number"])
    if number not in found.pulls:
        raise Refusal(not_found())
    listed = [each for each in found.issue_comments if each.number == number]
    return page_of(asked, [asked.shapes.issue_comment(found, each) for each in listed])


@route("POST", f"{REPO}/issues/{{issue_number}}/comments", needs="pull_requests:write")
def new_issue_comment(asked: Asked) -> Reply:
    found, number = _writable(asked), int(asked.parts["issue_number"])
    if number not in found.pulls:
        raise Refusal(not_found())
    comment = IssueComment(number, asked.account, asked.body["body"])
    found.issue_comments.append(comment)
    return Reply(201, asked.shapes.issue_comment(found, comment))


@route("PATCH", f"{REPO}/issues/comments/{{comment_id}}", needs="pull_requests:write")
def edited_issue_comment(asked: Asked) -> Reply:
    found = _writable(asked)
    comment = _ours(asked, _numbered(found.issue_comments, asked.parts["comment_id"]))
    comment.body = asked.body["body"]
    return Reply(body=asked.shapes.issue_comment(found, comment))


@route("DELETE", f"{REPO}/issues/comments/{{comment_id}}", needs="pull_requests:write")
def gone_issue_comment(asked: Asked) -> Reply:
    found = _writable(asked)
    found.issue_comments.remove(_ours(asked, _numbered(found.issue_comments, asked.parts["comment_id"])))
    return Reply(204)


@route("POST", f"{REPO}/issues/comments/{{comment_id}}/reactions", needs="pull_requests:write")
def reaction_in_talk(asked: Asked) -> Reply:
    return _reacted(asked, _numbered(asked.repository.issue_comments, asked.parts["comment_id"]).reactions)


def _reacted(asked: Asked, reactions: list[Reaction]) -> Reply:
    content = asked.body["content"]
    for each in reactions:
        if each.account == asked.account and each.content == content:
            return Reply(200, asked.shapes.reaction(each))
    reactions.append(Reaction(asked.account, content))
    return Reply(201, asked.shapes.reaction(reactions[-1]))


# --- Checks and statuses ----------------------------------------------------------------------------------------------


@route("POST", f"{REPO}/check-runs", needs="checks:write")
def new_check_run(asked: Asked) -> Reply:
    assert asked.token is not None
    if asked.token.installation is None:
        raise Refusal(said(403, "You must authenticate via a GitHub App."))
    found, body = _writable(asked), asked.body
    if body["head_sha"] not in found.objects.commits:
        raise Refusal(said(422, f"No commit found for SHA: {body['head_sha']}"))
    run = CheckRun(body["name"], body["head_sha"], body.get("external_id", ""))
    _change(run, body)
    found.check_runs.append(run)
    return Reply(201, asked.shapes.check_run(found, run))


@route("PATCH", f"{REPO}/check-runs/{{check_run_id}}", needs="checks:write")
def changed_check_run(asked: Asked) -> Reply:
    found = _writable(asked)
    run = _numbered(found.check_runs, asked.parts["check_run_id"])
    _change(run, asked.body)
    return Reply(body=asked.shapes.check_run(found, run))


@route("GET", f"{REPO}/check-runs/{{check_run_id}}", needs="checks:read")
def check_run(asked: Asked) -> Reply:
    found = asked.repository
    return Reply(body=asked.shapes.check_run(found, _numbered(found.check_runs, asked.parts["check_run_id"])))


@route("GET", f"{REPO}/check-runs/{{check_run_id}}/annotations", needs="checks:read")
def annotations_of_run(asked: Asked) -> Reply:
    run = _numbered(asked.repository.check_runs, asked.parts["check_run_id"])
    nothing = dict.fromkeys(("start_column", "end_column", "title", "message", "raw_details"))
    return page_of(asked, [{**nothing, **each, "blob_href": asked.shapes.web} for each in run.annotations])


@route("GET", f"{REPO}/commits/{{ref}}/check-runs", needs="checks:read")
def check_runs(asked: Asked) -> Reply:
    found, name = asked.repository, asked.parameters.get("check_name")
    listed = [
        asked.shapes.check_run(found, run)
        for run in reversed(found.check_runs)
        if run.head_sha == asked.parts["ref"] and name in {None, run.name}
    ]
    return page_of(asked, listed, wrap=lambda page: {"total_count": len(listed), "check_runs": page})


def _change(run: CheckRun, body: dict[str, Any]) -> None:
    output = body.get("output", {})
    annotations = output.get("annotations", [])
    if len(annotations) > MOST_ANNOTATIONS:
        raise Refusal(said(422, "Invalid request. No more than 50 items are allowed."))
    run.annotations += annotations  # they are added to, and never replaced
    run.conclusion = body.get("conclusion", run.conclusion)
    run.status = "completed" if "conclusion" in body else body.get("status", run.status)
    run.details_url = body.get("details_url", run.details_url)
    run.title, run.summary = output.get("title", run.title), output.get("summary", run.summary)


@route("POST", f"{REPO}/statuses/{{sha}}", needs="statuses:write")
def new_status(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    if len(body.get("description") or "") > 140:
        raise Refusal(invalid("Status", "description is too long (maximum is 140 characters)"))
    if asked.parts["sha"] not in found.objects.commits:
        raise Refusal(said(422, f"No commit found for SHA: {asked.parts['sha']}"))
    status = Status(
        sha=asked.parts["sha"],
        state=body["state"],
        context=body.get("context", "default"),
        description=body.get("description"),
        target_url=body.get("target_url"),
        creator=asked.account,
    )
    found.statuses.append(status)
    return Reply(201, asked.shapes.status(found, status))


# --- Webhooks ---------------------------------------------------------------------------------------------------------


@route("GET", f"{REPO}/hooks", needs="repository_hooks:read")
def hooks(asked: Asked) -> Reply:
    found = asked.repository
    return page_of(asked, [asked.shapes.hook(found, hook) for hook in found.hooks])


@route("POST", f"{REPO}/hooks", needs="repository_hooks:write")
def new_hook(asked: Asked) -> Reply:
    found, config = _writable(asked), asked.body["config"]
    if not config.get("url"):
        raise Refusal(invalid("Hook", "url is missing", field_name="url", code="missing_field"))
    if any(hook.url == config["url"] for hook in found.hooks):
        raise Refusal(invalid("Hook", "Hook already exists on this repository"))
    events, form = asked.body.get("events", ["push"]), config.get("content_type", "form")
    hook = Hook(config["url"], config.get("secret", ""), events, form)
    found.hooks.append(hook)
    return Reply(201, asked.shapes.hook(found, hook))


@route("PATCH", f"{REPO}/hooks/{{hook_id}}", needs="repository_hooks:write")
def changed_hook(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    hook = _numbered(found.hooks, asked.parts["hook_id"])
    config = body.get("config", {})
    hook.url, hook.secret = config.get("url", hook.url), config.get("secret", hook.secret)
    hook.content_type = config.get("content_type", hook.content_type)
    hook.events, hook.is_active = body.get("events", hook.events), body.get("active", hook.is_active)
    return Reply(body=asked.shapes.hook(found, hook))


@route("DELETE", f"{REPO}/hooks/{{hook_id}}", needs="repository_hooks:write")
def gone_hook(asked: Asked) -> Reply:
    found = _writable(asked)
    found.hooks.remove(_numbered(found.hooks, asked.parts["hook_id"]))
    return Reply(204)


# --- What they share --------------------------------------------------------------------------------------------------


def _pull(asked: Asked) -> Pull:
    found = asked.repository.pulls.get(int(asked.parts["pull_number"]))
    if found is None:
        raise Refusal(not_found())
    return found


def _writable(asked: Asked) -> Repository:
    found = asked.repository
    if found.is_archived:
        raise Refusal(archived())
    return found


def _numbered(among: Sequence[Numbered], number: str) -> Numbered:
    found = next((each for each in among if str(each.id) == number), None)
    if found is None:
        raise Refusal(not_found())
    return found


def _ours(asked: Asked, comment: Numbered) -> Numbered:
    if getattr(comment, "author", None) != asked.account:
        raise Refusal(forbidden("pull_requests=write"))
    return comment
