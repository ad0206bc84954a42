"""A way to a host that is not the straight one: through a proxy, or past certificates that the machine does not know.

The proxy is a typed host like any other, and what it is connected to is checked the same way; where the name of the
host behind it leads, it alone decides. Anything but https:// goes through it only to hosts that the operator named.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx2

from lib.http.guard import tls_context
from lib.http.policy import HOW_TO_ALLOW, OutboundError, Policy, Target, check_url, policy_in_force

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Way:
    """`proxy_url` may carry a name and password; `ca_bundle` is PEM, trusted beside what the machine trusts."""

    proxy_url: str = field(default="", repr=False)
    ca_bundle: str = field(default="", repr=False)


STRAIGHT = Way()


def check_proxy(url: str, policy: Policy | None = None) -> Target:
    """Return where a proxy is, or raise OutboundError; asks no name server."""
    return check_url(_taken_apart(url)[0], policy)


def check_ca_bundle(bundle: str) -> None:
    """Raise OutboundError unless these are certificates in PEM."""
    if bundle.strip():
        _context_with(bundle)


def transport_for(url: str, way: Way, policy: Policy | None = None) -> httpx2.HTTPTransport:
    """Return what carries requests to `url` that way, still to be guarded. Raise OutboundError."""
    context = _context_with(way.ca_bundle) if way.ca_bundle.strip() else tls_context()
    if not way.proxy_url:
        return httpx2.HTTPTransport(verify=context, trust_env=False)
    _check_behind_proxy(check_url(url, policy), policy or policy_in_force())
    address, credentials = _taken_apart(way.proxy_url)
    proxy = check_url(address, policy)
    shape = httpx2.Proxy(address, ssl_context=None if proxy.is_plain else context, auth=credentials)
    return httpx2.HTTPTransport(verify=context, proxy=shape, trust_env=False)


def _check_behind_proxy(target: Target, policy: Policy) -> None:
    if not target.is_plain or policy.allows_host(target.host):
        return
    try:
        is_named = policy.allows_address(ipaddress.ip_address(target.host))
    except ValueError:
        is_named = False
    if not is_named:
        raise OutboundError(f"Use https:// for {target.host[:100]}; for http:// {HOW_TO_ALLOW}.", permanent=True)


def _taken_apart(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a proxy's address and its (name, password), None where it has none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise OutboundError("The proxy's address looks like http://proxy.example:8080.", permanent=True) from error
    user, _, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    address = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    return address, (unquote(name), unquote(password)) if user else None


@lru_cache(maxsize=32)
def _context_with(bundle: str) -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=True)
    try:
        # What stands between the certificates is for people, in any alphabet.
        context.load_verify_locations(cadata="\n".join(CERTIFICATE.findall(bundle)))
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise OutboundError(
            "The CA bundle is no list of certificates. They are in PEM, each between BEGIN CERTIFICATE and "
            "END CERTIFICATE.",
            permanent=True,
        ) from error
    return context
