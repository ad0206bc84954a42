"""What somebody wants a code host to be, and which of it cannot be right; nothing here asks the host itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lib.http.policy import OutboundError, check_reachable, check_url
from scm.adapters.values import HostAccess
from scm.certificates import BundleRefused, checked_bundle
from scm.models import CodeHost, HostKind

GITHUB, GITLAB = "https://github.com", "https://gitlab.com"
LONGEST_URL = 500
LONGEST_TOKEN = 1000
LONGEST_PRIVATE_KEY = 20_000
SHORTEST_WEBHOOK_SECRET, LONGEST_WEBHOOK_SECRET = 16, 200
FEWEST_BITS = 2048
# What else the API calls itself, for those who paste its address.
API_PATHS = ("/api/v3", "/api/v4", "/api/graphql", "/api")


class HostRefused(Exception):
    """A code host is not saved, and nothing is changed; `field` names what is to be looked at."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class HostDraft:
    """A code host as it was typed; empty secrets mean those that are stored. `ca_bundle` and `private_key` are PEM."""

    kind: HostKind
    base_url: str
    is_app: bool = False
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    proxy_url: str = ""
    ca_bundle: str = field(default="", repr=False)


@dataclass(frozen=True)
class Place:
    """Where a host is and how it is reached: the columns of CodeHost that say so."""

    kind: HostKind
    base_url: str
    is_app: bool = False
    app_id: str = ""
    proxy_url: str = field(default="", repr=False)
    ca_bundle: str = field(default="", repr=False)

    @property
    def proxy_address(self) -> str:
        """The proxy without the name and password for it."""
        parts = urlsplit(self.proxy_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def columns(self) -> dict[str, Any]:
        """Return the columns of CodeHost; a name and password for the proxy are among its secrets."""
        return {
            "kind": self.kind,
            "base_url": self.base_url,
            "is_app": self.is_app,
            "app_id": self.app_id,
            "proxy_url": self.proxy_address,
            "ca_bundle": self.ca_bundle,
        }

    def takes_secrets_of(self, host: CodeHost) -> bool:
        """Tell whether a host's secrets may be sent there: to nobody whom they were not given for.

        Whoever runs a new proxy and the certificate that is trusted with it could read them on the way.
        """
        is_same = (self.kind, self.base_url, self.is_app, self.app_id) == (
            host.kind,
            host.base_url,
            host.is_app,
            host.app_id,
        )
        return is_same and self.proxy_address in {"", host.proxy_url} and self.ca_bundle in {"", host.ca_bundle}

    def access(self, secrets: dict[str, str]) -> HostAccess:
        """Return how an adapter reaches it."""
        return HostAccess(
            base_url=self.base_url,
            token=secrets.get("token", ""),
            app_id=self.app_id,
            private_key=secrets.get("private_key", ""),
            proxy_url=secrets.get("proxy_url") or self.proxy_url,
            ca_bundle=self.ca_bundle,
        )


def place_of(draft: HostDraft) -> Place:
    """Return where a draft leads, or raise HostRefused. Asks the name server, so no transaction may be open."""
    kind = HostKind(draft.kind)
    if draft.is_app and kind != HostKind.GITHUB:
        raise HostRefused("Only GitHub has Apps: use a token for GitLab.", field="token")
    proxy_url = _proxy_url(draft.proxy_url)
    try:
        ca_bundle = checked_bundle(draft.ca_bundle)
    except BundleRefused as refused:
        raise HostRefused(str(refused), field="ca_bundle") from refused
    return Place(
        kind,
        _base_url(draft.base_url, kind, is_behind_proxy=bool(proxy_url)),
        is_app=draft.is_app,
        app_id=_app_id(draft.app_id) if draft.is_app else "",
        proxy_url=proxy_url,
        ca_bundle=ca_bundle,
    )


def secrets_for(
    place: Place, draft: HostDraft, *, host: CodeHost | None, stored: dict[str, str] | None
) -> dict[str, str]:
    """Return the secrets that a draft would be used with, or raise HostRefused.

    `stored` are those of the host that is edited, None where they cannot be opened. Of a host that leads elsewhere
    none is kept; the webhook secret is not asked for, since a new one can be made.
    """
    name = "private_key" if place.is_app else "token"
    typed = _private_key(draft.private_key) if place.is_app else _token(draft.token)
    webhook_secret = _webhook_secret(draft.webhook_secret)
    kept: dict[str, str] = {}
    if host is not None:
        if not place.takes_secrets_of(host):
            if not typed:
                raise HostRefused(_why_again(place, host), field=name)
        elif stored is None and not typed:
            raise HostRefused("What is stored cannot be opened any more. Enter it again.", field=name)
        else:
            kept = stored or {}
    if not typed and not kept.get(name):
        what = "the App's private key" if place.is_app else "the token"
        raise HostRefused(f"Give {what}.", field=name)
    secrets = {**kept, name: typed or kept[name]}
    if webhook_secret:
        secrets["webhook_secret"] = webhook_secret
    if place.proxy_url != place.proxy_address:
        secrets["proxy_url"] = place.proxy_url
    elif host is None or place.proxy_address != host.proxy_url:
        secrets.pop("proxy_url", None)
    return secrets


def _why_again(place: Place, host: CodeHost) -> str:
    what = "private key" if place.is_app else "token"
    if place.base_url != host.base_url:
        return (
            f"The address has changed, so the stored {what} is not sent there: it was given for the old one. Enter the"
            f" {what} for the new address."
        )
    if place.app_id != host.app_id:
        return f"Another App has another {what}. Enter it."
    return (
        f"The proxy or the trusted certificates have changed. Whoever runs them could read what is sent, so enter the"
        f" {what} again."
    )


def _base_url(text: str, kind: HostKind, *, is_behind_proxy: bool) -> str:
    text = text.strip().rstrip("/")
    if len(text) > LONGEST_URL:
        raise HostRefused("The address is too long.", field="base_url")
    try:
        # Behind a proxy it is the proxy that looks the name up, and often nobody else can.
        target = check_url(text) if is_behind_proxy else check_reachable(text)
    except OutboundError as error:
        raise HostRefused(str(error), field="base_url") from error
    parts = urlsplit(text)
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", target.host):
        raise HostRefused("This is no name of a host.", field="base_url")
    if parts.query or parts.fragment:
        raise HostRefused("Leave away what follows the path (? or #).", field="base_url")
    path = parts.path.rstrip("/")
    if target.host == "api.github.com":
        raise HostRefused(f"This is the API's address. Give that of the pages: {GITHUB}.", field="base_url")
    if path.endswith(API_PATHS):
        raise HostRefused("Leave the API's path away: the Assistant knows it.", field="base_url")
    if kind == HostKind.GITHUB and path:
        raise HostRefused("Give the address of the host alone, without the path.", field="base_url")
    if not re.fullmatch(r"(?:/[\w.~-]+)*", path, re.ASCII):
        raise HostRefused("The path has characters that none has here.", field="base_url")
    host = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port == {"https": 443, "http": 80}[target.scheme] else f":{target.port}"
    return f"{target.scheme}://{host}{port}{path}"


def _proxy_url(text: str) -> str:
    text = text.strip().rstrip("/")
    if not text:
        return ""
    if len(text) > LONGEST_URL:
        raise HostRefused("The address is too long.", field="proxy_url")
    try:
        parts = urlsplit(text)
        check_reachable(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
    except ValueError:
        raise HostRefused("This is no address. It looks like http://proxy.example:8080.", field="proxy_url") from None
    except OutboundError as error:
        # `from None`: the address may hold a password.
        raise HostRefused(f"The proxy: {error}", field="proxy_url") from None
    if any(not "!" <= character <= "~" for character in parts.netloc):
        raise HostRefused("The name or password has characters to be written as %XX.", field="proxy_url")
    if parts.path or parts.query or parts.fragment:
        raise HostRefused("Give the proxy as http://host:port, without a path.", field="proxy_url")
    return text


def _app_id(text: str) -> str:
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise HostRefused("The App ID is a number; it stands on the App's page at GitHub.", field="app_id")
    return text


def _token(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_TOKEN or any(not "!" <= character <= "~" for character in text):
        raise HostRefused("The token has characters that no token has. Copy it again.", field="token")
    return text


def _webhook_secret(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    if any(not "!" <= character <= "~" for character in text) or len(text) > LONGEST_WEBHOOK_SECRET:
        raise HostRefused("Use letters, digits and signs only, without spaces.", field="webhook_secret")
    if len(text) < SHORTEST_WEBHOOK_SECRET:
        raise HostRefused(
            f"Use at least {SHORTEST_WEBHOOK_SECRET} characters: whoever guesses it can make up webhooks.",
            field="webhook_secret",
        )
    return text


def _private_key(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return ""
    if len(text) > LONGEST_PRIVATE_KEY:
        raise HostRefused("This is too long for a private key.", field="private_key")
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnicodeEncodeError, UnsupportedAlgorithm):
        # `from None`: what the library says may quote the key.
        raise HostRefused(
            "This is no private key without a passphrase. Paste the whole .pem file that GitHub gave you.",
            field="private_key",
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < FEWEST_BITS:
        raise HostRefused(
            f"GitHub's private keys are RSA keys of {FEWEST_BITS} bits or more. Paste the .pem file that it gave you.",
            field="private_key",
        )
    return text + "\n"
