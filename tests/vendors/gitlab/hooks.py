"""What GitLab sends unasked: fields as its page of webhook events shows them, values from what this GitLab knows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from tests.vendors.gitlab.state import MergeRequest, Note, Project, User

VISIBILITY_LEVEL = {"private": 0, "internal": 10, "public": 20}


@dataclass(frozen=True)
class Delivery:
    """One webhook, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes


def merge_request_event(origin: str, of: MergeRequest, action: str, by: User, **more: Any) -> dict[str, Any]:
    """Return what a Merge Request Hook says; `more` goes into `object_attributes`, such as `oldrev`."""
    project = of.target_project
    changes = more.pop("changes", {})
    return {
        "object_kind": "merge_request", "event_type": "merge_request", "user": _user(origin, by),
        "project": _project(origin, project), "repository": _repository(origin, project),
        "object_attributes": {
            **_merge_request(origin, of), "description": of.description, "assignee_ids": [], "reviewer_ids": [],
            "blocking_discussions_resolved": True, "first_contribution": False, "merge_status": "unchecked",
            "url": _address(origin, of), "action": action, **more,
        },
        "labels": [], "changes": changes, "assignees": [], "reviewers": [],
    }  # fmt: skip


def note_event(origin: str, of: MergeRequest, note: Note, *, action: str = "create") -> dict[str, Any]:
    """Return what a Note Hook says of a note in a merge request."""
    project, position = of.target_project, note.position
    kind = None if note.is_individual else ("DiffNote" if position else "DiscussionNote")
    return {
        "object_kind": "note", "event_type": "note", "user": _user(origin, note.author), "project_id": project.id,
        "project": _project(origin, project), "repository": _repository(origin, project),
        "object_attributes": {
            "id": note.id, "note": note.body, "description": note.body, "noteable_type": "MergeRequest",
            "author_id": note.author.id, "created_at": _time(note.created_at), "updated_at": _time(note.created_at),
            "project_id": project.id, "attachment": None, "line_code": "0_1_1" if position else None,
            "commit_id": "", "noteable_id": of.id, "system": False, "st_diff": None, "type": kind,
            "discussion_id": note.discussion_id, "position": position, "original_position": position,
            "change_position": None, "resolved_at": None, "resolved_by_id": None, "internal": False,
            "action": action, "url": f"{_address(origin, of)}#note_{note.id}",
        },
        "merge_request": {**_merge_request(origin, of), "description": of.description},
    }  # fmt: skip


def system_event(name: str, project: Project, **more: Any) -> dict[str, Any]:
    """Return what a System Hook says of a project: `project_rename`, `project_destroy` and the like."""
    path = PurePosixPath(project.path_with_namespace)
    return {
        "event_name": name, "created_at": "2026-09-01T08:00:00Z", "updated_at": "2026-09-01T08:00:00Z",
        "name": path.name, "path": path.name, "path_with_namespace": project.path_with_namespace,
        "project_id": project.id, "owner_name": "Owner", "owner_email": "owner@example.com", "owners": [],
        "project_visibility": project.visibility, **more,
    }  # fmt: skip


def delivery(event: str, body: Mapping[str, Any], *, secret: str, origin: str = "https://gitlab.example") -> Delivery:
    """Return an event with the headers that GitLab puts on it."""
    headers = {
        "Content-Type": "application/json", "User-Agent": "GitLab/18.1.0", "X-Gitlab-Event": event,
        "X-Gitlab-Instance": origin, "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Event-UUID": str(uuid.uuid4()), "Idempotency-Key": str(uuid.uuid4()), "X-Gitlab-Token": secret,
    }  # fmt: skip
    return Delivery(headers, json.dumps(body).encode())


def deliveries(project: Project, body: Mapping[str, Any]) -> Iterator[tuple[str, Delivery]]:
    """Yield what this event sends to each webhook of the project that asks for it, and where to."""
    flag, event = {
        "merge_request": ("merge_requests_events", "Merge Request Hook"),
        "note": ("note_events", "Note Hook"),
        "push": ("push_events", "Push Hook"),
    }[body["object_kind"]]
    for hook in project.hooks.values():
        if hook[flag]:
            yield hook["url"], delivery(event, body, secret=hook.get("token", ""))


def _user(origin: str, one: User) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.username.title(), "username": one.username,
        "avatar_url": f"{origin}/uploads/-/{one.id}.png", "email": "[REDACTED]",
    }  # fmt: skip


def _project(origin: str, one: Project) -> dict[str, Any]:
    web_url, path = f"{origin}/{one.path_with_namespace}", PurePosixPath(one.path_with_namespace)
    return {
        "id": one.id, "name": path.name, "description": "", "web_url": web_url, "avatar_url": None,
        "git_ssh_url": f"git@gitlab.example:{path}.git", "git_http_url": f"{web_url}.git",
        "namespace": str(path.parent), "visibility_level": VISIBILITY_LEVEL[one.visibility],
        "path_with_namespace": str(path), "default_branch": one.default_branch, "ci_config_path": "",
        "homepage": web_url, "url": f"{web_url}.git", "ssh_url": f"git@gitlab.example:{path}.git",
        "http_url": f"{web_url}.git",
    }  # fmt: skip


def _repository(origin: str, one: Project) -> dict[str, Any]:
    web_url = f"{origin}/{one.path_with_namespace}"
    return {"name": one.path_with_namespace, "url": f"{web_url}.git", "description": "", "homepage": web_url}


def _merge_request(origin: str, one: MergeRequest) -> dict[str, Any]:
    head = one.versions[0].head_sha
    return {
        "id": one.id, "iid": one.iid, "target_branch": one.target_branch, "source_branch": one.source_branch,
        "source_project_id": one.source_project.id, "target_project_id": one.target_project.id,
        "author_id": one.author.id, "title": one.title, "created_at": _time(one.created_at),
        "updated_at": _time(one.updated_at), "milestone_id": None, "state": one.state,
        "work_in_progress": one.is_draft, "draft": one.is_draft, "detailed_merge_status": "mergeable",
        "source": _project(origin, one.source_project), "target": _project(origin, one.target_project),
        "last_commit": {
            "id": head, "message": "Change", "title": "Change", "timestamp": "2026-09-01T08:00:00+00:00",
            "url": f"{origin}/{one.source_project.path_with_namespace}/-/commit/{head}",
            "author": {"name": "Somebody", "email": "somebody@example.com"},
        },
    }  # fmt: skip


def _address(origin: str, one: MergeRequest) -> str:
    return f"{origin}/{one.target_project.path_with_namespace}/-/merge_requests/{one.iid}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
