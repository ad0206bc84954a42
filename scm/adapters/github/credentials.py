"""How we prove to GitHub who we are: by a token, as the App itself, or as one installation of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github.Auth import AppAuth, Auth, Token

from lib.http.ways import Way
from scm.adapters.base import WrongCredentials
from scm.adapters.github import answers
from scm.adapters.github.addresses import api_address
from scm.adapters.github.connection import Api, GuardedRequester, RenewableAuth
from scm.adapters.github.errors import translated
from scm.adapters.values import HostAccess

# A token holds for an hour; one that is used must last until the request has come through.
RENEWED_BEFORE_END = timedelta(minutes=5)


class InstallationToken(RenewableAuth):
    """The token of one installation: had when it is first needed, shared by all threads, renewed before it ends."""

    def __init__(self, app: Api, installation_id: str) -> None:
        self._app = app
        self._installation_id = installation_id
        self._renewing = threading.Lock()
        self._told: answers.InstallationToken | None = None

    @property
    def token_type(self) -> str:
        """The word before the token."""
        return "token"

    @property
    def token(self) -> str:
        """A token that holds for minutes yet."""
        with self._renewing:
            if self._told is None or self._told.expires_at - RENEWED_BEFORE_END <= datetime.now(UTC):
                self._told = self._new()
            return self._told.token

    def renew(self) -> bool:
        """Forget the token: somebody revoked it, or the App was given other permissions."""
        with self._renewing:
            self._told = None
        return True

    def _new(self) -> answers.InstallationToken:
        told = self._app.send("POST", f"/app/installations/{self._installation_id}/access_tokens", {})
        with translated():
            return answers.InstallationToken.model_validate(told)


def api_of_app(access: HostAccess) -> Api:
    """Return the API as the App itself uses it. Raise WrongCredentials where its key is none."""
    try:
        load_pem_private_key(access.private_key.encode(), None)
    except (ValueError, TypeError) as error:
        raise WrongCredentials(
            "The GitHub App's private key is no PEM. Enter the whole file that GitHub made, first and last line too."
        ) from error
    return _api(access, AppAuth(int(access.app_id) if access.app_id.isdigit() else access.app_id, access.private_key))


def api_of_token(access: HostAccess) -> Api:
    """Return the API as the holder of a token uses it. Raise WrongCredentials where there is none."""
    if not access.token.strip():
        raise WrongCredentials("There is no token for GitHub. Enter one.")
    return _api(access, Token(access.token.strip()))


def api_of_installation(access: HostAccess, app: Api) -> Api:
    """Return the API as one installation of the App uses it."""
    return _api(access, InstallationToken(app, access.installation_id))


def _api(access: HostAccess, auth: Auth) -> Api:
    way = Way(access.proxy_url, access.ca_bundle)
    return Api(GuardedRequester(auth=auth, address=api_address(access.base_url), way=way))
