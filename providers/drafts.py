"""What somebody wants a connection to be, and which of it cannot be right; nothing here asks a network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings

from providers.adapters.target_uri import TargetUri, TargetUriRefused, parse_target_uri
from providers.models import Connection, Vendor
from providers.sealing import Secrets

LONGEST_KEY = 4000
MOST_HEADERS = 20
LONGEST_HEADERS = 8000
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}")
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# What the client itself has to say.
RESERVED_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
WITHOUT_ADDRESS = {Vendor.PLATFORM, Vendor.BUILT_IN}
WITH_MODEL = {Vendor.OPENAI, Vendor.GEMINI, Vendor.BEDROCK, Vendor.COMPATIBLE}


class ConnectionRefused(Exception):
    """A connection is not saved, and the old one stays in force; `field` names what is to be looked at."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Draft:
    """A connection as it was typed; empty secrets mean those that are stored. Prices are dollars a million tokens."""

    vendor: Vendor
    model: str = ""
    target_uri: str = ""
    base_url: str = ""
    region: str = ""
    role_arn: str = ""
    key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    headers: str = field(default="", repr=False)  # one `Name: value` a line
    forgets_secrets: bool = False
    input_price: Decimal | None = None
    output_price: Decimal | None = None

    @property
    def secrets(self) -> Secrets:
        """What was typed of them."""
        return Secrets(key=self.key.strip(), secret_key=self.secret_key.strip(), headers=_headers_in(self.headers))


@dataclass(frozen=True)
class Place:
    """Where a connection leads: the columns of Connection that say so."""

    vendor: Vendor
    model: str = ""
    base_url: str = ""
    api_version: str = ""
    region: str = ""
    role_arn: str = ""

    def takes_secrets_of(self, connection: Connection) -> bool:
        """Tell whether a connection's secrets may go there: to nobody whom they were not given for."""
        return (self.vendor, self.base_url) == (connection.vendor, connection.base_url)


def place_of(draft: Draft) -> Place:
    """Return where a draft leads, or raise ConnectionRefused."""
    for name in ("input_price", "output_price"):
        _refuse_bad_price(getattr(draft, name), name)
    vendor = Vendor(draft.vendor)
    if vendor in WITHOUT_ADDRESS:
        return Place(vendor)
    model = draft.model.strip()
    if vendor == Vendor.AZURE_OPENAI:
        target = _target(draft.target_uri)
        return Place(
            vendor, _model(target.deployment or model, vendor), base_url=target.endpoint, api_version=target.api_version
        )
    model = _model(model, vendor)
    if vendor == Vendor.BEDROCK:
        return Place(vendor, model, region=_region(draft.region), role_arn=_role(draft.role_arn))
    if vendor == Vendor.COMPATIBLE:
        return Place(vendor, model, base_url=_base_url(draft.base_url))
    return Place(vendor, model)


def secrets_for(place: Place, draft: Draft, *, stored: Secrets | None, connection: Connection | None) -> Secrets:
    """Return the secrets that a draft would be used with, or raise ConnectionRefused.

    `stored` are those of the connection that is edited, None where they cannot be opened or there is none.
    """
    if place.vendor in WITHOUT_ADDRESS:
        return Secrets()
    typed = draft.secrets
    _refuse_unsendable(typed)
    if typed.secret_key and not typed.key:
        raise ConnectionRefused("Give the access key's id along with its secret.", field="key")
    if place.vendor == Vendor.BEDROCK and typed.key and not typed.secret_key:
        raise ConnectionRefused("Give the secret along with the access key's id.", field="secret_key")
    kept = _kept(place, draft, stored=stored, connection=connection)
    secrets = Secrets(
        key=typed.key or kept.key,
        secret_key=typed.secret_key if typed.key else kept.secret_key,
        headers=typed.headers or kept.headers,
    )
    is_nobody = not secrets.key and not place.role_arn
    if place.vendor == Vendor.BEDROCK and is_nobody and not settings.AWS_SERVER_IDENTITY_ALLOWED:
        raise ConnectionRefused("Give an access key or a role.", field="key")
    if not secrets.key and place.vendor not in {Vendor.BEDROCK, Vendor.COMPATIBLE}:
        raise ConnectionRefused("Give the key.", field="key")
    return secrets


def _kept(place: Place, draft: Draft, *, stored: Secrets | None, connection: Connection | None) -> Secrets:
    """Return the stored secrets that may be used on, or raise ConnectionRefused where leaving them out is no answer."""
    is_without_key = draft.forgets_secrets or (place.vendor == Vendor.BEDROCK and bool(place.role_arn))
    if connection is None or not connection.sealed_secrets or draft.forgets_secrets:
        return Secrets()
    if not place.takes_secrets_of(connection):
        if draft.key.strip() or is_without_key:
            return Secrets()
        raise ConnectionRefused(
            "The address has changed, so the stored key is not sent there: it was given for the old one. Type the key"
            " for the new address.",
            field="key",
        )
    if stored is None and not draft.key.strip():
        raise ConnectionRefused("The stored key cannot be opened any more. Type it again.", field="key")
    return stored or Secrets()


def shown_target_uri(connection: Connection) -> str:
    """Return the Target URI of an Azure connection as it was pasted."""
    return str(TargetUri(connection.base_url, connection.model, connection.api_version))


def _target(text: str) -> TargetUri:
    try:
        return parse_target_uri(text, gateways=settings.AZURE_OPENAI_GATEWAYS)
    except TargetUriRefused as refused:
        raise ConnectionRefused(str(refused), field="target_uri") from refused


def _model(model: str, vendor: Vendor) -> str:
    if not model:
        what = "deployment, since this address names none" if vendor == Vendor.AZURE_OPENAI else "model"
        raise ConnectionRefused(f"Name the {what}.", field="model")
    if not MODEL.fullmatch(model):
        raise ConnectionRefused("This cannot be the name of a model: it has no spaces, for example.", field="model")
    return model


def _region(region: str) -> str:
    if not REGION.fullmatch(region.strip()):
        raise ConnectionRefused("Give a region of AWS, such as us-east-1.", field="region")
    return region.strip()


def _role(role_arn: str) -> str:
    if role_arn.strip() and not ROLE_ARN.fullmatch(role_arn.strip()):
        raise ConnectionRefused(
            "This is no role's ARN: it looks like arn:aws:iam::123456789012:role/assistant.", field="role_arn"
        )
    return role_arn.strip()


def _base_url(text: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or any(character.isspace() or not character.isprintable() for character in text):
        raise ConnectionRefused("Give a web address, such as https://models.example.org/v1.", field="base_url")
    if parts.username is not None or parts.password is not None:
        raise ConnectionRefused(
            "There is a name or a password in the address: use the key, or a header.", field="base_url"
        )
    if parts.query or parts.fragment:
        raise ConnectionRefused("Leave away what follows the path (? or #).", field="base_url")
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise ConnectionRefused("Leave /chat/completions away: the Assistant adds it.", field="base_url")
    if len(text) > 500:  # noqa: PLR2004  (the column's length)
        raise ConnectionRefused("The address is too long.", field="base_url")
    return text.rstrip("/")


def _headers_in(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not HEADER_NAME.fullmatch(name) or not value:
            raise ConnectionRefused("Write each header on a line of its own, as “Name: value”.", field="headers")
        if name.lower() in RESERVED_HEADERS:
            raise ConnectionRefused(f"The header {name} is set by the Assistant itself.", field="headers")
        found[name.lower()] = (name, value)
    if len(found) > MOST_HEADERS or len(text) > LONGEST_HEADERS:
        raise ConnectionRefused(f"At most {MOST_HEADERS} headers are sent.", field="headers")
    return tuple(found.values())


def _refuse_unsendable(secrets: Secrets) -> None:
    for name, value in (("key", secrets.key), ("secret_key", secrets.secret_key)):
        if len(value) > LONGEST_KEY or any(not "!" <= character <= "~" for character in value):
            raise ConnectionRefused("The key has characters that no key has. Copy it again.", field=name)
    if any(not (character == "\t" or " " <= character <= "~") for _, value in secrets.headers for character in value):
        raise ConnectionRefused("A header has characters that cannot be sent.", field="headers")


def _refuse_bad_price(price: Decimal | None, name: str) -> None:
    if price is not None and not (price.is_finite() and 0 <= price < 1_000_000):  # noqa: PLR2004  (the column's width)
        raise ConnectionRefused("Give US dollars per million tokens, 0 or more.", field=name)
