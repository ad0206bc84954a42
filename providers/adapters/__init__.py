"""The registry of providers: one line each, imported on first use, so that a web process loads no vendor's SDK."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict

from providers.adapters.base import Credentials, ProviderAdapter

ADAPTERS = {
    "openai": "providers.adapters.openai.OpenAIAdapter",
    "compatible": "providers.adapters.compatible.CompatibleAdapter",
    "azure_openai": "providers.adapters.azure_openai.AzureOpenAIAdapter",
    "gemini": "providers.adapters.gemini.GeminiAdapter",
    "bedrock": "providers.adapters.bedrock.BedrockAdapter",
    "unusable": "providers.adapters.unusable.UnusableAdapter",
}


MOST_CLIENTS = 64

# One client per credentials, shared by all threads: each holds its own pool of HTTP connections.
_clients: OrderedDict[tuple[str, Credentials], ProviderAdapter] = OrderedDict()
_making = threading.Lock()


def close_clients() -> None:
    """Close and forget every client; for the end of a process, and of a test."""
    with _making:
        for adapter in _clients.values():
            adapter.close()
        _clients.clear()


def adapter_for(key: str, credentials: Credentials) -> ProviderAdapter:
    """Return the adapter of a provider for one set of credentials, or raise ProviderError where it cannot be made."""
    with _making:
        adapter = _clients.get((key, credentials))
        if adapter is None:
            adapter = _clients[key, credentials] = new_adapter(key, credentials)
            if len(_clients) > MOST_CLIENTS:
                _clients.popitem(last=False)
        _clients.move_to_end((key, credentials))
    return adapter


def new_adapter(key: str, credentials: Credentials) -> ProviderAdapter:
    """Return an adapter that nobody else uses and the caller closes, or raise ProviderError where it cannot be made."""
    module, _, name = ADAPTERS[key].rpartition(".")
    adapter_class: type[ProviderAdapter] = getattr(importlib.import_module(module), name)
    return adapter_class(credentials)
