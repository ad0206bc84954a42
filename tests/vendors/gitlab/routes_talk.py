"""Merge requests, and the talk in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.vendors.gitlab import shapes
from tests.vendors.gitlab.asking import Asked
from tests.vendors.gitlab.replies import (
    Said,
    bad_request,
    conflict,
    forbidden,
    not_found,
)
from tests.vendors.gitlab.state import (
    DEVELOPER,
    REPORTER,
    MergeRequest,
    Note,
    Version,
)

BAD_LINE_CODE = {"line_code": ["can't be blank", "must be a valid line code"]}


# --- Merge requests ---------------------------------------------------------------------------------------------------


def merge_requests(asked: Asked) -> Any:
    given, state = asked.given, asked.given.get("state", "all")
    found = [
        each for each in asked.project.merge_requests
        if state in {"all", each.state}
        and given.get("source_branch") in {None, each.source_branch}
        and given.get("target_branch") in {None, each.target_branch}
    ]  # fmt: skip
    newest_first = sorted(found, key=lambda each: each.created_at, reverse=True)
    return [shapes.merge_request_of_list(asked.origin, each) for each in newest_first]


def open_merge_request(asked: Asked) -> Any:
    project, given = asked.writable(DEVELOPER), asked.given
    source, target = given["source_branch"], given["target_branch"]
    for each in project.merge_requests:
        is_same = (each.source_branch, each.target_branch, each.source_project) == (source, target, project)
        if is_same and each.state == "opened":
            raise Said(conflict([f"Another open merge request already exists for this source branch: !{each.iid}"]))
    if source not in project.git.branches or target not in project.git.branches:
        raise Said(bad_request({"source_branch": ["does not exist"]}))
    merge_request = asked.gitlab.open_merge_request(
        project, source, author=asked.token.user, title=given["title"], description=given.get("description", ""),
        target_branch=target,
    )  # fmt: skip
    return shapes.merge_request(asked.origin, merge_request)


def diffs(asked: Asked) -> Any:
    of = asked.merge_request
    return [shapes.diff(of, each) for each in of.diffs(of.versions[0])]


def version(asked: Asked) -> Any:
    of = asked.merge_request
    version = _known_version(of, id=int(asked.names["version_id"]))
    if version is None:
        raise Said(not_found())
    # GitLab shows these without the limits that hold for a merge request's page.
    return {
        **shapes.version(of, version),
        "commits": [],
        "diffs": [shapes.diff(of, each) for each in of.diffs(version)],
    }


def _known_version(of: MergeRequest, **wanted: Any) -> Version | None:
    return next((v for v in of.versions if all(getattr(v, name) == value for name, value in wanted.items())), None)


# --- The talk in them -------------------------------------------------------------------------------------------------


def begin_discussion(asked: Asked) -> Any:
    asked.writable(REPORTER)
    of, position = asked.merge_request, asked.given.get("position")
    if position is not None:
        _check_position(of, position)
    note = asked.gitlab.write(of, asked.token.user, _body(asked), position=position)
    return shapes.discussion(asked.origin, of, of.discussions[note.discussion_id])


def _check_position(of: MergeRequest, position: Mapping[str, Any]) -> None:
    refs = {name: position[name] for name in ("base_sha", "start_sha", "head_sha")}
    version = _known_version(of, **refs)
    paths = position["old_path"], position["new_path"]
    diffs = of.diffs(version) if version else []
    diff = next((each for each in diffs if (each.old_path, each.new_path) == paths), None)
    if diff is None:
        raise Said(bad_request(f"400 Bad request - Note {BAD_LINE_CODE}"))
    shown = {(line.old, line.new): diff.code(line) for line in diff.lines}
    codes = {diff.code(line) for line in diff.lines}
    ends = (position.get("line_range") or {}).values()
    is_shown = (position.get("old_line"), position.get("new_line")) in shown
    if not is_shown or any(end["line_code"] not in codes for end in ends):
        raise Said(bad_request(f"400 Bad request - Note {BAD_LINE_CODE}"))


def reply(asked: Asked) -> Any:
    asked.writable(REPORTER)
    of, first = asked.merge_request, asked.thread[0]
    note = asked.gitlab.write(of, asked.token.user, _body(asked), discussion_id=first.discussion_id)
    return shapes.note(asked.origin, of, note)


def resolve(asked: Asked) -> Any:
    asked.writable(DEVELOPER)
    if asked.thread[0].is_individual:
        raise Said(forbidden())
    for note in asked.thread:
        note.is_resolved = asked.given["resolved"]
    return shapes.discussion(asked.origin, asked.merge_request, asked.thread)


def edit_note(asked: Asked) -> Any:
    note = _own_note(asked)
    note.body = _body(asked)
    return shapes.note(asked.origin, asked.merge_request, note)


def delete_note(asked: Asked) -> Any:
    note = _own_note(asked)
    thread = asked.merge_request.discussions[note.discussion_id]
    thread.remove(note)
    if not thread:
        del asked.merge_request.discussions[note.discussion_id]


def _own_note(asked: Asked) -> Note:
    asked.writable(REPORTER)
    if asked.note.author is not asked.token.user:
        raise Said(forbidden())
    return asked.note


def _body(asked: Asked) -> str:
    body: str = asked.given.get("body") or ""
    if not body.strip():
        raise Said(bad_request('400 Bad request - Note {:note=>["can\'t be blank"]}'))
    return body


def awards(asked: Asked) -> Any:
    note, users = asked.note, asked.gitlab.users
    return [
        shapes.award(asked.origin, award_id, name, note=note, by=users[user_id])
        for (user_id, name), award_id in note.awards.items()
    ]


def award(asked: Asked) -> Any:
    asked.writable(REPORTER)
    note, key = asked.note, (asked.token.user.id, asked.given["name"])
    if key in note.awards:
        raise Said(not_found("Award Emoji Name has already been taken"))
    note.awards[key] = asked.gitlab.next_id()
    return shapes.award(asked.origin, note.awards[key], key[1], note=note, by=asked.token.user)
