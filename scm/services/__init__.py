"""Writing what is known of code hosts: how they are reached, what is read there, and the pull requests."""

from __future__ import annotations

from scm.services.code import FolderNotAllowed, connect_folder, forget_code, keep_files
from scm.services.connecting import (
    Connected,
    RepositoryRefused,
    connect_repository,
    disconnect_repository,
    remove_webhooks,
    set_up_webhook,
)
from scm.services.deliveries import (
    Traffic,
    forget_deliveries,
    give_up_delivery,
    note_traffic,
    receive_delivery,
    take_in,
)
from scm.services.hosts import (
    app_form_address,
    app_manifest,
    change_host,
    check_host,
    connect_host,
    new_hook_key,
    remove_host,
    renew_webhook_secret,
    save_created_app,
    webhook_secret_of,
)
from scm.services.pull_requests import keep_pull_request, note_problem, update_pull_request

__all__ = [
    "Connected",
    "FolderNotAllowed",
    "RepositoryRefused",
    "Traffic",
    "app_form_address",
    "app_manifest",
    "change_host",
    "check_host",
    "connect_folder",
    "connect_host",
    "connect_repository",
    "disconnect_repository",
    "forget_code",
    "forget_deliveries",
    "give_up_delivery",
    "keep_files",
    "keep_pull_request",
    "new_hook_key",
    "note_problem",
    "note_traffic",
    "receive_delivery",
    "remove_host",
    "remove_webhooks",
    "renew_webhook_secret",
    "save_created_app",
    "set_up_webhook",
    "take_in",
    "update_pull_request",
    "webhook_secret_of",
]
