"""How this GitLab shows what it knows: one function for each kind of thing, fields as GitLab names them."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from tests.vendors.gitlab.git import ABSENT_MODE, CommitRow, File, FileDiff
from tests.vendors.gitlab.state import MergeRequest, Note, Project, Status, Token, User, Version

Shape = dict[str, Any]


def time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def user(origin: str, one: User) -> Shape:
    return {
        "id": one.id, "name": one.username.title(), "username": one.username, "state": one.state,
        "avatar_url": f"{origin}/uploads/-/{one.id}.png", "web_url": f"{origin}/{one.username}",
    }  # fmt: skip


def token(one: Token) -> Shape:
    return {
        "id": 1, "name": "assistant", "revoked": False, "created_at": "2026-06-01T08:00:00.000Z", "description": None,
        "scopes": list(one.scopes), "user_id": one.user.id, "last_used_at": None, "active": True,
        "expires_at": one.expires_at,
    }  # fmt: skip


def project(origin: str, one: Project) -> Shape:
    path = PurePosixPath(one.path_with_namespace)
    space = str(path.parent)
    return {
        "id": one.id, "name": path.name, "path": path.name, "path_with_namespace": one.path_with_namespace,
        "default_branch": one.default_branch if one.git.branches else None, "visibility": one.visibility,
        "archived": one.is_archived, "web_url": f"{origin}/{one.path_with_namespace}",
        "namespace": {"id": 1, "name": space, "path": space, "kind": "group", "full_path": space},
        "created_at": time(one.created_at), "last_activity_at": time(one.created_at),
    }  # fmt: skip


def member(origin: str, one: User, level: int) -> Shape:
    return {**user(origin, one), "access_level": level, "expires_at": None}


def commit(origin: str, of: Project, row: CommitRow, *, is_detail: bool = True) -> Shape:
    at = time(of.created_at)
    basic = {
        "id": row.sha, "short_id": row.sha[:8], "title": row.message.partition("\n")[0], "created_at": at,
        "parent_ids": list(row.parents), "message": row.message, "author_name": "Somebody",
        "author_email": "somebody@example.com", "authored_date": at, "committer_name": "Somebody",
        "committer_email": "somebody@example.com", "committed_date": at,
        "web_url": f"{origin}/{of.path_with_namespace}/-/commit/{row.sha}",
    }  # fmt: skip
    detail = {"status": None, "last_pipeline": None, "project_id": of.id}
    return {**basic, **detail} if is_detail else basic


def branch(origin: str, of: Project, name: str) -> Shape:
    row = of.git.commits[of.git.branches[name]]
    return {
        "name": name, "commit": commit(origin, of, row, is_detail=False), "merged": False, "protected": False,
        "default": name == of.default_branch, "developers_can_push": False, "developers_can_merge": False,
        "can_push": True, "web_url": f"{origin}/{of.path_with_namespace}/-/tree/{name}",
    }  # fmt: skip


def file(path: str, ref: str, row: CommitRow, one: File) -> Shape:
    content = b"" if one.is_submodule else one.content  # so does GitLab: a submodule looks like an empty file
    return {
        "file_name": PurePosixPath(path).name, "file_path": path, "size": len(content), "encoding": "base64",
        "content": base64.b64encode(content).decode(), "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": ref, "blob_id": one.blob_id, "commit_id": row.sha, "last_commit_id": row.sha,
        "execute_filemode": one.is_executable,
    }  # fmt: skip


def tree_id(name: str) -> str:
    return hashlib.sha1(b"tree " + name.encode()).hexdigest()


def diff(of: MergeRequest, one: FileDiff) -> Shape:
    is_too_large, is_collapsed = one.new_path in of.diffs_too_large, one.new_path in of.diffs_collapsed
    return {
        "old_path": one.old_path, "new_path": one.new_path, "a_mode": one.before.mode if one.before else ABSENT_MODE,
        "b_mode": one.after.mode if one.after else ABSENT_MODE,
        "diff": "" if is_too_large or is_collapsed else one.text, "new_file": one.before is None,
        "renamed_file": one.old_path != one.new_path, "deleted_file": one.after is None, "generated_file": False,
        "collapsed": is_collapsed, "too_large": is_too_large,
    }  # fmt: skip


def version(of: MergeRequest, one: Version) -> Shape:
    return {
        "id": one.id, "head_commit_sha": one.head_sha, "base_commit_sha": one.base_sha,
        "start_commit_sha": one.start_sha, "created_at": time(one.created_at), "merge_request_id": of.id,
        "state": "collected", "real_size": str(len(of.diffs(one))), "patch_id_sha": None,
    }  # fmt: skip


def merge_request(origin: str, one: MergeRequest) -> Shape:
    latest = one.versions[0]
    return {
        "id": one.id, "iid": one.iid, "project_id": one.target_project.id, "title": one.title,
        "description": one.description, "state": one.state, "created_at": time(one.created_at),
        "updated_at": time(one.updated_at), "target_branch": one.target_branch, "source_branch": one.source_branch,
        "upvotes": 0, "downvotes": 0, "author": user(origin, one.author), "assignee": None, "assignees": [],
        "reviewers": [], "source_project_id": one.source_project.id, "target_project_id": one.target_project.id,
        "labels": [], "work_in_progress": one.is_draft, "draft": one.is_draft, "milestone": None,
        "merge_when_pipeline_succeeds": False, "merge_status": "can_be_merged", "sha": latest.head_sha,
        "merge_commit_sha": None, "user_notes_count": len(one.discussions), "should_remove_source_branch": None,
        "force_remove_source_branch": None, "squash": False,
        "web_url": f"{origin}/{one.target_project.path_with_namespace}/-/merge_requests/{one.iid}",
        "diff_refs": {"base_sha": latest.base_sha, "head_sha": latest.head_sha, "start_sha": latest.start_sha},
    }  # fmt: skip


def merge_request_of_list(origin: str, one: MergeRequest) -> Shape:
    """Return it without what GitLab tells of a single one only."""
    return {name: value for name, value in merge_request(origin, one).items() if name != "diff_refs"}


def note(origin: str, of: MergeRequest, one: Note) -> Shape:
    is_resolvable = not one.is_individual and not one.is_system
    kind = None if one.is_individual else ("DiffNote" if one.position else "DiscussionNote")
    shown: Shape = {
        "id": one.id, "type": kind, "body": one.body, "attachment": None, "author": user(origin, one.author),
        "created_at": time(one.created_at), "updated_at": time(one.created_at), "system": one.is_system,
        "noteable_id": of.id, "noteable_type": "MergeRequest", "project_id": of.target_project.id,
        "noteable_iid": of.iid, "resolvable": is_resolvable, "confidential": False, "internal": False,
    }  # fmt: skip
    if one.position:
        shown["position"] = one.position
        shown["commit_id"] = None
    if is_resolvable:
        shown["resolved"] = one.is_resolved
        shown["resolved_by"] = None
    return shown


def discussion(origin: str, of: MergeRequest, notes: list[Note]) -> Shape:
    return {
        "id": notes[0].discussion_id,
        "individual_note": notes[0].is_individual,
        "notes": [note(origin, of, one) for one in notes],
    }


def status(origin: str, one: Status) -> Shape:
    return {
        "id": one.id, "sha": one.sha, "ref": one.ref, "status": one.status, "name": one.name,
        "target_url": one.target_url, "description": one.description, "created_at": time(one.created_at),
        "started_at": None, "finished_at": None, "allow_failure": False, "author": user(origin, one.author),
        "coverage": None,
    }  # fmt: skip


def award(origin: str, award_id: int, name: str, *, note: Note, by: User) -> Shape:
    at = time(note.created_at)
    return {
        "id": award_id, "name": name, "user": user(origin, by), "created_at": at, "updated_at": at,
        "awardable_id": note.id, "awardable_type": "Note", "url": None,
    }  # fmt: skip
