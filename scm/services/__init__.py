"""Writing what is known of code hosts: the code that is read, and the pull requests."""

from __future__ import annotations

from scm.services.code import FolderNotAllowed, connect_folder, forget_code, keep_files
from scm.services.deliveries import (
    Traffic,
    forget_deliveries,
    give_up_delivery,
    note_traffic,
    receive_delivery,
    take_in,
)
from scm.services.pull_requests import keep_pull_request, update_pull_request

__all__ = [
    "FolderNotAllowed",
    "Traffic",
    "connect_folder",
    "forget_code",
    "forget_deliveries",
    "give_up_delivery",
    "keep_files",
    "keep_pull_request",
    "note_traffic",
    "receive_delivery",
    "take_in",
    "update_pull_request",
]
