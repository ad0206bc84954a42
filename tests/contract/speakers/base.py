"""One vendor's way of saying what every vendor can say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from providers.adapters.base import Credentials
from tests.vendors.server import Scripted, VendorServer

SECRET = "a-secret-that-is-in-no-message"


@dataclass(frozen=True)
class Asked:
    """What a request said, whatever form the vendor gives it; `turns` are pairs of who (`us`, `model`) and what."""

    system: str
    turns: tuple[tuple[str, str], ...]
    schema: dict[str, Any]


class Speaker(ABC):
    """A vendor's server with its replies.

    `quota_is_permanent`: the vendor says by its error that waiting alone does not help.
    """

    adapter: ClassVar[str]
    quota_is_permanent: ClassVar[bool] = True
    can_say_when: ClassVar[bool] = True  # a rate limit may come with the time to wait
    takes_empty_turns: ClassVar[bool] = False

    def __init__(self, server: VendorServer[Any]) -> None:
        self.server = server

    @classmethod
    @abstractmethod
    def make_server(cls) -> VendorServer[Any]:
        """Return the vendor's server, not yet running."""

    @abstractmethod
    def credentials(self, *, origin: str = "", **changes: Any) -> Credentials:
        """Return credentials that lead to the server (or to another origin), with SECRET for a key."""

    @abstractmethod
    def asked(self) -> Asked:
        """Return what the last request said."""

    @abstractmethod
    def answered(self, text: str, *, is_cut_off: bool = False) -> Scripted:
        """Return a good answer: 900 tokens in, 120 out."""

    @abstractmethod
    def wrong_key(self) -> Scripted:
        """Return what a key gets that never was one."""

    @abstractmethod
    def revoked_key(self) -> Scripted:
        """Return what a key gets that may no longer do this."""

    @abstractmethod
    def unknown_model(self) -> Scripted:
        """Return what a model's name gets that the vendor does not know."""

    @abstractmethod
    def rate_limited(self, seconds: int | None) -> Scripted:
        """Return a rate limit, with or without the time to wait."""

    @abstractmethod
    def quota_used_up(self) -> Scripted:
        """Return what comes where money or the allowance has run out."""

    @abstractmethod
    def too_long(self) -> Scripted:
        """Return what a question gets that is longer than the model reads."""

    @abstractmethod
    def failed(self, status: int) -> Scripted:
        """Return a failure of the vendor's own."""

    @abstractmethod
    def refused(self) -> Scripted:
        """Return a refusal by the model or by the vendor's filter."""

    @abstractmethod
    def empty(self) -> Scripted:
        """Return a well-formed answer without any text."""
