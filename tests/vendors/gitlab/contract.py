"""What GitLab's API takes and gives, as facts: which requests there are, with what, and the shape of each answer.

What a request must have is read from python-gitlab's own tables; what it may have, and the types, from the reference
of GitLab's API (versions 17 and 18; some facts are of version 16). The schemas in `gitlab_schemas` hold the fields and
types of `spec/fixtures/api/schemas/public_api/v4` in GitLab's repository, or of the reference's examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gitlab.base import RESTManager
from gitlab.v4 import objects
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SCHEMAS = Path(__file__).parent.parent / "gitlab_schemas"
STRING, INTEGER, BOOLEAN, OBJECT, ARRAY = (str,), (int,), (bool,), (dict,), (list,)
Types = Mapping[str, tuple[type, ...]]

MAY_PAGE: Types = {"page": STRING, "per_page": STRING}
HOOK_FLAGS = (
    "confidential_issues_events", "confidential_note_events", "deployment_events", "enable_ssl_verification",
    "feature_flag_events", "issues_events", "job_events", "merge_requests_events", "note_events", "pipeline_events",
    "push_events", "releases_events", "tag_push_events", "wiki_page_events", "resource_access_token_events",
)  # fmt: skip
HOOK: Types = {
    "url": STRING, "token": STRING, "name": STRING, "description": STRING, "push_events_branch_filter": STRING,
    **dict.fromkeys(HOOK_FLAGS, BOOLEAN),
}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """One request that GitLab answers; `schema` is of its answer, or of each entry where `is_list`."""

    method: str
    path: str
    schema: str = ""
    takes: Types = field(default_factory=dict)
    required: tuple[str, ...] = ()
    success: int = 200
    is_list: bool = False
    scopes: tuple[str, ...] = ("api",)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Match a path as it came over the wire: each name is one segment, its slashes written as %2F."""
        return re.compile("^/api/v4" + re.sub(r":(\w+)", r"(?P<\1>[^/]+)", self.path) + "$")


def _required(manager: type[RESTManager[Any]], *, update: bool = False) -> tuple[str, ...]:
    attrs = manager._update_attrs if update else manager._create_attrs
    return tuple(attrs.required)


MR = "/projects/:id/merge_requests/:iid"
READ = ("api", "read_api")

ENDPOINTS = (
    Endpoint("GET", "/user", "user", scopes=(*READ, "read_user")),
    Endpoint("GET", "/personal_access_tokens/self", "personal_access_token", scopes=()),
    Endpoint("GET", "/projects", "project", {
        **MAY_PAGE, "membership": STRING, "min_access_level": STRING, "order_by": STRING, "sort": STRING,
        "pagination": STRING, "id_after": STRING, "archived": STRING, "search": STRING, "simple": STRING,
    }, is_list=True, scopes=READ),
    Endpoint("GET", "/projects/:id", "project", scopes=READ),
    Endpoint("GET", "/projects/:id/members/all", "member", {**MAY_PAGE, "query": STRING}, is_list=True, scopes=READ),
    Endpoint("GET", "/projects/:id/members/all/:user_id", "member", scopes=READ),
    Endpoint("GET", "/projects/:id/repository/tree", "tree_entry",
             {**MAY_PAGE, "path": STRING, "ref": STRING, "recursive": STRING}, is_list=True, scopes=READ),
    Endpoint("GET", "/projects/:id/repository/files/:file_path", "file", {"ref": STRING}, ("ref",), scopes=READ),
    Endpoint("HEAD", "/projects/:id/repository/files/:file_path", "", {"ref": STRING}, ("ref",), scopes=READ),
    Endpoint("GET", "/projects/:id/repository/branches/:branch", "branch", scopes=READ),
    Endpoint("POST", "/projects/:id/repository/commits", "commit", {
        "branch": STRING, "commit_message": STRING, "actions": ARRAY, "start_branch": STRING, "start_sha": STRING,
        "author_email": STRING, "author_name": STRING, "stats": BOOLEAN, "force": BOOLEAN,
    }, _required(objects.ProjectCommitManager), 201),
    Endpoint("GET", "/projects/:id/repository/commits/:sha/statuses", "commit_status",
             {**MAY_PAGE, "ref": STRING, "name": STRING, "all": STRING}, is_list=True, scopes=READ),
    Endpoint("POST", "/projects/:id/statuses/:sha", "commit_status", {
        "state": STRING, "ref": STRING, "name": STRING, "context": STRING, "target_url": STRING,
        "description": STRING, "coverage": (int, float), "pipeline_id": INTEGER,
    }, _required(objects.ProjectCommitStatusManager), 201),
    Endpoint("GET", "/projects/:id/merge_requests", "merge_request", {
        **MAY_PAGE, "state": STRING, "source_branch": STRING, "target_branch": STRING, "order_by": STRING,
        "sort": STRING,
    }, is_list=True, scopes=READ),
    Endpoint("POST", "/projects/:id/merge_requests", "merge_request", {
        "source_branch": STRING, "target_branch": STRING, "title": STRING, "description": STRING,
        "remove_source_branch": BOOLEAN, "squash": BOOLEAN, "labels": STRING, "target_project_id": INTEGER,
    }, _required(objects.ProjectMergeRequestManager), 201),
    Endpoint("GET", MR, "merge_request", scopes=READ),
    Endpoint("GET", f"{MR}/diffs", "diff", {**MAY_PAGE, "unidiff": STRING}, is_list=True, scopes=READ),
    Endpoint("GET", f"{MR}/versions", "merge_request_version", MAY_PAGE, is_list=True, scopes=READ),
    Endpoint("GET", f"{MR}/versions/:version_id", "merge_request_version", scopes=READ),
    Endpoint("GET", f"{MR}/discussions", "discussion", MAY_PAGE, is_list=True, scopes=READ),
    Endpoint("POST", f"{MR}/discussions", "discussion",
             {"body": STRING, "position": OBJECT, "commit_id": STRING, "created_at": STRING},
             _required(objects.ProjectMergeRequestDiscussionManager), 201),
    Endpoint("PUT", f"{MR}/discussions/:discussion_id", "discussion", {"resolved": BOOLEAN},
             _required(objects.ProjectMergeRequestDiscussionManager, update=True)),
    Endpoint("POST", f"{MR}/discussions/:discussion_id/notes", "note", {"body": STRING, "created_at": STRING},
             _required(objects.ProjectMergeRequestDiscussionNoteManager), 201),
    Endpoint("PUT", f"{MR}/notes/:note_id", "note", {"body": STRING},
             _required(objects.ProjectMergeRequestNoteManager, update=True)),
    Endpoint("DELETE", f"{MR}/notes/:note_id", success=204),
    Endpoint("GET", f"{MR}/notes/:note_id/award_emoji", "award_emoji", MAY_PAGE, is_list=True, scopes=READ),
    Endpoint("POST", f"{MR}/notes/:note_id/award_emoji", "award_emoji", {"name": STRING},
             _required(objects.ProjectMergeRequestNoteAwardEmojiManager), 201),
    Endpoint("GET", "/projects/:id/hooks", "project_hook", MAY_PAGE, is_list=True, scopes=READ),
    Endpoint("POST", "/projects/:id/hooks", "project_hook", HOOK, _required(objects.ProjectHookManager), 201),
    Endpoint("PUT", "/projects/:id/hooks/:hook_id", "project_hook", HOOK,
             _required(objects.ProjectHookManager, update=True)),
    Endpoint("DELETE", "/projects/:id/hooks/:hook_id", success=204),
)  # fmt: skip

QUICK_ACTION = re.compile(r"^/[a-z_]\w*", re.IGNORECASE | re.MULTILINE)
POSITION: Types = {
    "base_sha": STRING, "start_sha": STRING, "head_sha": STRING, "position_type": STRING, "new_path": STRING,
    "old_path": STRING, "new_line": INTEGER, "old_line": INTEGER, "line_range": OBJECT,
}  # fmt: skip
POSITION_REQUIRED = ("base_sha", "start_sha", "head_sha", "position_type", "new_path", "old_path")
RANGE_END: Types = {"line_code": STRING, "type": STRING, "old_line": INTEGER, "new_line": INTEGER}
ACTION: Types = {
    "action": STRING, "file_path": STRING, "previous_path": STRING, "content": STRING, "encoding": STRING,
    "last_commit_id": STRING, "execute_filemode": BOOLEAN,
}  # fmt: skip


def endpoint_of(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """Return what a request asks for, and the names in its path as they were written there."""
    for endpoint in ENDPOINTS:
        if endpoint.method == method and (match := endpoint.pattern.match(path)):
            return endpoint, match.groupdict()
    return None


def problems_of_request(endpoint: Endpoint, given: Mapping[str, Any]) -> list[str]:
    """Say in which ways a request is not what GitLab describes."""
    name = f"{endpoint.method} {endpoint.path}"
    problems = _problems(name, given, endpoint.takes, endpoint.required)
    if isinstance(position := given.get("position"), dict):
        problems += _problems(f"{name} position", position, POSITION, POSITION_REQUIRED)
        for end in (position.get("line_range") or {}).values():
            problems += _problems(f"{name} line_range", end, RANGE_END, ("line_code", "type"))
    for text in (given.get("body") or "", given.get("description") or ""):
        problems += [f"{name}: GitLab would run {command}" for command in QUICK_ACTION.findall(text)]
    for action in given.get("actions") or ():
        needs = ("action", "file_path") if action.get("action") == "delete" else ("action", "file_path", "content")
        problems += _problems(f"{name} action", action, ACTION, needs)
    return problems


def problems_of_reply(endpoint: Endpoint, body: object) -> list[str]:
    """Say in which ways an answer is not what GitLab would give."""
    if not endpoint.schema:
        return []
    entries = body if endpoint.is_list and isinstance(body, list) else [body]
    validator = _validator(endpoint.schema)
    return [
        f"answer to {endpoint.method} {endpoint.path}: {error.json_path} {error.message[:200]}"
        for entry in entries
        for error in validator.iter_errors(entry)
    ]


def _problems(where: str, given: Mapping[str, Any], takes: Types, required: tuple[str, ...]) -> list[str]:
    problems = [f"{where}: {name} is missing" for name in required if given.get(name) is None]
    for name, value in given.items():
        if name not in takes:
            problems.append(f"{where}: GitLab knows no {name}")
        elif not isinstance(value, takes[name]) or (isinstance(value, bool) and bool not in takes[name]):
            problems.append(f"{where}: {name} is {type(value).__name__}")
    return problems


@cache
def _validator(name: str) -> Draft202012Validator:
    registry: Registry[Any] = Registry().with_resources(
        (path.name, DRAFT202012.create_resource(json.loads(path.read_text()))) for path in SCHEMAS.glob("*.json")
    )
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()), registry=registry)
