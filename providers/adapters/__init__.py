"""The registry of providers: one line each, imported on first use, so that a web process loads no vendor's SDK."""

from __future__ import annotations

import importlib
from functools import lru_cache

from providers.adapters.base import Credentials, ProviderAdapter

ADAPTERS = {
    "openai": "providers.adapters.openai.OpenAIAdapter",
}


# One client per credentials, shared by all threads: each holds its own pool of HTTP connections.
@lru_cache(maxsize=64)
def adapter_for(key: str, credentials: Credentials) -> ProviderAdapter:
    """Return the adapter of a provider for one set of credentials."""
    module, _, name = ADAPTERS[key].rpartition(".")
    adapter_class: type[ProviderAdapter] = getattr(importlib.import_module(module), name)
    return adapter_class(credentials)
