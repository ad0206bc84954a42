"""Keys and certificates made for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@lru_cache(maxsize=2)
def a_private_key(bits: int = 2048) -> str:
    """Return an RSA key (PEM) as GitHub gives one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def an_authority(name: str = "Acme Root CA", *, days: int = 365) -> str:
    """Return a certificate (PEM) of an authority that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(end - timedelta(days=3650)).not_valid_after(end).sign(key, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM).decode()
