"""Which findings share one comment: more than five equal ones of a pull request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_ALONE = 5


@dataclass(frozen=True)
class Candidate:
    """A finding that is to be commented on; `known_key` is that of the comment that it has already, else empty."""

    finding_id: int
    rule_id: int
    message: str
    known_key: str = ""


def key_of_group(rule_id: int, message: str) -> str:
    """Return the key of the summary of equal findings: one rule saying the same, white space apart."""
    shape = " ".join(message.split())
    return f"group-{hashlib.sha256(f'{rule_id}:{shape}'.encode()).hexdigest()[:32]}"


def grouped(candidates: Iterable[Candidate], *, known_groups: Iterable[str]) -> Mapping[str, list[int]]:
    """Return the findings of each comment by its key.

    A finding stays in the comment that it has. One without joins the summary of its equals where there is one, and
    makes one with them where more than five have none.
    """
    known = set(known_groups)
    comments: dict[str, list[int]] = {}
    without: dict[str, list[int]] = {}
    for candidate in candidates:
        if candidate.known_key:
            comments.setdefault(candidate.known_key, []).append(candidate.finding_id)
        else:
            without.setdefault(key_of_group(candidate.rule_id, candidate.message), []).append(candidate.finding_id)
    for key, finding_ids in without.items():
        if key in known or len(finding_ids) > MOST_ALONE:
            comments.setdefault(key, []).extend(finding_ids)
        else:
            comments.update({f"finding-{finding_id}": [finding_id] for finding_id in finding_ids})
    return comments
