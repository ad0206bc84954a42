"""What a request costs: the list of prices, which one holds for a model, and what a request can cost at most."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from providers.models import Connection, Price, Vendor
from providers.selectors import Choice

SHIPPED = Path(__file__).parent / "prices.json"
MILLION = 1_000_000
CENT_FRACTION = Decimal("0.00000001")  # as finely as the database keeps it
# What is reckoned for a model of which nobody knows the price, per million tokens: about the dearest that is offered
# for this kind of work, so that a hard budget holds all the same.
ASSUMED_INPUT, ASSUMED_OUTPUT = Decimal(15), Decimal(75)
# Prose has about four characters a token, code about three; what is not ASCII may take a token a byte.
CHARACTERS_PER_TOKEN = 3


class PricesUnusable(Exception):
    """A list of prices cannot be read; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One line of the list of prices."""

    vendor: str
    model: str
    input: Decimal
    output: Decimal
    since: datetime.date


@dataclass(frozen=True)
class Rate:
    """What tokens cost, in US dollars per million; `is_known` is False where the price for unknown models stands in."""

    input: Decimal
    output: Decimal
    is_known: bool = True

    def cost(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """Return what that many tokens cost, in US dollars, rounded up to what the database keeps."""
        exact = (self.input * input_tokens + self.output * output_tokens) / MILLION
        return exact.quantize(CENT_FRACTION, rounding=ROUND_UP)


UNKNOWN = Rate(input=ASSUMED_INPUT, output=ASSUMED_OUTPUT, is_known=False)
NOTHING = Rate(input=Decimal(0), output=Decimal(0))


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    vendor: Literal["openai", "azure_openai", "gemini", "bedrock", "compatible"]
    models: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(min_length=1)
    input: Decimal = Field(ge=0, lt=MILLION, decimal_places=6)
    output: Decimal = Field(ge=0, lt=MILLION, decimal_places=6)
    since: datetime.date


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: datetime.date
    note: str = ""
    prices: list[_Line] = Field(min_length=1)


def parse(text: str) -> tuple[Entry, ...]:
    """Return the entries of a list of prices (JSON as in providers/prices.json), or raise PricesUnusable."""
    try:
        parsed = _List.model_validate_json(text)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, entry['loc'])) or 'file'}: {entry['msg']}" for entry in error.errors()[:5]]
        raise PricesUnusable("; ".join(problems)) from None
    entries = tuple(
        Entry(vendor=line.vendor, model=model, input=line.input, output=line.output, since=line.since)
        for line in parsed.prices
        for model in line.models
    )
    keys = [(entry.vendor, entry.model, entry.since) for entry in entries]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise PricesUnusable(f"{twice[0]} {twice[1]} since {twice[2]} stands there twice")
    return entries


@lru_cache(maxsize=1)
def shipped() -> tuple[datetime.date, tuple[Entry, ...]]:
    """Return the list that came with the product, and of which day it is."""
    text = SHIPPED.read_text(encoding="utf-8")
    return _List.model_validate_json(text).as_of, parse(text)


def kept() -> tuple[Entry, ...]:
    """Return the operator's own list, empty where the shipped one counts. Needs a transaction."""
    rows = Price.objects.order_by("vendor", "model", "-since").values_list(
        "vendor", "model", "input", "output", "since"
    )
    return tuple(Entry(*row) for row in rows)


def in_force() -> tuple[Entry, ...]:
    """Return the list that counts. Needs a transaction."""
    return kept() or shipped()[1]


@dataclass(frozen=True)
class Difference:
    """What a new list changes; each line is in words."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]


def difference(new: Iterable[Entry]) -> Difference:
    """Compare a new list with the one that counts. Needs a transaction."""
    before = {(entry.vendor, entry.model, entry.since): entry for entry in in_force()}
    after = {(entry.vendor, entry.model, entry.since): entry for entry in new}
    return Difference(
        added=tuple(_in_words(after[key]) for key in after if key not in before),
        changed=tuple(
            f"{_in_words(before[key])} -> {after[key].input:f}/{after[key].output:f}"
            for key in after
            if key in before and before[key] != after[key]
        ),
        gone=tuple(_in_words(before[key]) for key in before if key not in after),
    )


def _in_words(entry: Entry) -> str:
    return f"{entry.vendor} {entry.model} since {entry.since}: {entry.input:f}/{entry.output:f}"


def replace_list(new: Iterable[Entry]) -> None:
    """Make a list the one that counts, for every organization."""
    with transaction.atomic():
        Price.objects.all().delete()
        Price.objects.bulk_create(
            [
                Price(vendor=entry.vendor, model=entry.model, input=entry.input, output=entry.output, since=entry.since)
                for entry in new
            ]
        )


def vendor_of(choice: Choice) -> str:
    """Return whose prices hold for a choice: another server that speaks OpenAI's language has its own."""
    if choice.adapter == Vendor.OPENAI and choice.credentials.base_url:
        host = urlsplit(choice.credentials.base_url).hostname or ""
        return Vendor.OPENAI if host.endswith(".openai.com") else Vendor.COMPATIBLE
    return choice.adapter


def rate_for(choice: Choice, *, entries: Iterable[Entry], own: Rate | None, model: str = "") -> Rate:
    """Return what a choice costs: the Admin's own price, else the list's, else the price for unknown models.

    `model` is the one that answered, which says more than the name of a deployment or an alias.
    """
    if own is not None:
        return own
    vendor, today = vendor_of(choice), timezone.now().date()
    valid = [entry for entry in entries if entry.vendor == vendor and entry.since <= today]
    for name in (model, choice.credentials.model):
        fitting = [entry for entry in valid if name and fnmatchcase(name.lower(), entry.model.lower())]
        if fitting:
            best = max(fitting, key=lambda entry: (len(entry.model.replace("*", "")), entry.since))
            return Rate(input=best.input, output=best.output)
    return UNKNOWN


@dataclass(frozen=True)
class Tariff:
    """What one choice costs, as far as it is known now."""

    choice: Choice
    entries: tuple[Entry, ...]
    own: Rate | None
    had_problem: bool = False  # the connection could not answer when it was last asked

    def rate(self, answered_by: str = "") -> Rate:
        """Return the rate, by the model that answered where it is known."""
        return rate_for(self.choice, entries=self.entries, own=self.own, model=answered_by)


def tariff_of(choice: Choice) -> Tariff:
    """Return what a choice costs. Needs a transaction."""
    if choice.connection_id is None:
        return Tariff(choice=choice, entries=in_force(), own=None)
    connection = Connection.objects.filter(pk=choice.connection_id).first()
    return Tariff(
        choice=choice,
        entries=in_force(),
        own=None if connection is None else own_rate(connection),
        had_problem=connection is not None and bool(connection.problem),
    )


def own_rate(connection: Connection) -> Rate | None:
    """Return the price that an Admin wrote down for a connection, None where the list counts."""
    if connection.input_price is None or connection.output_price is None:
        return None
    return Rate(input=connection.input_price, output=connection.output_price)


def most_tokens_in(*texts: str) -> int:
    """Return an upper bound of the tokens that texts make in a request."""
    length = sum(len(text) for text in texts)
    beyond_ascii = sum(len(text.encode("utf-8", errors="replace")) for text in texts) - length
    return math.ceil(length / CHARACTERS_PER_TOKEN) + beyond_ascii
