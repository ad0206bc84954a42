"""Decisions made elsewhere, read from a file: SARIF with suppressions, or an export of Semgrep's findings API.

No database here; what they come to is for `findings.services`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Self

from findings.ingest import cleaning
from findings.ingest.reading import JsonSource
from findings.ingest.sarif import SarifReport
from findings.ingest.sarif.decisions import SarifDecisions, Suppression
from findings.ingest.unpacking import ReportUnreadable
from findings.models import IgnoreReason, Triage

MAX_DECISIONS = 20_000
MAX_BYTES = 128 * 1024 * 1024

_FINDINGS = "findings.item"
_TRIAGE = {"ignored": Triage.IGNORED, "reviewing": Triage.REVIEWING, "fixing": Triage.TO_FIX, "to_fix": Triage.TO_FIX}
_STATUS = {"accepted": Triage.IGNORED, "underReview": Triage.REVIEWING, "rejected": Triage.OPEN}
_REASONS = {
    **{reason.value: reason for reason in IgnoreReason},
    "no_triage_reason": IgnoreReason.NO_REASON,
    "won't_fix": IgnoreReason.ACCEPTABLE_RISK,
    "wont_fix": IgnoreReason.ACCEPTABLE_RISK,
}


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a finding elsewhere, and what the finding is known by; empty is not known.

    `match_id` is the scanner's own id of the match, `fingerprint` ours, as an export of ours has it.
    """

    rule: str
    path: str
    line: int
    triage: str
    reason: str = ""
    comment: str = ""
    match_id: str = ""
    fingerprint: str = ""
    project: str = ""

    @property
    def triage_label(self) -> str:
        """The state in words."""
        return str(Triage(self.triage).label)

    @property
    def reason_label(self) -> str:
        """The reason in words, empty where there is none."""
        return str(IgnoreReason(self.reason).label) if self.reason else ""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return a stored one."""
        return cls(**stored)


@dataclass(frozen=True)
class ReadDecisions:
    """The decisions in a file; `left_out` counts entries that are none, or say too little to be one."""

    decisions: tuple[Decision, ...]
    left_out: int


def read_decisions(file: BinaryIO) -> ReadDecisions:
    """Return the decisions in a file. Raise `ReportUnreadable`, in words for whoever uploaded it."""
    source = JsonSource(file, max_bytes=MAX_BYTES)
    try:
        decisions: list[Decision] = []
        left_out = 0
        for decision in _sarif(source) if _is_sarif(source) else _findings_of_api(source):
            if decision is None:
                left_out += 1
            elif len(decisions) == MAX_DECISIONS:
                raise ReportUnreadable(
                    f"The file holds more than {MAX_DECISIONS:,} decisions. Hand them in a project at a time."
                )
            else:
                decisions.append(decision)
    finally:
        source.close()
    return ReadDecisions(decisions=tuple(decisions), left_out=left_out)


def _is_sarif(source: JsonSource) -> bool:
    for glance in source.glances():
        if SarifReport.recognises(glance):
            return True
        if "findings" in glance.keys:
            return False
    raise ReportUnreadable(
        "This is neither SARIF 2.1.0 nor an export of Semgrep's findings API, which is an object with a list"
        " `findings`. Pages are put together by: jq -s '{findings: map(.findings[])}' page*.json"
    )


# --- SARIF ------------------------------------------------------------------------------------------------------------


def _sarif(source: JsonSource) -> Iterator[Decision | None]:
    for suppression in SarifDecisions(source).suppressions():
        yield None if suppression is None else _of_suppression(suppression)


def _of_suppression(suppression: Suppression) -> Decision:
    finding, triage = suppression.finding, _STATUS[suppression.status]
    reason, comment = _reason_in(suppression.justification)
    return Decision(
        rule=finding.rule_identifier,
        path=finding.path,
        line=finding.span.start_line,
        triage=triage.value,
        reason=reason.value if triage == Triage.IGNORED else "",
        comment=comment,
        match_id=finding.scanner_fingerprint,
        fingerprint=suppression.fingerprint,
    )


def _reason_in(justification: str) -> tuple[IgnoreReason, str]:
    """Return the reason that a justification begins with, as our own export writes it, and the rest of it."""
    head, _, rest = justification.partition(":")
    reason = _REASONS.get(_as_key(head))
    return (IgnoreReason.NO_REASON, justification.strip()) if reason is None else (reason, rest.strip())


def _as_key(text: str) -> str:
    return text.strip().lower().replace(" ", "_").replace("-", "_")


# --- Semgrep's findings API -------------------------------------------------------------------------------------------


def _findings_of_api(source: JsonSource) -> Iterator[Decision | None]:
    # Checks the file as a whole: what breaks, nests too deep or is absurdly large is refused here.
    for _ in source.parts(built=frozenset(), begun=frozenset({"findings"}), skipped=frozenset({_FINDINGS})):
        pass
    for raw in source.items(_FINDINGS):
        yield _of_api(cleaning.mapping_of(raw))


def _of_api(raw: Mapping[str, Any]) -> Decision | None:
    triage = _TRIAGE.get(_as_key(cleaning.text_of(raw.get("triage_state"), limit=cleaning.MAX_TERM)))
    location, rule = cleaning.mapping_of(raw.get("location")), cleaning.mapping_of(raw.get("rule"))
    line = location.get("line", raw.get("line"))
    decision = Decision(
        rule=cleaning.text_of(rule.get("name") or raw.get("rule_name"), limit=cleaning.MAX_IDENTIFIER),
        path=cleaning.path_or_none(location.get("file_path", raw.get("path"))),
        line=line if isinstance(line, int) and not isinstance(line, bool) and 0 < line <= cleaning.MAX_LINE else 0,
        triage=triage.value if triage else "",
        reason=_reason_of_api(raw).value if triage == Triage.IGNORED else "",
        comment=cleaning.text_of(raw.get("triage_comment"), limit=cleaning.MAX_JUSTIFICATION).strip(),
        match_id=cleaning.text_of(raw.get("match_based_id"), limit=cleaning.MAX_SCANNER_FINGERPRINT),
        project=cleaning.text_of(cleaning.mapping_of(raw.get("repository")).get("name"), limit=cleaning.MAX_WORD),
    )
    is_known_by_something = decision.match_id or (decision.rule and decision.path and decision.line)
    return decision if triage and is_known_by_something else None


def _reason_of_api(raw: Mapping[str, Any]) -> IgnoreReason:
    word = cleaning.text_of(raw.get("triage_reason"), limit=cleaning.MAX_TERM)
    return _REASONS.get(_as_key(word), IgnoreReason.NO_REASON)
