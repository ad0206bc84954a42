"""GitHub's JSON for what the state holds; the addresses are those of the server itself."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from tests.vendors.github.git import Commit, Difference
from tests.vendors.github.state import (
    Account,
    App,
    CheckRun,
    Hook,
    Installation,
    IssueComment,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    Status,
    now,
)

Json = dict[str, Any]
USER_URLS = ("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events")
REPOSITORY_URLS = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags"),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags"),
    *("teams", "trees", "hooks"),
)


def time_of(moment: datetime | None) -> str | None:
    """Return a time as GitHub writes it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """Writes values for a server at `origin`."""

    def __init__(self, origin: str) -> None:
        self.web = origin
        self.api = f"{origin}/api/v3"

    def account(self, account: Account) -> Json:
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "avatar_url": f"{self.web}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{account.login}",
            **{f"{name}_url": f"{url}/{name}" for name in (*USER_URLS, "received_events")},
            "type": account.type,
            "site_admin": False,
        }

    def user(self, account: Account) -> Json:
        nothing = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio"))
        times = {"created_at": time_of(now()), "updated_at": time_of(now())}
        counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
        return {**self.account(account), **nothing, "blog": "", **times, **counts, "user_view_type": "public"}

    def repository(self, repository: Repository) -> Json:
        url = f"{self.api}/repos/{repository.full_name}"
        page = f"{self.web}/{repository.full_name}"
        moment = time_of(now())
        return {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self.account(repository.owner),
            "private": repository.is_private,
            "html_url": page,
            "description": None,
            "fork": False,
            "url": url,
            **{f"{name}_url": f"{url}/{name}" for name in REPOSITORY_URLS},
            "git_url": f"git:{page}.git",
            "ssh_url": f"git@{page}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            **dict.fromkeys(("mirror_url", "homepage", "language", "license")),
            **dict.fromkeys(("forks_count", "stargazers_count", "watchers_count", "size", "open_issues_count"), 0),
            **dict.fromkeys(("forks", "open_issues", "watchers", "subscribers_count", "network_count"), 0),
            **dict.fromkeys(("has_issues", "has_projects", "has_wiki"), True),
            **dict.fromkeys(("has_pages", "has_discussions", "has_downloads", "disabled"), False),
            "default_branch": repository.default_branch,
            "archived": repository.is_archived,
            "pushed_at": moment,
            "created_at": moment,
            "updated_at": moment,
        }

    def app(self, app: App) -> Json:
        page = f"{self.web}/apps/{app.slug}"
        return {
            "id": app.id,
            "slug": app.slug,
            "client_id": app.client_id,
            "node_id": f"A_{app.id}",
            "owner": self.account(app.owner),
            "name": app.slug,
            "description": None,
            "external_url": page,
            "html_url": page,
            "created_at": time_of(now()),
            "updated_at": time_of(now()),
            "permissions": app.permissions,
            "events": app.events,
        }

    def installation(self, installation: Installation) -> Json:
        url = f"{self.api}/app/installations/{installation.id}"
        name = installation.account.login
        # An account is an enterprise too by GitHub's description, though never in truth.
        enterprise = {"name": name, "slug": name, "created_at": time_of(now()), "updated_at": time_of(now())}
        return {
            "id": installation.id,
            "account": self.account(installation.account) | enterprise,
            "repository_selection": "all" if installation.repository_ids is None else "selected",
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.web}/settings/installations/{installation.id}",
            "app_id": installation.app.id,
            "app_slug": installation.app.slug,
            "target_id": installation.account.id,
            "target_type": installation.account.type,
            "permissions": installation.permissions,
            "events": installation.app.events,
            "created_at": time_of(now()),
            "updated_at": time_of(now()),
            "single_file_name": None,
            "suspended_by": None,
            "suspended_at": time_of(installation.suspended_at),
        }

    def pull(self, pull: Pull) -> Json:
        """Return a pull request as it is told alone; a list leaves some out, and its schema lets them stand."""
        repository = pull.repository
        path = f"{repository.full_name}/pulls/{pull.number}"
        url, page = f"{self.api}/repos/{path}", f"{self.web}/{repository.full_name}/pull/{pull.number}"
        issue = f"{self.api}/repos/{repository.full_name}/issues/{pull.number}"
        of_repository = f"{self.api}/repos/{repository.full_name}"
        links = {
            "issue": issue,
            "commits": f"{url}/commits",
            "review_comments": f"{url}/comments",
            "review_comment": f"{of_repository}/pulls/comments{{/number}}",
            "comments": f"{issue}/comments",
            "statuses": f"{of_repository}/statuses/{pull.head_sha}",
        }
        differences = pull.differences()
        return {
            "url": url,
            "id": pull.id,
            "node_id": f"PR_{pull.id}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            **{f"{name}_url": link for name, link in links.items()},
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "user": self.account(pull.author),
            "body": pull.body,
            "labels": [],
            **dict.fromkeys(("milestone", "merge_commit_sha", "assignee", "auto_merge", "mergeable", "merged_by")),
            "created_at": time_of(pull.created_at),
            "updated_at": time_of(pull.updated_at),
            "closed_at": None if pull.state == "open" else time_of(pull.updated_at),
            "merged_at": time_of(pull.merged_at),
            "head": self._side(pull, pull.head_branch, pull.head_sha, fork=pull.fork),
            "base": self._side(pull, pull.base_branch, pull.base_sha),
            "_links": {name: {"href": link} for name, link in {**links, "self": url, "html": page}.items()},
            "author_association": "MEMBER",
            "draft": pull.is_draft,
            "merged": pull.merged_at is not None,
            "mergeable_state": "unknown",
            "comments": sum(comment.number == pull.number for comment in repository.issue_comments),
            "review_comments": sum(comment.number == pull.number for comment in repository.review_comments),
            "maintainer_can_modify": False,
            "commits": 1,
            "additions": sum(each.additions for each in differences),
            "deletions": sum(each.deletions for each in differences),
            "changed_files": len(differences),
        }

    def _side(self, pull: Pull, branch: str, sha: str, *, fork: str = "") -> Json:
        repository = self.repository(pull.repository)
        if fork:
            owner = Account(fork.partition("/")[0], id=pull.id)
            repository |= {"id": pull.id, "full_name": fork, "fork": True, "owner": self.account(owner)}
        login = repository["owner"]["login"]
        return {
            "label": f"{login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": repository["owner"],
            "repo": repository,
        }

    def difference(self, pull: Pull, each: Difference) -> Json:
        of_repository = f"{self.api}/repos/{pull.repository.full_name}"
        shape = {
            "sha": each.sha,
            "filename": each.path,
            "status": each.status,
            "additions": each.additions,
            "deletions": each.deletions,
            "changes": each.additions + each.deletions,
            "blob_url": f"{self.web}/{pull.repository.full_name}/blob/{pull.head_sha}/x",
            "raw_url": f"{self.web}/{pull.repository.full_name}/raw/{pull.head_sha}/x",
            "contents_url": f"{of_repository}/contents/x?ref={pull.head_sha}",
        }
        return (
            shape
            | ({"patch": each.patch} if each.patch is not None else {})
            | ({"previous_filename": each.old_path} if each.status == "renamed" else {})
        )

    def review(self, repository: Repository, review: Review) -> Json:
        url, page = self._pull_links(repository, review.number)
        page = f"{page}#pullrequestreview-{review.id}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.account(review.author),
            "body": review.body,
            "state": "COMMENTED",
            "html_url": page,
            "pull_request_url": url,
            "_links": {"html": {"href": page}, "pull_request": {"href": url}},
            "commit_id": review.commit_id,
            "author_association": "MEMBER",
        }

    def review_comment(self, repository: Repository, comment: ReviewComment) -> Json:
        url, page = self._pull_links(repository, comment.number)
        itself = f"{self.api}/repos/{repository.full_name}/pulls/comments/{comment.id}"
        page = f"{page}#discussion_r{comment.id}"
        shape = {
            "url": itself,
            "pull_request_review_id": comment.review_id,
            "id": comment.id,
            "node_id": f"PRRC_{comment.id}",
            "diff_hunk": "@@ -1 +1 @@",
            "path": comment.path,
            "position": 1,
            "original_position": 1,
            "commit_id": comment.commit_id,
            "original_commit_id": comment.commit_id,
            "user": self.account(comment.author),
            "body": comment.body,
            "created_at": time_of(comment.created_at),
            "updated_at": time_of(comment.created_at),
            "html_url": page,
            "pull_request_url": url,
            "author_association": "MEMBER",
            "_links": {"self": {"href": itself}, "html": {"href": page}, "pull_request": {"href": url}},
            "line": comment.line,
            "original_line": comment.line or 1,
            "start_line": comment.start_line,
            "original_start_line": comment.start_line,
            "side": "RIGHT",
            "start_side": None if comment.start_line is None else "RIGHT",
        }
        return shape if comment.reply_to is None else shape | {"in_reply_to_id": comment.reply_to}

    def issue_comment(self, repository: Repository, comment: IssueComment) -> Json:
        of_repository = f"{self.api}/repos/{repository.full_name}"
        page = f"{self.web}/{repository.full_name}/pull/{comment.number}"
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": f"{of_repository}/issues/comments/{comment.id}",
            "html_url": f"{page}#issuecomment-{comment.id}",
            "user": self.account(comment.author),
            "body": comment.body,
            "created_at": time_of(comment.created_at),
            "updated_at": time_of(comment.created_at),
            "issue_url": f"{of_repository}/issues/{comment.number}",
            "author_association": "MEMBER",
        }

    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": f"REA_{reaction.id}",
            "user": self.account(reaction.account),
            "content": reaction.content,
            "created_at": time_of(now()),
        }

    def check_run(self, repository: Repository, run: CheckRun) -> Json:
        url = f"{self.api}/repos/{repository.full_name}/check-runs/{run.id}"
        is_done = run.status == "completed"
        return {
            "id": run.id,
            "head_sha": run.head_sha,
            "node_id": f"CR_{run.id}",
            "external_id": run.external_id,
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/runs/{run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": time_of(now()),
            "completed_at": time_of(now()) if is_done else None,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": None,
                "annotations_count": len(run.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "name": run.name,
            "check_suite": {"id": 1},
            "app": None,
            "pull_requests": [],
        }

    def status(self, repository: Repository, status: Status) -> Json:
        return {
            "url": f"{self.api}/repos/{repository.full_name}/statuses/{status.sha}",
            "avatar_url": None,
            "id": status.id,
            "node_id": f"SC_{status.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": time_of(now()),
            "updated_at": time_of(now()),
            "creator": self.account(status.creator),
        }

    def hook(self, repository: Repository, hook: Hook) -> Json:
        url = f"{self.api}/repos/{repository.full_name}/hooks/{hook.id}"
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.is_active,
            "events": hook.events,
            "config": {
                "url": hook.url,
                "content_type": hook.content_type,
                "insecure_ssl": "0",
                **({"secret": "********"} if hook.secret else {}),
            },
            "updated_at": time_of(now()),
            "created_at": time_of(now()),
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "last_response": {"code": None, "status": "unused", "message": None},
        }

    def blob(self, repository: Repository, sha: str, content: bytes) -> Json:
        return {
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
            "url": f"{self.api}/repos/{repository.full_name}/git/blobs/{sha}",
            "sha": sha,
            "size": len(content),
            "node_id": f"B_{sha}",
        }

    def git_commit(self, repository: Repository, commit: Commit) -> Json:
        of_repository = f"{self.api}/repos/{repository.full_name}/git"
        person = {"date": time_of(now()), "email": "robot@example.org", "name": "Robot"}
        return {
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "url": f"{of_repository}/commits/{commit.sha}",
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{of_repository}/trees/{commit.tree}"},
            "parents": [
                {"sha": sha, "url": f"{of_repository}/commits/{sha}", "html_url": f"{self.web}/{sha}"}
                for sha in commit.parents
            ],
            "verification": {
                **dict.fromkeys(("signature", "payload", "verified_at")),
                "verified": False,
                "reason": "unsigned",
            },
            "html_url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
        }

    def _pull_links(self, repository: Repository, number: int) -> tuple[str, str]:
        path = repository.full_name
        return f"{self.api}/repos/{path}/pulls/{number}", f"{self.web}/{path}/pull/{number}"
