"""What a CA bundle holds: certificates and nothing else, each with its name and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

LONGEST_BUNDLE = 100_000
MOST_CERTIFICATES = 50
LONGEST_NAME = 200


class BundleRefused(Exception):
    """A text that cannot be a CA bundle; says why."""


@dataclass(frozen=True)
class Certificate:
    """A certificate as people tell it apart; `expires_at` is aware."""

    name: str
    expires_at: datetime

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= datetime.now(UTC)


def certificates_in(bundle: str) -> list[Certificate]:
    """Return the certificates of a bundle (PEM); an empty one has none. Raise BundleRefused."""
    return [_described(certificate) for certificate in _parsed(bundle)]


def checked_bundle(bundle: str) -> str:
    """Return a bundle with nothing in it but its certificates (PEM), or raise BundleRefused.

    One whose time is over is left in as long as another holds: companies' bundles are full of those.
    """
    parsed = _parsed(bundle)
    described = [_described(certificate) for certificate in parsed]
    if described and all(certificate.is_expired for certificate in described):
        last = max(described, key=lambda certificate: certificate.expires_at)
        raise BundleRefused(f"Every certificate has expired, “{last.name}” on {last.expires_at:%Y-%m-%d}.")
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in parsed)


def _parsed(bundle: str) -> list[x509.Certificate]:
    bundle = bundle.strip()
    if not bundle:
        return []
    if len(bundle) > LONGEST_BUNDLE:
        raise BundleRefused(f"This is longer than {LONGEST_BUNDLE // 1000} kB. Give the certificates needed here only.")
    if "PRIVATE KEY-----" in bundle:
        raise BundleRefused("There is a private key in it. Give certificates only, and keep the key to yourself.")
    try:
        found = x509.load_pem_x509_certificates(bundle.encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise BundleRefused(
            "These are no certificates: each begins with -----BEGIN CERTIFICATE----- on a line of its own."
        ) from error
    if len(found) > MOST_CERTIFICATES:
        raise BundleRefused(f"There are {len(found)} certificates; at most {MOST_CERTIFICATES} are taken.")
    return found


def _described(certificate: x509.Certificate) -> Certificate:
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    name = str(common[0].value) if common else certificate.subject.rfc4514_string()
    return Certificate(name=name[:LONGEST_NAME] or "without a name", expires_at=certificate.not_valid_after_utc)
