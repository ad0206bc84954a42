"""Source code managers: one line each, imported on first use, so that a web process loads no vendor's SDK."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict

from scm.adapters.base import ScmAdapter, WebhookReader
from scm.adapters.values import HostAccess

ADAPTERS = {
    "github": "scm.adapters.github.adapter.GitHubAdapter",
    "gitlab": "scm.adapters.gitlab.adapter.GitLabAdapter",
}
WEBHOOK_READERS = {
    "github": "scm.adapters.github.webhooks.GitHubWebhooks",
    "gitlab": "scm.adapters.gitlab.webhooks.GitLabWebhooks",
}
MOST_ADAPTERS = 64

# One adapter per access, shared by all threads: each holds its connections, and an App its installation's token.
_adapters: OrderedDict[tuple[str, HostAccess], ScmAdapter] = OrderedDict()
_making = threading.Lock()


def adapter_for(kind: str, access: HostAccess) -> ScmAdapter:
    """Return the adapter of a host for one access, shared by all threads. Raise ScmError where it cannot be made."""
    with _making:
        adapter = _adapters.get((kind, access))
        if adapter is None:
            adapter = _adapters[kind, access] = new_adapter(kind, access)
            if len(_adapters) > MOST_ADAPTERS:
                _adapters.popitem(last=False)
        _adapters.move_to_end((kind, access))
    return adapter


def new_adapter(kind: str, access: HostAccess) -> ScmAdapter:
    """Return an adapter that nobody else uses and the caller closes."""
    adapter_class: type[ScmAdapter] = _named(ADAPTERS[kind])
    return adapter_class(access)  # type: ignore[call-arg]


def webhook_reader(kind: str) -> WebhookReader:
    """Return what reads a host's webhooks."""
    reader_class: type[WebhookReader] = _named(WEBHOOK_READERS[kind])
    return reader_class()


def close_adapters() -> None:
    """Close and forget every adapter; for the end of a process, and of a test."""
    with _making:
        for adapter in _adapters.values():
            adapter.close()
        _adapters.clear()


def _named(path: str) -> type:
    module, _, name = path.rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found
