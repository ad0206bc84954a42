"""The HTTP client of adapters: bounded in time and size, and guarded where a person typed the address."""

from __future__ import annotations

import httpx2

from lib.http.guard import guard, tls_context
from lib.http.policy import OutboundError
from providers.adapters.base import Credentials, ProviderError
from providers.adapters.deadline import bind

CONNECT_SECONDS = 10.0
MOST_CONNECTIONS = 100


def make_http_client(credentials: Credentials) -> httpx2.Client:
    """Return a client for the credentials' address, or raise ProviderError where that is refused."""
    _check_look(credentials.base_url)
    is_guarded = credentials.is_guarded and bool(credentials.base_url)
    client = bind(
        httpx2.Client(
            timeout=httpx2.Timeout(credentials.timeout_seconds, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
            follow_redirects=False,  # code goes where it was agreed that it goes
            verify=tls_context(),
            trust_env=not is_guarded,
        )
    )
    if not is_guarded:
        return client
    try:
        return guard(client, credentials.base_url)
    except OutboundError as error:
        raise refusal(error) from error


def _check_look(base_url: str) -> None:
    """Refuse what no SDK could use: each of them says so at another time, in other words."""
    try:
        url = httpx2.URL(base_url)
        is_usable = not base_url or (url.scheme in {"http", "https"} and bool(url.host))
    except httpx2.InvalidURL:
        is_usable = False
    if not is_usable:
        raise ProviderError(
            "The provider's address cannot be used. Check the base URL.", permanent=True, about="base_url"
        )


def refusal(error: OutboundError) -> ProviderError:
    """Return a refused address in a provider's words."""
    return ProviderError(str(error), permanent=error.permanent, about="base_url")
