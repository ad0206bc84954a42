"""What the Assistant may answer when it advises on a fix or writes one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Step(BaseModel):
    """One instruction, with the code that carries it out where code says it better."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1, max_length=1000)
    code: str = Field(default="", max_length=4000, description="Empty where words are enough.")


class GuidanceAnswer(BaseModel):
    """How to fix a finding, in prose."""

    model_config = ConfigDict(extra="forbid")

    summary: str = Field(min_length=1, max_length=400, description="One sentence: what to change and why.")
    steps: list[Step] = Field(min_length=1, max_length=8)


class Edit(BaseModel):
    """A block of a file to replace: `old` must stand in the file exactly once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(max_length=1024)
    old: str = Field(
        min_length=1, max_length=20000, description="The text to replace, copied exactly, unique in the file."
    )
    new: str = Field(max_length=20000)


class FixAnswer(BaseModel):
    """A code change that removes the cause of a finding; no edits where none is possible."""

    model_config = ConfigDict(extra="forbid")

    edits: list[Edit] = Field(max_length=6)
    explanation: str = Field(max_length=800, description="What the change does, or why there is none.")
