"""What an AI provider is to us: it answers a question, or says in our words why it cannot. No Django here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel

# A header may also say something ordinary, such as a team's name, which answers are full of.
SHORTEST_HIDDEN_HEADER = 12


@dataclass(frozen=True)
class Credentials:
    """How one organization reaches its provider; nothing here is process-wide.

    `secret_key`, `region`, `role_arn` and `external_id` are AWS's; `api_version` is Azure's, whose `model` is the
    deployment. `is_guarded`: a person typed the address, so that private ones are refused (lib.http).
    `may_be_server`: without keys or a role, AWS is asked as this server itself, which only its operator may allow.
    """

    key: str = field(repr=False)
    model: str
    base_url: str = ""
    timeout_seconds: float = 60.0
    api_version: str = ""
    region: str = ""
    secret_key: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    is_guarded: bool = False
    may_be_server: bool = False

    def hidden_in(self, text: str) -> str:
        """Return a text without the secrets: a server may repeat what it was sent."""
        long_values = [value for _, value in self.headers if len(value) >= SHORTEST_HIDDEN_HEADER]
        for value in sorted([self.key, self.secret_key, *long_values], key=len, reverse=True):
            text = text.replace(value, "(key)") if value else text
        return text


@dataclass(frozen=True)
class Turn:
    """Something said earlier in the same conversation; used for the one repair try."""

    answer: str
    objection: str


@dataclass(frozen=True)
class Question:
    """What is asked: two texts, and the answer's shape, sent as a JSON schema where the provider can enforce one."""

    system: str
    user: str
    answer: type[BaseModel]
    max_output_tokens: int = 2000
    earlier: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What came back: the answer's text (JSON, if the model obeyed), who answered, and what it cost in tokens.

    `is_cut_off`: the limit of tokens ended it.
    """

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    is_cut_off: bool = False


class ProviderError(Exception):
    """A provider could not answer.

    `permanent`: trying again will not help until somebody changes something, so tell an Admin. Otherwise try again,
    after `retry_after_seconds` where the provider said so. `refused`: the model declined this very question.
    `is_rate_limit`: nothing failed, it is only not our turn. `about` names the field of a connection that is to be
    looked at (`key`, `model`, `base_url`), empty where none is.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        retry_after_seconds: float | None = None,
        refused: bool = False,
        is_rate_limit: bool = False,
        about: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.refused = refused
        self.is_rate_limit = is_rate_limit
        self.about = about


class ProviderAdapter(ABC):
    """One vendor's API, spoken through its own SDK."""

    key: ClassVar[str]
    label: ClassVar[str]

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    @abstractmethod
    def ask(self, question: Question) -> Reply:
        """Return the model's reply, or raise ProviderError. Safe to call from many threads at once."""

    def close(self) -> None:  # noqa: B027  (some keep nothing open)
        """Close the connections that are kept open, where there are any."""

    @abstractmethod
    def check(self) -> None:
        """Prove with a tiny real request that key, endpoint and model work, or raise ProviderError."""
