"""Where a comment can stand: on the lines it is about, else near them, else in the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from notifications.messages import CommentPlace
from notifications.models import Placement
from scm.adapters.values import ChangedFile


@dataclass(frozen=True)
class Place:
    """A place that may be tried; `lines` is None in the conversation."""

    placement: Placement
    lines: CommentPlace | None = None


CONVERSATION = Place(Placement.CONVERSATION)


def places_for(
    path: str, *, wanted: tuple[int, int], found: tuple[int, int], shown: Mapping[str, ChangedFile]
) -> list[Place]:
    """Return where to try, the best first: the `wanted` lines, those of the finding, one of them, one near, none."""
    file = shown.get(path)
    if file is None or not file.lines:
        return [CONVERSATION]
    places = []
    for first, last in dict.fromkeys((wanted, found)):
        if all(line in file.lines for line in range(first, last + 1)):
            places.append(Place(Placement.LINE, CommentPlace(path, last, first if first < last else None)))
    places += [Place(Placement.LINE, CommentPlace(path, line)) for line in found if line in file.lines]
    if not places:
        nearest = min(file.lines, key=lambda line: (abs(line - found[0]), line))
        places.append(Place(Placement.NEAREST, CommentPlace(path, nearest)))
    return [*dict.fromkeys(places), CONVERSATION]
