"""What the Assistant may answer when it judges a finding or says what a file is for."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Verdict(StrEnum):
    """The Assistant's view of a finding."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    UNSURE = "unsure"


class Confidence(StrEnum):
    """How sure the Assistant is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class EvidenceRole(StrEnum):
    """What a quoted line does in the argument."""

    SOURCE = "source"
    SANITIZER = "sanitizer"
    SINK = "sink"
    GUARD = "guard"
    CONTEXT = "context"


class Quote(BaseModel):
    """Lines of a file, quoted to support a claim."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(max_length=1024, description="The file's path exactly as shown.")
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    quote: str = Field(max_length=2000, description="The text of those lines, copied exactly.")
    role: EvidenceRole


class VerdictAnswer(BaseModel):
    """Is the finding real? The evidence comes first, so that a model reasons before it decides."""

    model_config = ConfigDict(extra="forbid")

    evidence: list[Quote] = Field(max_length=8, description="The lines that decide the question.")
    verdict: Verdict
    confidence: Confidence
    explanation: str = Field(
        min_length=1, max_length=1200, description="One to three sentences that a developer can check against the code."
    )

    @model_validator(mode="after")
    def safe_to_ignore_needs_evidence(self) -> Self:
        """Refuse a false positive that quotes nothing."""
        if self.verdict is Verdict.FALSE_POSITIVE and not self.evidence:
            raise ValueError("a false positive needs at least one quoted line that shows why")
        return self


class Conclusion(StrEnum):
    """What a second look, which assumes that a finding can be exploited, comes to."""

    EXPLOITABLE = "exploitable"
    PREVENTED = "prevented"
    UNDECIDED = "undecided"


VERDICT_OF = {
    Conclusion.EXPLOITABLE: Verdict.TRUE_POSITIVE,
    Conclusion.PREVENTED: Verdict.FALSE_POSITIVE,
    Conclusion.UNDECIDED: Verdict.UNSURE,
}


class SecondVoteAnswer(BaseModel):
    """Could it be exploited after all? The conditions and the evidence come before the conclusion."""

    model_config = ConfigDict(extra="forbid")

    conditions: list[str] = Field(
        max_length=6, description="What would have to hold for the code to be exploited, one short sentence each."
    )
    evidence: list[Quote] = Field(max_length=8, description="The lines that meet a condition or rule one out.")
    conclusion: Conclusion
    confidence: Confidence
    explanation: str = Field(
        min_length=1, max_length=1200, description="One to three sentences: which condition decides it, by which line."
    )

    @model_validator(mode="after")
    def prevented_needs_evidence(self) -> Self:
        """Refuse a conclusion that harm is prevented where nothing is quoted."""
        if self.conclusion is Conclusion.PREVENTED and not self.evidence:
            raise ValueError("that harm is prevented needs at least one quoted line that shows how")
        return self

    def as_verdict(self) -> VerdictAnswer:
        """Return the answer in the words of a verdict, so that it goes through the same checks."""
        return VerdictAnswer(
            evidence=self.evidence,
            verdict=VERDICT_OF[self.conclusion],
            confidence=self.confidence,
            explanation=self.explanation,
        )


class ComponentTag(StrEnum):
    """What a file is for."""

    USER_AUTHENTICATION = "user authentication"
    AUTHORIZATION = "authorization"
    PAYMENTS = "payments"
    CRYPTOGRAPHY = "cryptography"
    PII = "PII"
    SECRETS = "secrets"
    INFRASTRUCTURE = "infrastructure"
    API = "API"
    ADMIN = "admin"
    DATA_STORAGE = "data storage"
    FILE_HANDLING = "file handling"
    MESSAGING = "messaging"
    FRONTEND = "frontend"
    DEVELOPER_SCRIPTS = "developer scripts"
    TESTS = "tests"
    DOCUMENTATION = "documentation"
    OTHER = "other"


class Risk(StrEnum):
    """How much a mistake in such a file matters."""

    HIGH = "high"
    NEUTRAL = "neutral"
    LOW = "low"


class ComponentAnswer(BaseModel):
    """What is this file for, and how much does a mistake in it matter?"""

    model_config = ConfigDict(extra="forbid")

    tag: ComponentTag
    risk: Risk
    reason: str = Field(max_length=300, description="One short sentence.")
