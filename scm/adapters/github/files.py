"""Reading one file at a commit, whatever stands at its path."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

from scm.adapters import encoding
from scm.adapters.base import FileMissing, FileUnreadable, NotThere, ScmError
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import translated

MOST_BYTES = 2 * 1024 * 1024
KINDS = {"dir": "it is a folder", "submodule": "it is another repository", "symlink": "it is a link"}


def read_file(api: Api, at: str, path: str, ref: str) -> str:
    """Return the text of a file of the repository at the API's path `at`."""
    if not path or path.startswith("/") or "\0" in path or {".", ".."} & set(path.split("/")):
        raise FileUnreadable(path, "it lies outside the repository")
    try:
        told = api.get(f"{at}/contents/{quote(path)}", {"ref": ref})
    except NotThere as error:
        if "No commit found" in str(error):
            raise
        api.get(at)  # it says the same where the repository is gone, or hidden from us
        raise FileMissing(path) from error
    if isinstance(told, list):
        raise FileUnreadable(path, KINDS["dir"])
    with translated():
        content = answers.Content.model_validate(told)
    if content.type != "file":
        raise FileUnreadable(path, KINDS.get(content.type, f"it is a {content.type}"))
    if content.size > MOST_BYTES:
        raise FileUnreadable(path, f"it is larger than {MOST_BYTES // 1024**2} MB")
    # Above one megabyte the content is left out; Git's own object has it.
    whole = decoded(content.content) if content.encoding == "base64" else blob(api, at, content.sha)
    return encoding.decoded(whole, path)


def blob(api: Api, at: str, sha: str) -> bytes:
    """Return the bytes of a Git object."""
    told = api.get(f"{at}/git/blobs/{sha}")
    with translated():
        return decoded(answers.Blob.model_validate(told).content)


def decoded(content: str) -> bytes:
    """Return what base64 stands for; GitHub breaks it into lines."""
    try:
        return base64.b64decode(content)
    except binascii.Error as error:
        raise ScmError("GitHub's answer holds no file that can be read.", permanent=False) from error
