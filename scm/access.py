"""From a row to the adapter that speaks for it: the only place that opens a host's secrets."""

from __future__ import annotations

from lib.crypto import CannotDecrypt
from scm.adapters import adapter_for
from scm.adapters.base import ScmAdapter, ScmError
from scm.adapters.values import HostAccess
from scm.models import CodeHost, Repository
from tenancy.sealing import open_secrets


class NotConnected(ScmError):
    """A project that has no repository on a code host, or one that we may not use any more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


def access_of(host: CodeHost, *, installation_id: str = "") -> HostAccess:
    """Return how a host is reached, as the App itself where no installation is named. Raise CannotDecrypt."""
    secrets = open_secrets(host.sealed_secrets)
    return HostAccess(
        base_url=host.base_url,
        token=secrets.get("token", ""),
        app_id=host.app_id,
        private_key=secrets.get("private_key", ""),
        installation_id=installation_id,
        proxy_url=secrets.get("proxy_url") or host.proxy_url,
        ca_bundle=host.ca_bundle,
    )


def adapter_of_host(host: CodeHost, *, installation_id: str = "") -> ScmAdapter:
    """Return the adapter of a host. Raise ScmError where it cannot be made."""
    try:
        return adapter_for(host.kind, access_of(host, installation_id=installation_id))
    except CannotDecrypt as error:
        raise ScmError(
            f"The secrets of {host} cannot be opened: enter them again under Settings > Code hosts.", permanent=True
        ) from error


def adapter_of(repository: Repository) -> ScmAdapter:
    """Return what speaks for a repository; its host and installation must have been read with it.

    Raise NotConnected where it lies in a folder, or the App may not see it any more.
    """
    if repository.host is None:
        raise NotConnected("The project is not connected to a repository on GitHub or GitLab.")
    if not repository.host.is_app:
        return adapter_of_host(repository.host)
    installation = repository.installation
    if installation is None or installation.removed_at is not None:
        raise NotConnected(f"The GitHub App is not installed on {repository.full_name} any more. Install it again.")
    if installation.is_suspended:
        raise NotConnected(f"The GitHub App is suspended on {installation.account}. An owner there can unsuspend it.")
    return adapter_of_host(repository.host, installation_id=installation.external_id)
