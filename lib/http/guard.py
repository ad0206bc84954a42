"""Puts the operator's policy (lib.http.policy) where connections are opened, and nowhere can it be stepped around."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from lib.http.policy import NameUnknown, OutboundError, Policy, Target, check_url, policy_in_force

MOST_ADDRESSES_TRIED = 4


def guard(client: httpx2.Client, url: str, *, policy: Policy | None = None) -> httpx2.Client:
    """Return the client, which from now on reaches only what the policy allows, or raise OutboundError.

    `url` is what was typed; its scheme holds for the client's life. The client must use no proxy and not the
    environment (`trust_env=False`): behind a proxy it is the proxy that connects, and nothing could be checked.
    """
    target = check_url(url, policy)
    if client._mounts or client.trust_env:
        raise ValueError("a guarded client goes its way alone: no proxies, nothing from the environment")
    transport = client._transport
    assert isinstance(transport, httpx2.HTTPTransport)
    pool: Any = transport._pool  # as in lib.http.deadline: there is no public way
    pool._network_backend = _GuardedBackend(pool._network_backend, is_plain=target.is_plain, policy=policy)
    # A few kilobytes can unfold to gigabytes before any limit sees them.
    client.headers["Accept-Encoding"] = "identity"
    client.event_hooks["response"].append(_refuse_compressed)
    return client


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Return the machine's trusted certificates, with SSL_CERT_FILE and SSL_CERT_DIR of the operator."""
    return httpx2.create_ssl_context(trust_env=True)


def _refuse_compressed(response: httpx2.Response) -> None:
    if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        response.close()
        raise OutboundError("The server answers in a compressed form that it was not asked for.", permanent=False)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections to addresses that were checked, and to those very addresses."""

    def __init__(self, inner: httpcore2.NetworkBackend, *, is_plain: bool, policy: Policy | None) -> None:
        self._inner = inner
        self._scheme = "http" if is_plain else "https"
        self._policy = policy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        policy = self._policy or policy_in_force()
        target = check_url(f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{port}", policy)
        try:
            addresses = policy.addresses_of(Target(self._scheme, target.host, port))
        except NameUnknown as error:
            raise httpcore2.ConnectError(str(error)) from error
        failure: Exception | None = None
        for address in addresses[:MOST_ADDRESSES_TRIED]:
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise OutboundError("A socket of this machine is nothing that can be typed.", permanent=True)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)
