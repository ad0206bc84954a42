"""What every channel can do, and how it says that it could not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any


class ChannelError(Exception):
    """A message was not sent or not edited; the text tells an Admin why, and what to do.

    `permanent`: trying again will not help until somebody changes something. `word` is the channel's own name of what
    went wrong, empty where there is none.
    """

    def __init__(
        self, message: str, *, permanent: bool, word: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.word = word
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class Written:
    """A message as its channel takes it: `text` for where nothing richer shows, `blocks` for where it does."""

    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)


class Channel(ABC):
    """Sends messages to a destination: a channel's id, an address."""

    @abstractmethod
    def send(self, destination: str, message: Written, *, key: str) -> str:
        """Send a message and return the receipt that edits it. `key` finds it again. Raise ChannelError."""

    @abstractmethod
    def update(self, destination: str, receipt: str, message: Written, *, key: str) -> None:
        """Put a message in the place of one that was sent. Raise ChannelError."""

    @abstractmethod
    def sent_before(self, destination: str, *, key: str, since_seconds: float) -> str:
        """Return the receipt of a message with that key sent since then, empty where there is none, or none is found.

        It is asked after a crash between sending and writing down that it was sent. Raise ChannelError.
        """
