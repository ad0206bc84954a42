"""Equal matches in one file, told apart by where they stand when their number changes. No database here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FINGERPRINT_BYTES = 16
# Beyond it the order decides: the comparison takes as many steps as reported times known, some milliseconds at 150.
COMPARED_AT_MOST = 150


@dataclass(frozen=True, slots=True)
class Equal:
    """A reported match that has equals, with the identity that its order in the file gives it."""

    position: int
    line: int
    whole_key: bytes
    code_key: bytes
    fingerprint: bytes
    has_code: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of ours with the same code."""

    fingerprint: bytes
    line: int
    has_code: bool
    is_present: bool


def identities_among_equals(reported: Sequence[Equal], known: Sequence[Known]) -> dict[int, bytes]:
    """Return by position the identities that differ from those by order; both come in the order of the file.

    As many as possible keep the identity of a finding that is present, so that in all they moved the fewest lines and
    none overtook another. Only what surrounds a match in the same way is the same match.
    """
    among = _of_the_same_kind(reported[0], reported, known)
    if len(reported) > COMPARED_AT_MOST or len(among) > COMPARED_AT_MOST:
        return {}
    kept = {
        reported[i].position: among[k].fingerprint
        for i, k in _nearest_in_order([equal.line for equal in reported], [finding.line for finding in among])
    }
    taken = set(kept.values())
    for equal in reported:
        if equal.position not in kept:
            free = next(identity for identity in _identities(equal) if identity not in taken)
            kept[equal.position] = free
            taken.add(free)
    return {equal.position: kept[equal.position] for equal in reported if kept[equal.position] != equal.fingerprint}


def _of_the_same_kind(one: Equal, reported: Sequence[Equal], known: Sequence[Known]) -> list[Known]:
    present = [finding for finding in known if finding.is_present and finding.has_code == one.has_code]
    if not one.has_code:
        return present
    # Each number ever given belongs to a finding that is still there, so that none is above their count.
    numbers = _identities(one)
    possible = {next(numbers) for _ in range(len(known) + len(reported))}
    return [finding for finding in present if finding.fingerprint in possible]


def _identities(equal: Equal) -> Iterator[bytes]:
    """Yield the identities of the first, second, third … match of a kind, as `merging.IDENTIFY` makes them."""
    number = 0
    while True:
        number += 1
        yield hashlib.sha256(equal.whole_key + number.to_bytes(4, "big")).digest()[:FINGERPRINT_BYTES]


def _nearest_in_order(reported: Sequence[int], known: Sequence[int]) -> list[tuple[int, int]]:
    """Pair off as many as there are on the shorter side, in order, with the least distance in all."""
    if len(reported) > len(known):
        return [(i, k) for k, i in _nearest_in_order(known, reported)]
    # cost[i][k]: of pairing the first i with some of the first k.
    none = float("inf")
    cost = [[0.0] * (len(known) + 1)]
    for i, line in enumerate(reported):
        row = [none]
        for k, other in enumerate(known):
            row.append(min(row[k], cost[i][k] + abs(line - other)))
        cost.append(row)
    pairs = []
    i, k = len(reported), len(known)
    while i:
        if cost[i][k] == cost[i][k - 1]:
            k -= 1
        else:
            i, k = i - 1, k - 1
            pairs.append((i, k))
    return pairs[::-1]
