"""A connection whose key cannot be opened: it answers nothing, and says why."""

from __future__ import annotations

from typing import ClassVar

from providers.adapters.base import ProviderAdapter, ProviderError, Question, Reply

CANNOT_BE_OPENED = (
    "The stored key cannot be opened: it was sealed with a key that the operator has taken away. Type it again, or"
    " have the former key put back into FIELD_ENCRYPTION_KEYS."
)


class UnusableAdapter(ProviderAdapter):
    """Refuses every question for good, so that the next connection answers or the Job says why."""

    key: ClassVar[str] = "unusable"
    label: ClassVar[str] = "A connection that cannot be used"

    def ask(self, question: Question) -> Reply:
        """Raise ProviderError."""
        raise ProviderError(CANNOT_BE_OPENED, permanent=True, about="key")

    def check(self) -> None:
        """Raise ProviderError."""
        raise ProviderError(CANNOT_BE_OPENED, permanent=True, about="key")
