"""Authenticated encryption of the few secrets that must be read back, and digests of those that must not."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotDecrypt(Exception):
    """A stored secret was sealed with a key that is not among the configured ones."""


class Sealer:
    """Seals with the first key, opens with any: a new key is put first, the old ones stay until all is re-sealed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def seal(self, text: str) -> str:
        """Return the text encrypted and signed."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text, or raise CannotDecrypt."""
        with _told_in_words():
            return self._fernet.decrypt(sealed.encode()).decode()

    def reseal(self, sealed: str) -> str:
        """Return the same secret sealed with the first key, or raise CannotDecrypt."""
        with _told_in_words():
            return self._fernet.rotate(sealed.encode()).decode()


@contextmanager
def _told_in_words() -> Iterator[None]:
    try:
        yield
    except InvalidToken as error:
        raise CannotDecrypt("sealed with another key: put the former key back into FIELD_ENCRYPTION_KEYS") from error


def digest_of_token(token: str) -> str:
    """Return what is stored of an API token: it has 256 random bits, so a plain SHA-256 cannot be searched back."""
    return hashlib.sha256(token.encode()).hexdigest()


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=32, person=b"field-encrypt").digest())
