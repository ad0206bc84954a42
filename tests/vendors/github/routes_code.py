"""A repository, its files, and the Git objects of which a commit is made."""

from __future__ import annotations

import base64
import re
from typing import Any

from tests.vendors.github.git import FOLDER, LINK, MODULE, Entry
from tests.vendors.github.routing import Asked, Refusal, Reply, archived, not_found, page_of, route, said
from tests.vendors.github.shapes import Json
from tests.vendors.github.state import Repository

REPO = "/repos/{owner}/{repo}"
MOST_INLINE_BYTES = 1024 * 1024
MOST_BLOB_BYTES = 100 * 1024 * 1024


@route("GET", REPO, needs="metadata:read")
def repository(asked: Asked) -> Reply:
    return Reply(body=asked.shapes.repository(asked.repository))


@route("GET", f"{REPO}/collaborators/{{username}}/permission", needs="metadata:read")
def collaborator(asked: Asked) -> Reply:
    found = asked.repository
    account = asked.server.accounts.get(asked.parts["username"].lower())
    if account is None:
        raise Refusal(not_found())
    level = "admin" if account == found.owner else found.collaborators.get(account.login, "")
    level = level or ("none" if found.is_private else "read")
    names = {"maintain": "write", "triage": "read"}
    shape = {"permission": names.get(level, level), "role_name": level}
    return Reply(body={**shape, "user": {**asked.shapes.account(account), "role_name": level}})


@route("GET", f"{REPO}/contents/{{path}}", needs="contents:read")
def contents(asked: Asked) -> Reply:
    found, path = asked.repository, asked.parts["path"]
    files = found.files(_commit_named(found, asked.parameters.get("ref", found.default_branch)))
    entry = files.get(path)
    if entry is not None and entry.mode == LINK:
        target = found.objects.blobs[entry.sha].decode()
        if target in files:
            entry = files[target]
    if entry is None:
        inside = {name: each for name, each in files.items() if name.startswith(f"{path}/")}
        if not inside:
            raise Refusal(not_found())
        return Reply(body=[_content(asked, found, name, each) for name, each in inside.items()])
    return Reply(body=_content(asked, found, path, entry, is_whole=True))


def _content(asked: Asked, found: Repository, path: str, entry: Entry, *, is_whole: bool = False) -> Json:
    of_repository = f"{asked.shapes.api}/repos/{found.full_name}"
    git_url = f"{of_repository}/git/blobs/{entry.sha}"
    page = f"{asked.shapes.web}/{found.full_name}/blob/main/x"
    content = found.objects.blobs.get(entry.sha, b"")
    shape: Json = {
        "type": "file",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry.sha,
        "url": f"{of_repository}/contents/x",
        "git_url": git_url,
        "html_url": page,
        "download_url": page,
        "_links": {"git": git_url, "self": f"{of_repository}/contents/x", "html": page},
    }
    if entry.mode == MODULE:
        return shape | {"type": "submodule", "submodule_git_url": "https://host.example/module.git"}
    if entry.mode == LINK:
        return shape | {"type": "symlink", "target": content.decode()}
    if not is_whole:
        return shape
    if len(content) > MOST_INLINE_BYTES:
        return shape | {"encoding": "none", "content": ""}
    return shape | {"encoding": "base64", "content": base64.encodebytes(content).decode()}


# --- Git objects ------------------------------------------------------------------------------------------------------


@route("GET", f"{REPO}/git/blobs/{{file_sha}}", needs="contents:read")
def blob(asked: Asked) -> Reply:
    found, sha = asked.repository, asked.parts["file_sha"]
    content = found.objects.blobs.get(sha)
    if content is None or len(content) > MOST_BLOB_BYTES:
        raise Refusal(not_found())
    return Reply(body=asked.shapes.blob(found, sha, content))


@route("POST", f"{REPO}/git/blobs", needs="contents:write")
def new_blob(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    text = body["content"]
    content = base64.b64decode(text) if body.get("encoding") == "base64" else text.encode()
    sha = found.objects.blob(content)
    return Reply(201, {"url": f"{asked.shapes.api}/repos/{found.full_name}/git/blobs/{sha}", "sha": sha})


@route("GET", f"{REPO}/git/trees/{{tree_sha}}", needs="contents:read")
def tree(asked: Asked) -> Reply:
    found, sha = asked.repository, asked.parts["tree_sha"]
    commit = found.objects.commits.get(sha)
    sha = commit.tree if commit else sha
    if sha not in found.objects.trees:
        raise Refusal(not_found())
    entries = found.objects.trees[sha] if "recursive" in asked.parameters else found.objects.folder(sha)
    return Reply(body=_tree(asked, found, sha, entries))


@route("POST", f"{REPO}/git/trees", needs="contents:write")
def new_tree(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    base = body.get("base_tree", "")
    if base and base not in found.objects.trees:
        raise Refusal(not_found())
    entries = dict(found.objects.trees[base]) if base else {}
    for item in body["tree"]:
        path = item["path"]
        if item.get("sha", "") is None:
            if path not in entries:
                raise Refusal(said(422, "GitRPC::BadObjectState"))
            del entries[path]
            continue
        sha = item.get("sha") or found.objects.blob(item["content"].encode())
        if sha not in found.objects.blobs:
            raise Refusal(said(422, f"tree.sha {sha} is not a valid blob"))
        entries[path] = Entry(item["mode"], sha)
    sha = found.objects.tree(entries)
    return Reply(201, _tree(asked, found, sha, found.objects.folder(sha)))


def _tree(asked: Asked, found: Repository, sha: str, entries: dict[str, Entry]) -> Json:
    url = f"{asked.shapes.api}/repos/{found.full_name}/git"
    listed: list[Json] = []
    for path, entry in entries.items():
        shape: Json = {"path": path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.mode == FOLDER:
            shape["url"] = f"{url}/trees/{entry.sha}"
        elif entry.mode != MODULE:
            shape |= {"size": len(found.objects.blobs[entry.sha]), "url": f"{url}/blobs/{entry.sha}"}
        listed.append(shape)
    return {"sha": sha, "url": f"{url}/trees/{sha}", "truncated": False, "tree": listed}


@route("GET", f"{REPO}/git/commits/{{commit_sha}}", needs="contents:read")
def commit(asked: Asked) -> Reply:
    found = asked.repository
    known = found.objects.commits.get(asked.parts["commit_sha"])
    if known is None:
        raise Refusal(not_found())
    return Reply(body=asked.shapes.git_commit(found, known))


@route("POST", f"{REPO}/git/commits", needs="contents:write")
def new_commit(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    parents = tuple(body.get("parents", ()))
    if body["tree"] not in found.objects.trees or not set(parents) <= found.objects.commits.keys():
        raise Refusal(said(422, "Tree SHA does not exist"))
    sha = found.objects.commit(body["tree"], parents, body["message"])
    return Reply(201, asked.shapes.git_commit(found, found.objects.commits[sha]))


@route("GET", f"{REPO}/git/ref/{{ref}}", needs="contents:read")
def ref(asked: Asked) -> Reply:
    found, name = asked.repository, asked.parts["ref"].removeprefix("heads/")
    if name not in found.branches:
        raise Refusal(not_found())
    return Reply(body=_ref(asked, found, name))


@route("POST", f"{REPO}/git/refs", needs="contents:write")
def new_ref(asked: Asked) -> Reply:
    found, body = _writable(asked), asked.body
    name = body["ref"].removeprefix("refs/heads/")
    if not body["ref"].startswith("refs/heads/") or re.search(r"[\s~^:?*\[\\]|\.\.", name):
        raise Refusal(said(422, f"{body['ref']} is not a valid ref name."))
    if body["sha"] not in found.objects.commits:
        raise Refusal(said(422, "Object does not exist"))
    if name in found.branches:
        raise Refusal(said(422, "Reference already exists"))
    found.branches[name] = body["sha"]
    return Reply(201, _ref(asked, found, name))


@route("DELETE", f"{REPO}/git/refs/{{ref}}", needs="contents:write")
def gone_ref(asked: Asked) -> Reply:
    found, name = _writable(asked), asked.parts["ref"].removeprefix("heads/")
    if found.branches.pop(name, None) is None:
        raise Refusal(said(422, "Reference does not exist"))
    return Reply(204)


def _ref(asked: Asked, found: Repository, name: str) -> Json:
    url, sha = f"{asked.shapes.api}/repos/{found.full_name}/git", found.branches[name]
    target = {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"}
    return {"ref": f"refs/heads/{name}", "node_id": f"REF_{name}", "url": f"{url}/refs/heads/{name}", "object": target}


@route("GET", f"{REPO}/branches", needs="contents:read")
def branches(asked: Asked) -> Reply:
    found = asked.repository
    url = f"{asked.shapes.api}/repos/{found.full_name}/commits"
    listed: list[Any] = [
        {"name": name, "commit": {"sha": sha, "url": f"{url}/{sha}"}, "protected": False}
        for name, sha in found.branches.items()
    ]
    return page_of(asked, listed)


def _commit_named(found: Repository, name: str) -> str:
    sha = found.branches.get(name, name)
    if sha not in found.objects.commits:
        raise Refusal(said(404, f"No commit found for the ref {name}"))
    return sha


def _writable(asked: Asked) -> Repository:
    found = asked.repository
    if found.is_archived:
        raise Refusal(archived())
    if not found.branches:
        raise Refusal(said(409, "Git Repository is empty."))
    return found
