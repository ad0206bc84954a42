"""What a SARIF file says of decisions made before: suppressions outside the source, of any status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from findings.ingest import cleaning
from findings.ingest.base import ReportedFinding, ResultUnusable
from findings.ingest.sarif.report import SarifReport

OUR_FINGERPRINT = "assistantFingerprint/v1"
# Several are rare; what was accepted counts before what is looked at, and that before what was rejected.
STATUSES = ("accepted", "underReview", "rejected")


@dataclass(frozen=True)
class Suppression:
    """Somebody's view of a result; `status` is accepted, underReview or rejected. `fingerprint` is one of ours."""

    finding: ReportedFinding
    status: str
    justification: str
    fingerprint: str


class SarifDecisions(SarifReport):
    """A SARIF file, read for what was decided about its results."""

    def suppressions(self) -> Iterator[Suppression | None]:
        """Yield the suppressions outside the source, and None for each result that has one and cannot be used."""
        for position, raw in enumerate(self._raw_results(), start=1):
            result = cleaning.mapping_of(raw)
            entries = [cleaning.mapping_of(entry) for entry in cleaning.list_of(result.get("suppressions"))]
            external = [entry for entry in entries if entry.get("kind") == "external"]
            if external:
                justifications = {str(e.get("status", "accepted")): e.get("justification") for e in reversed(external)}
                yield self._suppression(result, position, justifications)

    def _suppression(self, result: object, position: int, justifications: dict[str, object]) -> Suppression | None:
        status = next((status for status in STATUSES if status in justifications), "")
        try:
            finding = self._finding_in(result, position)
        except ResultUnusable:
            return None
        if finding is None or not status:
            return None
        partial = cleaning.mapping_of(cleaning.mapping_of(result).get("partialFingerprints"))
        return Suppression(
            finding=finding,
            status=status,
            justification=cleaning.text_of(justifications[status], limit=cleaning.MAX_JUSTIFICATION),
            fingerprint=cleaning.text_of(partial.get(OUR_FINGERPRINT), limit=64),
        )
