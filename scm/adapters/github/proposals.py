"""A change proposed: a branch of one commit, made of Git objects without a clone, and its pull request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

from scm.adapters.base import NotThere, Refused
from scm.adapters.encoding import encoded
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import Unprocessable, translated
from scm.adapters.github.files import blob
from scm.adapters.values import Commit, Proposal, PullRequestFacts

NEW_FILE = "100644"
WRITTEN_MODES = frozenset({NEW_FILE, "100755", "100664"})


def branch_sha(api: Api, at: str, branch: str) -> str | None:
    """Return the commit that a branch is at, None where there is none."""
    try:
        told = api.get(f"{at}/git/ref/heads/{quote(branch)}")
    except NotThere:
        api.get(at)  # it says the same where the repository is gone, or hidden from us
        return None
    with translated():
        return answers.Ref.model_validate(told).object.sha


def commit(api: Api, at: str, wanted: Commit) -> str:
    """Make the branch of one commit; nothing of it shows before the branch is there."""
    told = api.get(f"{at}/git/commits/{wanted.parent_sha}")
    with translated():
        root = answers.GitCommit.model_validate(told).tree.sha
    walk = _Walk(api, at, root)
    entries = [_entry(api, at, walk, path, text) for path, text in wanted.files.items()]
    with translated():
        tree = answers.Sha.model_validate(api.send("POST", f"{at}/git/trees", {"base_tree": root, "tree": entries}))
        body = {"message": wanted.message, "tree": tree.sha, "parents": [wanted.parent_sha]}
        made = answers.Sha.model_validate(api.send("POST", f"{at}/git/commits", body))
    try:
        api.send("POST", f"{at}/git/refs", {"ref": f"refs/heads/{wanted.branch}", "sha": made.sha})
    except Unprocessable as error:
        if "already exists" in error.words.lower():
            raise Refused(f"There is a branch {wanted.branch} already.") from error
        raise
    return made.sha


class _Walk:
    """What stands at paths of a commit, asked for folder by folder: a whole tree may be too large to be told."""

    def __init__(self, api: Api, at: str, root: str) -> None:
        self._api = api
        self._at = at
        self._root = root
        self._folders: dict[str, dict[str, answers.TreeEntry]] = {}

    def entry(self, path: str) -> answers.TreeEntry | None:
        """Return what stands at a path, None for nothing. Raise Refused where a file stands for a folder."""
        sha = self._root
        *folders, name = path.split("/")
        for folder in folders:
            inside = self._folder(sha).get(folder)
            if inside is None:
                return None
            if inside.type != "tree":
                raise Refused(f"{path} cannot be written: a part of its path is no folder.")
            sha = inside.sha
        return self._folder(sha).get(name)

    def _folder(self, sha: str) -> Mapping[str, answers.TreeEntry]:
        if sha not in self._folders:
            told = self._api.get(f"{self._at}/git/trees/{sha}")
            with translated():
                entries = answers.Tree.model_validate(told).tree
            self._folders[sha] = {entry.path: entry for entry in entries}
        return self._folders[sha]


def _entry(api: Api, at: str, walk: _Walk, path: str, text: str | None) -> dict[str, str | None]:
    before = walk.entry(path)
    if before is not None and before.mode not in WRITTEN_MODES:
        raise Refused(f"{path} cannot be written: it is a link, a folder or another repository.")
    if text is None:
        if before is None:
            raise Refused(f"{path} cannot be removed: it is not there.")
        return {"path": path, "mode": before.mode, "type": "blob", "sha": None}
    content = encoded(text, None if before is None else blob(api, at, before.sha), path)
    body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    with translated():
        sha = answers.Sha.model_validate(api.send("POST", f"{at}/git/blobs", body)).sha
    return {"path": path, "mode": NEW_FILE if before is None else before.mode, "type": "blob", "sha": sha}


def open_pull_request(api: Api, at: str, proposal: Proposal) -> PullRequestFacts:
    """Open a pull request, or return the open one of its branch."""
    shape = {
        "head": proposal.branch,
        "base": proposal.base_branch,
        "title": proposal.title,
        "body": proposal.body,
        "draft": proposal.is_draft,
    }
    try:
        return _opened(api, at, shape)
    except Unprocessable as error:
        words = error.words.lower()
        if "already exists" in words:
            found = pull_request_of_branch(api, at, proposal.branch, state="open")
            if found is not None:
                return found
        # Drafts are not for every plan: https://docs.github.com/en/pull-requests (About draft pull requests)
        if not proposal.is_draft or "draft" not in words:
            raise
    return _opened(api, at, {**shape, "draft": False})


def _opened(api: Api, at: str, shape: Mapping[str, object]) -> PullRequestFacts:
    told = api.send("POST", f"{at}/pulls", shape)
    with translated():
        return answers.PullRequest.model_validate(told).facts()


def pull_request_of_branch(api: Api, at: str, branch: str, *, state: str = "all") -> PullRequestFacts | None:
    """Return the newest pull request from a branch of the repository itself."""
    told = api.get(at)
    with translated():
        owner = answers.Repository.model_validate(told).full_name.partition("/")[0]
    wanted = {"state": state, "head": f"{owner}:{branch}", "sort": "created", "direction": "desc"}
    for each in api.pages(f"{at}/pulls", wanted):
        with translated():
            found = answers.PullRequest.model_validate(each)
        if found.head.ref == branch and not found.is_from_fork:
            return found.facts()
    return None
