"""Reading the Target URI that Azure shows for a deployment. No SDK here, so that a page can say what to paste."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

EXAMPLE = "https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT/chat/completions?api-version=2024-10-21"
PASTE = f"Copy the Target URI of a chat deployment from Azure; it looks like {EXAMPLE}"

# Azure itself, and its clouds for governments and for China.
_AZURE_HOST = re.compile(
    r"[a-z0-9][a-z0-9-]*\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)", re.IGNORECASE
)
_DEPLOYMENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DATED_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?")
_CHAT_PATH = re.compile(r"/openai/deployments/(?P<deployment>[^/]+)/chat/completions/?")
_OTHER_OPERATION = re.compile(r"/openai/deployments/[^/]+(?:/(?P<operation>.+?))?/?")
_V1_PATH = re.compile(r"/openai/v1(?:/chat/completions)?/?")
_RESPONSES_PATH = re.compile(r"/openai/(?:v1/)?(?:deployments/[^/]+/)?responses(?:/.*)?")


class TargetUriRefused(ValueError):
    """The text is no Target URI of a chat deployment; the words say what to paste instead."""


@dataclass(frozen=True)
class TargetUri:
    """Where a deployment answers. The newer `/openai/v1` address names no deployment and needs no version."""

    endpoint: str  # with /openai/v1 in it where the address is of that kind
    deployment: str
    api_version: str

    def __str__(self) -> str:
        if not self.api_version:
            return self.endpoint
        return f"{self.endpoint}/openai/deployments/{self.deployment}/chat/completions?api-version={self.api_version}"


def parse_target_uri(text: str, *, gateways: Collection[str] = ()) -> TargetUri:
    """Return what a Target URI says, or raise TargetUriRefused.

    `gateways` are hosts that the operator trusts besides Azure's, such as a company's own gateway; plain http is
    for them only.
    """
    text = text.strip()
    scheme, host, endpoint = _address(text, gateways)
    parts = urlsplit(text)
    if scheme != "https" and host not in gateways:
        raise TargetUriRefused(
            f"The address must begin with https://, so that the key is never sent in the open. {PASTE}"
        )
    if host not in gateways and not _AZURE_HOST.fullmatch(host):
        raise TargetUriRefused(
            f"{host} is no address of Azure OpenAI: those end in .openai.azure.com, .cognitiveservices.azure.com or"
            f" .services.ai.azure.com. For another server choose the OpenAI-compatible endpoint. {PASTE}"
        )
    if _RESPONSES_PATH.fullmatch(parts.path):
        raise TargetUriRefused(
            f"This is the address of the Responses API; the Assistant uses chat completions. {PASTE}"
        )
    if _V1_PATH.fullmatch(parts.path):
        return TargetUri(endpoint=f"{endpoint}/openai/v1", deployment="", api_version="")
    return _of_deployment(parts.path, parts.query, endpoint)


def _address(text: str, gateways: Collection[str]) -> tuple[str, str, str]:
    if not text:
        raise TargetUriRefused(PASTE)
    if any(sign in text for sign in "<>{}"):
        raise TargetUriRefused(f"Replace the placeholder between the brackets by your own name. {PASTE}")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise TargetUriRefused(f"There is a space or a line break in the address. {PASTE}")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise TargetUriRefused(f"This is no web address. {PASTE}") from error
    if parts.scheme not in {"https", "http"} or not host:
        raise TargetUriRefused(f"This is no web address: it must begin with https:// and name a host. {PASTE}")
    if parts.username is not None or parts.password is not None:
        raise TargetUriRefused(
            f"There is a name or a password in the address: the key goes into its own field. {PASTE}"
        )
    if port is not None and port != 443 and host not in gateways:  # noqa: PLR2004  (the port of https)
        raise TargetUriRefused(f"Azure answers on its usual port; leave “:{port}” away. {PASTE}")
    return parts.scheme, host, f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _of_deployment(path: str, query: str, endpoint: str) -> TargetUri:
    chat = _CHAT_PATH.fullmatch(path)
    if chat is None:
        raise TargetUriRefused(_wrong_path(path))
    deployment = unquote(chat["deployment"])
    if not _DEPLOYMENT.fullmatch(deployment):
        raise TargetUriRefused(f"“{deployment[:80]}” cannot be the name of a deployment. {PASTE}")
    versions = parse_qs(query).get("api-version", [])
    if not versions:
        raise TargetUriRefused(f"The end is missing: ?api-version= with a version. {PASTE}")
    if not _DATED_VERSION.fullmatch(versions[0]):
        raise TargetUriRefused(
            f"“{versions[0][:40]}” is no version of Azure's API: it is a date such as 2024-10-21. {PASTE}"
        )
    return TargetUri(endpoint=endpoint, deployment=deployment, api_version=versions[0])


def _wrong_path(path: str) -> str:
    if path in {"", "/"}:
        return f"This is the address of the resource alone; the deployment is missing. {PASTE}"
    other = _OTHER_OPERATION.fullmatch(path)
    if other is not None and other["operation"]:
        return f"This address is for {other['operation'][:60]}; the Assistant uses chat/completions. {PASTE}"
    if other is not None:
        return f"After the deployment, /chat/completions is missing. {PASTE}"
    return f"The part after the host is not that of a chat deployment. {PASTE}"
