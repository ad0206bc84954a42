"""What CI calls a branch: git's long names, read into a branch or the number of a pull request."""

from __future__ import annotations

import re

_BRANCH = re.compile(r"^refs/(?:heads|remotes/origin)/")
_PULL_REQUEST = re.compile(r"^refs/(?:pull|pull-requests|merge-requests)/(\d+)/")


def branch_and_pull_request(name: str) -> tuple[str, str]:
    """Return (branch, "") or ("", number of the pull request).

    GitHub Actions names the merge commit of a pull request, `refs/pull/12/merge`, in place of its branch.
    """
    found = _PULL_REQUEST.match(name)
    return ("", found.group(1)) if found else (_BRANCH.sub("", name), "")
