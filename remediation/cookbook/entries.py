"""Read the entries of the cookbook: one YAML file per weakness, checked against a model when it is first asked for.

A file's name begins with the CWE numbers it answers, so that finding the right one reads no other:
`cwe-614-1004-cookie-flags.yaml` answers CWE-614 and CWE-1004.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from ruamel.yaml import YAML

FOLDER = Path(__file__).parent
# An answer's summary has 400 characters, of which a place takes at most 155.
LONGEST_SUMMARY = 245
LONGEST_TEXT = 1000
LONGEST_CODE = 4000
FEWEST_STEPS = 3
FILE_NAME = re.compile(r"cwe((?:-\d+)+)-[a-z][a-z0-9-]*\.yaml")


class EntryStep(BaseModel):
    """One step of an entry; one without text is shown only where a variant words it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(default="", max_length=LONGEST_TEXT)
    shows: str = Field(default="", pattern=r"^[a-z_]*$", description="The slot that variants fill with code or words.")

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Refuse a step that could never be shown."""
        if not self.text and not self.shows:
            raise ValueError("a step needs a text or a slot")
        return self


class Variant(BaseModel):
    """What an entry says for a language, or for one library, rule or piece of code in it.

    A variant without conditions is its language's default. With conditions, one that holds is enough to apply.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[str, ...] = Field(min_length=1)
    uses: tuple[str, ...] = Field(default=(), description="Technologies, as `technologies.yaml` names them.")
    rule: str = Field(default="", description="A regular expression searched in the rule's identifier, lower case.")
    match: str = Field(default="", description="A regular expression searched in the matched lines.")
    summary: str = Field(default="", max_length=LONGEST_SUMMARY)
    text: dict[str, str] = Field(
        default_factory=dict, description="The words of a slot's step, in place of the entry's."
    )
    code: dict[str, str] = Field(default_factory=dict, description="The code of a slot.")
    written_in: dict[str, str] = Field(default_factory=dict, description="A slot's language where it is another one.")

    @property
    def is_default(self) -> bool:
        """Whether it holds for all code of its language."""
        return not (self.uses or self.rule or self.match)

    @model_validator(mode="after")
    def is_well_formed(self) -> Self:
        """Refuse a broken expression, a text too long for an answer, a summary without its place."""
        re.compile(self.rule)
        re.compile(self.match)
        if any(len(text) > LONGEST_TEXT for text in self.text.values()):
            raise ValueError(f"a text holds at most {LONGEST_TEXT} characters")
        if any(len(code) > LONGEST_CODE for code in self.code.values()):
            raise ValueError(f"code holds at most {LONGEST_CODE} characters")
        if set(self.written_in) - set(self.code):
            raise ValueError("a language is named for code that is not there")
        if self.summary and "{place}" not in self.summary:
            raise ValueError("a summary names the {place}")
        return self


class Entry(BaseModel):
    """How to remove one kind of weakness."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    summary: str = Field(
        max_length=LONGEST_SUMMARY, pattern=r"\{place\}", description="One sentence about the {place}."
    )
    quotes_match: bool = Field(default=True, description="False where the matched code may hold a secret.")
    steps: tuple[EntryStep, ...] = Field(min_length=FEWEST_STEPS, max_length=6)
    variants: tuple[Variant, ...] = ()

    @model_validator(mode="after")
    def variants_fill_known_slots(self) -> Self:
        """Refuse code that no step would show."""
        slots = {step.shows for step in self.steps if step.shows}
        for variant in self.variants:
            if unknown := (set(variant.text) | set(variant.code)) - slots:
                raise ValueError(f"no step shows {sorted(unknown)}")
        if sum(bool(step.text) for step in self.steps) < FEWEST_STEPS:
            raise ValueError("three steps must make sense without any variant")
        return self


@cache
def files_by_number() -> dict[int, Path]:
    """Return the entry file of each CWE number; raise ValueError on a badly named file or a number told twice."""
    files: dict[int, Path] = {}
    for path in sorted((FOLDER / "entries").glob("*.yaml")):
        name = FILE_NAME.fullmatch(path.name)
        if name is None:
            raise ValueError(f"{path.name} does not begin with its CWE numbers")
        for number in map(int, name[1].strip("-").split("-")):
            if number in files:
                raise ValueError(f"CWE-{number} stands in {files[number].name} and in {path.name}")
            files[number] = path
    return files


@cache
def neighbours() -> dict[int, int]:
    """Return, for CWE numbers without an entry of their own, the number whose entry answers them as well."""
    return TypeAdapter(dict[int, int]).validate_python(read_yaml(FOLDER / "neighbours.yaml"))


def answering_number(number: int) -> int | None:
    """Return the number of the entry that answers a CWE, its own or its neighbour's; None where there is none."""
    if number in files_by_number():
        return number
    return neighbours().get(number)


def entry_of(number: int) -> Entry:
    """Return the entry that answers a CWE number; raise KeyError where there is none."""
    answering = answering_number(number)
    if answering is None:
        raise KeyError(number)
    return _read_entry(files_by_number()[answering])


@cache
def _read_entry(path: Path) -> Entry:
    return Entry.model_validate(read_yaml(path))


def read_yaml(path: Path) -> dict[str, object]:
    """Return a content file as plain values."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # ruamel says Any
