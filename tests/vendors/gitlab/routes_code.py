"""Projects, people, code, statuses and webhooks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from tests.vendors.gitlab import shapes
from tests.vendors.gitlab.asking import Asked
from tests.vendors.gitlab.git import CommitRow, File
from tests.vendors.gitlab.replies import (
    Said,
    bad_request,
    not_found,
)
from tests.vendors.gitlab.state import (
    DEVELOPER,
    MAINTAINER,
    Status,
)

LONGEST_DESCRIPTION = 255

# --- Who, and which projects ------------------------------------------------------------------------------------------


def projects(asked: Asked) -> Any:
    least = int(asked.given.get("min_access_level", 0)) or (1 if asked.given.get("membership") else 0)
    found = [each for each in asked.gitlab.projects.values() if each.level_of(asked.token.user) >= least]
    ordered = sorted(found, key=lambda each: each.id, reverse=asked.given.get("sort", "desc") == "desc")
    return [shapes.project(asked.origin, each) for each in ordered]


def _levels(asked: Asked) -> dict[int, int]:
    project = asked.project
    inherited = project.group.members if project.group else {}
    return {user_id: max(project.members.get(user_id, 0), inherited.get(user_id, 0))
            for user_id in {*project.members, *inherited}}  # fmt: skip


def members(asked: Asked) -> Any:
    words = asked.given.get("query", "").lower()
    found = [(asked.gitlab.users[user_id], level) for user_id, level in sorted(_levels(asked).items())]
    return [shapes.member(asked.origin, user, level) for user, level in found if words in user.username.lower()]


def member(asked: Asked) -> Any:
    user_id = int(asked.names["user_id"])
    if user_id not in (levels := _levels(asked)):
        raise Said(not_found())
    return shapes.member(asked.origin, asked.gitlab.users[user_id], levels[user_id])


# --- Files, branches and commits --------------------------------------------------------------------------------------


def file(asked: Asked) -> Any:
    path, ref = unquote(asked.names["file_path"]), asked.given["ref"]
    row = asked.commit(ref, "Commit")
    if path not in row.tree:
        raise Said(not_found("File"))
    return shapes.file(path, ref, row, row.tree[path])


def tree(asked: Asked) -> Any:
    folder = PurePosixPath(asked.given.get("path", ""))
    row = asked.commit(asked.given.get("ref") or asked.project.default_branch, "Tree")
    entries: dict[str, Any] = {}
    for path, file in row.tree.items():
        parts = PurePosixPath(path).parts
        if parts[: len(folder.parts)] != folder.parts or len(parts) == len(folder.parts):
            continue
        name, is_here = parts[len(folder.parts)], len(parts) == len(folder.parts) + 1
        entries[name] = {
            "id": file.blob_id if is_here else shapes.tree_id(name),
            "name": name,
            "type": ("commit" if file.is_submodule else "blob") if is_here else "tree",
            "path": str(folder / name),
            "mode": file.mode if is_here else "040000",
        }
    if not entries:
        raise Said(not_found("Tree"))
    return [entries[name] for name in sorted(entries, key=lambda each: (entries[each]["type"] != "tree", each))]


def branch(asked: Asked) -> Any:
    name = unquote(asked.names["branch"])
    if name not in asked.project.git.branches:
        raise Said(not_found("Branch"))
    return shapes.branch(asked.origin, asked.project, name)


def commit(asked: Asked) -> Any:
    project, given = asked.writable(DEVELOPER), asked.given
    git, branch = project.git, given["branch"]
    is_new = branch not in git.branches
    if not is_new and ("start_sha" in given or "start_branch" in given):
        words = f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        raise Said(bad_request(words))
    start = git.resolve(given.get("start_sha") or given.get("start_branch") or branch)
    if start is None:
        raise Said(bad_request("You can only create or edit files when you are on a branch"))
    changes = {action["file_path"]: _changed(action, start) for action in given["actions"]}
    sha = git.commit(branch, changes, message=given["commit_message"], parent=start.sha)
    asked.gitlab.pushed(project, branch)
    return shapes.commit(asked.origin, project, git.commits[sha])


def _changed(action: Mapping[str, Any], start: CommitRow) -> File | None:
    path, before = action["file_path"], start.tree.get(action["file_path"])
    if action["action"] == "create" and before is not None:
        raise Said(bad_request("A file with this name already exists"))
    if action["action"] in {"update", "delete"} and before is None:
        raise Said(bad_request("A file with this name doesn't exist"))
    if action["action"] == "delete":
        return None
    if action["action"] not in {"create", "update"}:
        raise Said(bad_request(f"actions[0][action] does not have a valid value: {path}"))
    content = action["content"].encode()
    if action.get("encoding") == "base64":
        content = base64.b64decode(content)
    return File(content, is_executable=before is not None and before.is_executable)


def show_status(asked: Asked) -> Any:
    project, given = asked.writable(DEVELOPER), asked.given
    sha, name = asked.names["sha"], given.get("name") or given.get("context") or "default"
    if sha not in project.git.commits:
        raise Said(not_found("Commit"))
    for field in ("description", "target_url"):
        if len(given.get(field) or "") > LONGEST_DESCRIPTION:
            raise Said(bad_request({field: ["is too long (maximum is 255 characters)"]}))
    if not (given.get("target_url") or "https://").startswith(("http://", "https://")) or given.get("target_url") == "":
        raise Said(bad_request({"target_url": ["is blocked: Only allowed schemes are http, https"]}))
    state, known = given["state"], [each for each in project.statuses if (each.sha, each.name) == (sha, name)]
    waiting = next((each for each in known if each.status in {"pending", "running"}), None)
    if waiting is None:
        waiting = Status(asked.gitlab.next_id(), sha, name, "", asked.token.user, asked.gitlab.tick())
        project.statuses.append(waiting)
    elif waiting.status == state or (waiting.status, state) == ("running", "pending"):
        step = {"pending": "enqueue", "running": "run"}[state]
        words = f"Cannot transition status via :{step} from :{waiting.status} (Reason(s): Status cannot transition via"
        raise Said(bad_request(f'{words} "{step}")'))
    waiting.status = state
    waiting.target_url = given.get("target_url", waiting.target_url)
    waiting.description = given.get("description", waiting.description)
    return shapes.status(asked.origin, waiting)


def statuses(asked: Asked) -> Any:
    name = asked.given.get("name")
    found = [each for each in asked.project.statuses if each.sha == asked.names["sha"] and name in {None, each.name}]
    latest = {each.name: each for each in found}
    return [shapes.status(asked.origin, each) for each in (found if asked.given.get("all") else latest.values())]


# --- Webhooks ---------------------------------------------------------------------------------------------------------


HOOK_DEFAULTS: Mapping[str, Any] = {
    "push_events": True, "push_events_branch_filter": "", "tag_push_events": False, "merge_requests_events": False,
    "repository_update_events": False, "enable_ssl_verification": True, "issues_events": False,
    "confidential_issues_events": False, "note_events": False, "confidential_note_events": False,
    "pipeline_events": False, "wiki_page_events": False, "job_events": False, "deployment_events": False,
    "releases_events": False, "feature_flag_events": False, "resource_access_token_events": False,
    "emoji_events": False, "alert_status": "executable", "disabled_until": None, "url_variables": [],
    "custom_webhook_template": None, "custom_headers": [], "name": None, "description": None,
}  # fmt: skip


def _hook_shape(hook: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hook.items() if name != "token"}  # which is never told


def hooks(asked: Asked) -> Any:
    return [_hook_shape(hook) for hook in asked.writable(MAINTAINER).hooks.values()]


def add_hook(asked: Asked) -> Any:
    project, hook_id = asked.writable(MAINTAINER), asked.gitlab.next_id()
    stamps = {"id": hook_id, "project_id": project.id, "created_at": shapes.time(asked.gitlab.tick())}
    project.hooks[hook_id] = {**HOOK_DEFAULTS, **stamps, **asked.given}
    return _hook_shape(project.hooks[hook_id])


def change_hook(asked: Asked) -> Any:
    found = _hook(asked)
    found.update(asked.given)
    return _hook_shape(found)


def remove_hook(asked: Asked) -> Any:
    del asked.project.hooks[_hook(asked)["id"]]


def _hook(asked: Asked) -> dict[str, Any]:
    hook = asked.writable(MAINTAINER).hooks.get(int(asked.names["hook_id"]))
    if hook is None:
        raise Said(not_found())
    return hook
