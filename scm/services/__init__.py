"""Writing what is known of code hosts: the code that is read, and the pull requests."""

from __future__ import annotations

from scm.services.code import FolderNotAllowed, connect_folder, forget_code, keep_files
from scm.services.pull_requests import keep_pull_request

__all__ = [
    "FolderNotAllowed",
    "connect_folder",
    "forget_code",
    "keep_files",
    "keep_pull_request",
]
