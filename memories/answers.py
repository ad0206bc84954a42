"""What the Assistant may answer when it decides whether a person's reason holds beyond one finding."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memories.models import LONGEST_TEXT, Purpose


class LearnAnswer(BaseModel):
    """Does the reason hold for other findings, and what is to be remembered then? The reason comes first."""

    model_config = ConfigDict(extra="forbid")

    because: str = Field(min_length=1, max_length=400, description="One sentence: why it generalises, or why not.")
    generalises: bool
    text: str = Field(
        max_length=LONGEST_TEXT,
        description="What to remember: the condition, how to recognise it, what follows. Empty if nothing.",
    )
    path_prefix: str = Field(
        max_length=500, description="The folder that it is about, as the path begins; empty where it is about none."
    )

    @model_validator(mode="after")
    def what_generalises_has_a_text(self) -> Self:
        """Refuse a memory without words."""
        if self.generalises and not self.text.strip():
            raise ValueError("`text` must say what to remember when `generalises` is true")
        return self


class ConflictAnswer(BaseModel):
    """Which of the memories that are in force say the opposite of a new one."""

    model_config = ConfigDict(extra="forbid")

    conflicting: list[int] = Field(max_length=20, description="The numbers of the memories that contradict it.")
    because: str = Field(max_length=400, description="One sentence; empty where there is no conflict.")


PURPOSE_OF_LEARNING = Purpose.TRIAGE  # why a finding may be ignored says nothing of how to fix one
