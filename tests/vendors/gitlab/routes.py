"""What this GitLab does when it is asked: who may, what changes, what comes back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from tests.vendors.gitlab import shapes
from tests.vendors.gitlab.git import CommitRow, File
from tests.vendors.gitlab.replies import (
    Said,
    bad_request,
    conflict,
    forbidden,
    insufficient_scope,
    moved,
    not_found,
    redirect,
    unauthorized,
)
from tests.vendors.gitlab.state import (
    DEVELOPER,
    MAINTAINER,
    REPORTER,
    GitLab,
    MergeRequest,
    Note,
    Project,
    Status,
    Token,
    Version,
)

LONGEST_DESCRIPTION = 255
BAD_LINE_CODE = {"line_code": ["can't be blank", "must be a valid line code"]}


@dataclass
class Asked:
    """One request: `names` are from its path, `given` is its query or body."""

    gitlab: GitLab
    origin: str
    method: str
    target: str
    names: Mapping[str, str]
    given: Mapping[str, Any]
    token: Token

    @property
    def project(self) -> Project:
        """Return the project that is asked for, or end the request as GitLab does."""
        name = unquote(self.names["id"])
        for project in self.gitlab.projects.values():
            is_hidden = project.visibility == "private" and not project.level_of(self.token.user)
            if is_hidden:
                continue
            if name in {str(project.id), project.path_with_namespace}:
                return project
            if name in project.old_paths:
                by_number = self.target.replace(f"/projects/{self.names['id']}", f"/projects/{project.id}", 1)
                raise Said(redirect(f"{self.origin}{by_number}") if self.method == "GET" else moved())
        raise Said(not_found("Project"))

    @property
    def merge_request(self) -> MergeRequest:
        for merge_request in self.project.merge_requests:
            if str(merge_request.iid) == self.names["iid"]:
                return merge_request
        raise Said(not_found())

    @property
    def note(self) -> Note:
        note = self.merge_request.note(int(self.names["note_id"]))
        if note is None:
            raise Said(not_found("Note"))
        return note

    @property
    def thread(self) -> list[Note]:
        thread = self.merge_request.discussions.get(self.names["discussion_id"])
        if thread is None:
            raise Said(not_found("Discussion"))
        return thread

    def writable(self, level: int) -> Project:
        """Return the project, or end the request where it is archived or the role is too low."""
        project = self.project
        if project.level_of(self.token.user) < level or project.is_archived:
            raise Said(forbidden())
        return project

    def commit(self, ref: str, what: str) -> CommitRow:
        row = self.project.git.resolve(ref)
        if row is None:
            raise Said(not_found(what))
        return row


Route = Callable[[Asked], Any]


def who_asks(gitlab: GitLab, headers: Mapping[str, str], scopes: tuple[str, ...]) -> Token:
    """Return the token of a request, or end it."""
    value = headers.get("Private-Token") or headers.get("Authorization", "").removeprefix("Bearer ")
    token = gitlab.tokens.get(value)
    if token is None:
        raise Said(unauthorized())
    if scopes and not set(scopes) & set(token.scopes):
        raise Said(insufficient_scope(" ".join(scopes)))
    return token


# --- Who, and which projects ------------------------------------------------------------------------------------------


def _projects(asked: Asked) -> Any:
    least = int(asked.given.get("min_access_level", 0)) or (1 if asked.given.get("membership") else 0)
    found = [each for each in asked.gitlab.projects.values() if each.level_of(asked.token.user) >= least]
    ordered = sorted(found, key=lambda each: each.id, reverse=asked.given.get("sort", "desc") == "desc")
    return [shapes.project(asked.origin, each) for each in ordered]


def _levels(asked: Asked) -> dict[int, int]:
    project = asked.project
    inherited = project.group.members if project.group else {}
    return {user_id: max(project.members.get(user_id, 0), inherited.get(user_id, 0))
            for user_id in {*project.members, *inherited}}  # fmt: skip


def _members(asked: Asked) -> Any:
    words = asked.given.get("query", "").lower()
    found = [(asked.gitlab.users[user_id], level) for user_id, level in sorted(_levels(asked).items())]
    return [shapes.member(asked.origin, user, level) for user, level in found if words in user.username.lower()]


def _member(asked: Asked) -> Any:
    user_id = int(asked.names["user_id"])
    if user_id not in (levels := _levels(asked)):
        raise Said(not_found())
    return shapes.member(asked.origin, asked.gitlab.users[user_id], levels[user_id])


# --- Files, branches and commits --------------------------------------------------------------------------------------


def _file(asked: Asked) -> Any:
    path, ref = unquote(asked.names["file_path"]), asked.given["ref"]
    row = asked.commit(ref, "Commit")
    if path not in row.tree:
        raise Said(not_found("File"))
    return shapes.file(path, ref, row, row.tree[path])


def _tree(asked: Asked) -> Any:
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


def _branch(asked: Asked) -> Any:
    name = unquote(asked.names["branch"])
    if name not in asked.project.git.branches:
        raise Said(not_found("Branch"))
    return shapes.branch(asked.origin, asked.project, name)


def _commit(asked: Asked) -> Any:
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


def _show_status(asked: Asked) -> Any:
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


def _statuses(asked: Asked) -> Any:
    name = asked.given.get("name")
    found = [each for each in asked.project.statuses if each.sha == asked.names["sha"] and name in {None, each.name}]
    latest = {each.name: each for each in found}
    return [shapes.status(asked.origin, each) for each in (found if asked.given.get("all") else latest.values())]


# --- Merge requests ---------------------------------------------------------------------------------------------------


def _merge_requests(asked: Asked) -> Any:
    given, state = asked.given, asked.given.get("state", "all")
    found = [
        each for each in asked.project.merge_requests
        if state in {"all", each.state}
        and given.get("source_branch") in {None, each.source_branch}
        and given.get("target_branch") in {None, each.target_branch}
    ]  # fmt: skip
    newest_first = sorted(found, key=lambda each: each.created_at, reverse=True)
    return [shapes.merge_request_of_list(asked.origin, each) for each in newest_first]


def _open_merge_request(asked: Asked) -> Any:
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


def _diffs(asked: Asked) -> Any:
    of = asked.merge_request
    return [shapes.diff(of, each) for each in of.diffs(of.versions[0])]


def _version(asked: Asked) -> Any:
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


def _begin_discussion(asked: Asked) -> Any:
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


def _reply(asked: Asked) -> Any:
    asked.writable(REPORTER)
    of, first = asked.merge_request, asked.thread[0]
    note = asked.gitlab.write(of, asked.token.user, _body(asked), discussion_id=first.discussion_id)
    return shapes.note(asked.origin, of, note)


def _resolve(asked: Asked) -> Any:
    asked.writable(DEVELOPER)
    if asked.thread[0].is_individual:
        raise Said(forbidden())
    for note in asked.thread:
        note.is_resolved = asked.given["resolved"]
    return shapes.discussion(asked.origin, asked.merge_request, asked.thread)


def _edit_note(asked: Asked) -> Any:
    note = _own_note(asked)
    note.body = _body(asked)
    return shapes.note(asked.origin, asked.merge_request, note)


def _delete_note(asked: Asked) -> Any:
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


def _awards(asked: Asked) -> Any:
    note, users = asked.note, asked.gitlab.users
    return [
        shapes.award(asked.origin, award_id, name, note=note, by=users[user_id])
        for (user_id, name), award_id in note.awards.items()
    ]


def _award(asked: Asked) -> Any:
    asked.writable(REPORTER)
    note, key = asked.note, (asked.token.user.id, asked.given["name"])
    if key in note.awards:
        raise Said(not_found("Award Emoji Name has already been taken"))
    note.awards[key] = asked.gitlab.next_id()
    return shapes.award(asked.origin, note.awards[key], key[1], note=note, by=asked.token.user)


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


def _hooks(asked: Asked) -> Any:
    return [_hook_shape(hook) for hook in asked.writable(MAINTAINER).hooks.values()]


def _add_hook(asked: Asked) -> Any:
    project, hook_id = asked.writable(MAINTAINER), asked.gitlab.next_id()
    stamps = {"id": hook_id, "project_id": project.id, "created_at": shapes.time(asked.gitlab.tick())}
    project.hooks[hook_id] = {**HOOK_DEFAULTS, **stamps, **asked.given}
    return _hook_shape(project.hooks[hook_id])


def _change_hook(asked: Asked) -> Any:
    hook = _hook(asked)
    hook.update(asked.given)
    return _hook_shape(hook)


def _remove_hook(asked: Asked) -> Any:
    del asked.project.hooks[_hook(asked)["id"]]


def _hook(asked: Asked) -> dict[str, Any]:
    hook = asked.writable(MAINTAINER).hooks.get(int(asked.names["hook_id"]))
    if hook is None:
        raise Said(not_found())
    return hook


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "/user"): lambda asked: shapes.user(asked.origin, asked.token.user),
    ("GET", "/personal_access_tokens/self"): lambda asked: shapes.token(asked.token),
    ("GET", "/projects"): _projects,
    ("GET", "/projects/:id"): lambda asked: shapes.project(asked.origin, asked.project),
    ("GET", "/projects/:id/members/all"): _members,
    ("GET", "/projects/:id/members/all/:user_id"): _member,
    ("GET", "/projects/:id/repository/tree"): _tree,
    ("GET", "/projects/:id/repository/files/:file_path"): _file,
    ("HEAD", "/projects/:id/repository/files/:file_path"): _file,
    ("GET", "/projects/:id/repository/branches/:branch"): _branch,
    ("POST", "/projects/:id/repository/commits"): _commit,
    ("GET", "/projects/:id/repository/commits/:sha/statuses"): _statuses,
    ("POST", "/projects/:id/statuses/:sha"): _show_status,
    ("GET", "/projects/:id/merge_requests"): _merge_requests,
    ("POST", "/projects/:id/merge_requests"): _open_merge_request,
    ("GET", "/projects/:id/merge_requests/:iid"): lambda a: shapes.merge_request(a.origin, a.merge_request),
    ("GET", "/projects/:id/merge_requests/:iid/diffs"): _diffs,
    ("GET", "/projects/:id/merge_requests/:iid/versions"):
        lambda a: [shapes.version(a.merge_request, each) for each in a.merge_request.versions],
    ("GET", "/projects/:id/merge_requests/:iid/versions/:version_id"): _version,
    ("GET", "/projects/:id/merge_requests/:iid/discussions"):
        lambda a: [shapes.discussion(a.origin, a.merge_request, each) for each in a.merge_request.discussions.values()],
    ("POST", "/projects/:id/merge_requests/:iid/discussions"): _begin_discussion,
    ("PUT", "/projects/:id/merge_requests/:iid/discussions/:discussion_id"): _resolve,
    ("POST", "/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes"): _reply,
    ("PUT", "/projects/:id/merge_requests/:iid/notes/:note_id"): _edit_note,
    ("DELETE", "/projects/:id/merge_requests/:iid/notes/:note_id"): _delete_note,
    ("GET", "/projects/:id/merge_requests/:iid/notes/:note_id/award_emoji"): _awards,
    ("POST", "/projects/:id/merge_requests/:iid/notes/:note_id/award_emoji"): _award,
    ("GET", "/projects/:id/hooks"): _hooks,
    ("POST", "/projects/:id/hooks"): _add_hook,
    ("PUT", "/projects/:id/hooks/:hook_id"): _change_hook,
    ("DELETE", "/projects/:id/hooks/:hook_id"): _remove_hook,
}  # fmt: skip
