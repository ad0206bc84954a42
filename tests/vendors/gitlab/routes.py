"""What this GitLab does for each request that its contract knows."""

from __future__ import annotations

from collections.abc import Mapping

from tests.vendors.gitlab import routes_code, routes_talk, shapes
from tests.vendors.gitlab.asking import Route

ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "/user"): lambda asked: shapes.user(asked.origin, asked.token.user),
    ("GET", "/personal_access_tokens/self"): lambda asked: shapes.token(asked.token),
    ("GET", "/projects"): routes_code.projects,
    ("GET", "/projects/:id"): lambda asked: shapes.project(asked.origin, asked.project),
    ("GET", "/projects/:id/members/all"): routes_code.members,
    ("GET", "/projects/:id/members/all/:user_id"): routes_code.member,
    ("GET", "/projects/:id/repository/tree"): routes_code.tree,
    ("GET", "/projects/:id/repository/files/:file_path"): routes_code.file,
    ("HEAD", "/projects/:id/repository/files/:file_path"): routes_code.file,
    ("GET", "/projects/:id/repository/branches/:branch"): routes_code.branch,
    ("POST", "/projects/:id/repository/commits"): routes_code.commit,
    ("GET", "/projects/:id/repository/commits/:sha/statuses"): routes_code.statuses,
    ("POST", "/projects/:id/statuses/:sha"): routes_code.show_status,
    ("GET", "/projects/:id/merge_requests"): routes_talk.merge_requests,
    ("POST", "/projects/:id/merge_requests"): routes_talk.open_merge_request,
    ("GET", "/projects/:id/merge_requests/:iid"): lambda a: shapes.merge_request(a.origin, a.merge_request),
    ("GET", "/projects/:id/merge_requests/:iid/diffs"): routes_talk.diffs,
    ("GET", "/projects/:id/merge_requests/:iid/versions"):
        lambda a: [shapes.version(a.merge_request, each) for each in a.merge_request.versions],
    ("GET", "/projects/:id/merge_requests/:iid/versions/:version_id"): routes_talk.version,
    ("GET", "/projects/:id/merge_requests/:iid/discussions"):
        lambda a: [shapes.discussion(a.origin, a.merge_request, each) for each in a.merge_request.discussions.values()],
    ("POST", "/projects/:id/merge_requests/:iid/discussions"): routes_talk.begin_discussion,
    ("PUT", "/projects/:id/merge_requests/:iid/discussions/:discussion_id"): routes_talk.resolve,
    ("POST", "/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes"): routes_talk.reply,
    ("PUT", "/projects/:id/merge_requests/:iid/notes/:note_id"): routes_talk.edit_note,
    ("DELETE", "/projects/:id/merge_requests/:iid/notes/:note_id"): routes_talk.delete_note,
    ("GET", "/projects/:id/merge_requests/:iid/notes/:note_id/award_emoji"): routes_talk.awards,
    ("POST", "/projects/:id/merge_requests/:iid/notes/:note_id/award_emoji"): routes_talk.award,
    ("GET", "/projects/:id/hooks"): routes_code.hooks,
    ("POST", "/projects/:id/hooks"): routes_code.add_hook,
    ("PUT", "/projects/:id/hooks/:hook_id"): routes_code.change_hook,
    ("DELETE", "/projects/:id/hooks/:hook_id"): routes_code.remove_hook,
}  # fmt: skip
