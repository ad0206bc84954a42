"""What identity providers publish about themselves: OpenID Connect's configuration, and SAML metadata."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as MetadataParser
from pydantic import BaseModel, Field, ValidationError

from lib.http.client import fetch
from lib.http.policy import OutboundError, check_url

SECONDS_TO_ANSWER = 10.0
MOST_CERTIFICATES = 10
WELL_KNOWN = "/.well-known/openid-configuration"
PEM_LINES = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----")


class Unusable(Exception):
    """What the identity provider publishes cannot be used; the text says why."""


class OpenIdConfiguration(BaseModel):
    """The part of OpenID Connect's discovery document that signing in needs."""

    issuer: str = Field(max_length=500)
    authorization_endpoint: str = Field(max_length=2000)
    token_endpoint: str = Field(max_length=2000)
    jwks_uri: str = Field(max_length=2000)
    userinfo_endpoint: str = Field(default="", max_length=2000)
    token_endpoint_auth_methods_supported: list[str] = Field(default_factory=lambda: ["client_secret_basic"])

    @property
    def takes_secret_in_header_only(self) -> bool:
        """Whether the client's secret must go into the Authorization header."""
        return "client_secret_post" not in self.token_endpoint_auth_methods_supported


def openid_configuration(issuer: str) -> OpenIdConfiguration:
    """Return what an issuer publishes. Raises Unusable where it cannot be read, or is another issuer's."""
    try:
        answer = fetch(issuer.rstrip("/") + WELL_KNOWN, timeout_seconds=SECONDS_TO_ANSWER)
        if not answer.is_success:
            raise Unusable(f"{issuer.rstrip('/') + WELL_KNOWN} answered with status {answer.status}.")
        configuration = OpenIdConfiguration.model_validate(answer.json())
        check_url(configuration.authorization_endpoint)
    except OutboundError as error:
        raise Unusable(str(error)) from error
    except ValidationError as error:
        raise Unusable("What the address answers is no OpenID Connect configuration.") from error
    if configuration.issuer.rstrip("/") != issuer.rstrip("/"):
        raise Unusable(f"The address belongs to another issuer: {configuration.issuer[:200]}")
    return configuration


@dataclass(frozen=True)
class SamlIdentityProvider:
    """Who asserts, where people are sent, and with which keys assertions are signed (base64 of X.509)."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]


def read_metadata(url: str) -> SamlIdentityProvider:
    """Return what the metadata at an address says. Raises Unusable."""
    try:
        answer = fetch(url, timeout_seconds=SECONDS_TO_ANSWER)
    except OutboundError as error:
        raise Unusable(str(error)) from error
    if not answer.is_success:
        raise Unusable(f"The metadata address answered with status {answer.status}.")
    return parse_metadata(answer.body)


def parse_metadata(xml: str | bytes) -> SamlIdentityProvider:
    """Return what SAML metadata says of its identity provider. Raises Unusable."""
    try:
        found = MetadataParser.parse(xml.encode() if isinstance(xml, str) else xml).get("idp", {})
    except Exception as error:  # the parser raises whatever lxml and its own helpers raise
        raise Unusable("This is no SAML metadata.") from error
    several = found.get("x509certMulti", {}).get("signing", [])
    certificates = several or [found.get("x509cert", "")]
    return identity_provider(
        entity_id=found.get("entityId", ""),
        sso_url=found.get("singleSignOnService", {}).get("url", ""),
        certificates="\n\n".join(certificates),
    )


def identity_provider(*, entity_id: str, sso_url: str, certificates: str) -> SamlIdentityProvider:
    """Return an identity provider of typed parts; certificates are PEM or base64. Raises Unusable."""
    if not entity_id.strip():
        raise Unusable("The entity id of the identity provider is missing.")
    if urlsplit(sso_url.strip()).scheme not in {"http", "https"}:
        raise Unusable("The address where people sign in (HTTP-Redirect binding) is missing or no https:// address.")
    found = [_certificate(part) for part in re.split(r"\n\s*\n|(?<=-----END CERTIFICATE-----)", certificates)]
    kept = tuple(dict.fromkeys(entry for entry in found if entry))
    if not kept:
        raise Unusable("The signing certificate of the identity provider is missing.")
    if len(kept) > MOST_CERTIFICATES:
        raise Unusable(f"There are {len(kept)} certificates; {MOST_CERTIFICATES} can be kept.")
    return SamlIdentityProvider(entity_id.strip(), sso_url.strip(), kept)


def _certificate(text: str) -> str:
    """Return a certificate as one line of base64, empty where there is none."""
    packed = "".join(PEM_LINES.sub("", text).split())
    if not packed:
        return ""
    try:
        x509.load_der_x509_certificate(base64.b64decode(packed, validate=True))
    except ValueError as error:
        raise Unusable("One of the certificates cannot be read: give PEM, or the base64 of X.509.") from error
    return packed
