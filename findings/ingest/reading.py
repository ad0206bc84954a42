"""Read a report as a stream: find its parts, say where it breaks. Knows JSON, but no scan format."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import ijson
from ijson.common import ObjectBuilder

from findings.ingest.unpacking import CHUNK_BYTES, MAX_REPORT_BYTES, ReportUnreadable, plain

MAX_DEPTH = 100
MAX_VALUES_PER_PART = 200_000
MAX_KEYS_SEEN = 100  # by which any format is known
WATCHED_DEPTH = 7  # `runs[].tool.extensions[].rules[]` is the deepest part that anybody asks for


@dataclass
class Glance:
    """What has been seen of a file's outermost object so far."""

    keys: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    keys_of_first: dict[str, set[str]] = field(default_factory=dict)


class JsonSource:
    """A seekable JSON file in UTF-8, whatever it was packed or encoded in. Closing removes its temporary files."""

    def __init__(self, file: BinaryIO, *, max_bytes: int = MAX_REPORT_BYTES) -> None:
        with ExitStack() as copies:
            self._file, self._start = plain(file, copies, max_bytes)
            self._copies = copies.pop_all()

    def close(self) -> None:
        """Remove the temporary files; the file itself stays open."""
        self._copies.close()

    def rewound(self) -> _Mended:
        """Return the file, placed on the first byte of its JSON."""
        self._file.seek(self._start)
        return _Mended(self._file)

    def items(self, prefix: str) -> Iterator[Any]:
        """Yield the values at an ijson prefix. Exhaust `parts` before: it refuses what is broken or nests too deep."""
        # Any: a value of JSON is of whatever type its author chose; the parsers check each.
        try:
            yield from ijson.items(self.rewound(), prefix, use_float=True, buf_size=CHUNK_BYTES)
        except ijson.JSONError as error:
            raise self._broken(error, "") from error

    def parts(
        self, *, built: frozenset[str], begun: frozenset[str] = frozenset(), skipped: frozenset[str] = frozenset()
    ) -> Iterator[tuple[str, Any]]:
        """Walk the whole file once; yield (prefix, value) for the prefixes of `built`, (prefix, None) for the others.

        Values at `begun` are looked into, those at `skipped` are passed over. Raise `ReportUnreadable` where the file
        is no JSON, ends early, nests too deep, or has an entry of absurd size.
        """
        walk = _Walk(built=built, begun=begun, skipped=skipped)
        try:
            # use_float, because ijson's C reader crashes the process on an integer of 4,300 digits without it.
            for event, value in ijson.basic_parse(self.rewound(), use_float=True, buf_size=CHUNK_BYTES):
                found = walk.step(event, value)
                if found is not None:
                    yield found
        except ijson.JSONError as error:
            raise self._broken(error, walk.json_path) from error

    def glances(self) -> Iterator[Glance]:
        """Yield the same `Glance` again each time more has been seen of the outermost object."""
        glance = Glance()
        depth, key, is_first = 0, "", False
        try:
            for event, value in ijson.basic_parse(self.rewound(), use_float=True, buf_size=CHUNK_BYTES):
                if depth == 1 and event == "map_key":
                    key, is_first = value, True
                    glance.keys.add(value)
                    if len(glance.keys) > MAX_KEYS_SEEN:
                        return
                    yield glance
                elif depth == 1 and event == "string":
                    glance.texts[key] = value[:200]
                    yield glance
                elif depth == 3 and event == "map_key" and is_first:  # noqa: PLR2004 - object, list, object
                    keys = glance.keys_of_first.setdefault(key, set())
                    keys.add(value)
                    is_first = len(keys) < MAX_KEYS_SEEN
                    yield glance
                if event in ("start_map", "start_array"):
                    depth += 1
                elif event in ("end_map", "end_array"):
                    is_first = is_first and depth > 3  # noqa: PLR2004
                    depth -= 1
        except ijson.JSONError as error:
            raise self._broken(error, key) from error

    def _broken(self, error: ijson.JSONError, json_path: str) -> ReportUnreadable:
        reason = str(error).splitlines()[0].removeprefix("b'").split("\\n")[0].split(": ", 1)[-1].rstrip(".")
        place = f", inside {json_path}" if json_path else ""
        if "premature EOF" in reason:
            size = self._file.seek(0, io.SEEK_END) - self._start
            return ReportUnreadable(
                f"The report is cut off: it ends after {size:,} bytes{place}, before its JSON is complete. "
                "Let the scanner finish and upload its file again.",
                offset=size,
                json_path=json_path,
            )
        offset = self._offset_of_failure()
        return ReportUnreadable(
            f"The report is not valid JSON: {reason}, at byte {offset:,}{place}. "
            "Upload the file exactly as the scanner wrote it.",
            offset=offset,
            json_path=json_path,
        )

    def _offset_of_failure(self) -> int:
        # ijson does not tell where it stopped: read again, the chunk that breaks byte by byte.
        coarse = _Counted(self.rewound(), fine_from=None)
        _exhaust(coarse)
        fine = _Counted(self.rewound(), fine_from=coarse.last)
        _exhaust(fine)
        return fine.last


class _Walk:
    """Where in a JSON file the reader stands, and the part it is building."""

    def __init__(self, *, built: frozenset[str], begun: frozenset[str], skipped: frozenset[str]) -> None:
        self._built, self._begun, self._skipped = built, begun, skipped
        self._open: list[_Container] = []
        self._key = ""
        self._below = 0  # containers open under the watched ones
        self._values_below = 0
        self._is_counting = False
        self._builder: ObjectBuilder | None = None
        self._building = ""

    @property
    def json_path(self) -> str:
        """Where the reader stands, like `runs[0].results[17]`."""
        path = ""
        for container in self._open:
            if container.is_list:
                path += f"[{max(container.count - 1, 0)}]" if container.count else ""
            elif container.key:
                path += f".{container.key}"
        return path.lstrip(".")[:200]

    def step(self, event: str, value: Any) -> tuple[str, Any] | None:  # Any: as ijson gives it
        """Take one event of the reader; return the part that it began or completed, if it did."""
        if self._below:
            return self._step_below(event, value)
        if event == "map_key":
            self._open[-1].key = value
            return None
        if event in ("end_map", "end_array"):
            self._open.pop()
            return None
        prefix = self._prefix_of_next()
        if event in ("start_map", "start_array"):
            return self._container_begins(prefix, event)
        if prefix in self._built:
            return prefix, value
        return (prefix, None) if prefix in self._begun or prefix in self._skipped else None

    def _prefix_of_next(self) -> str:
        if not self._open:
            return ""
        parent = self._open[-1]
        if parent.is_list:
            parent.count += 1
            return f"{parent.prefix}.item" if parent.prefix else "item"
        return f"{parent.prefix}.{parent.key}" if parent.prefix else parent.key

    def _container_begins(self, prefix: str, event: str) -> tuple[str, Any] | None:
        is_watched = len(self._open) < WATCHED_DEPTH and prefix not in self._skipped
        if prefix in self._built:
            self._builder, self._building = ObjectBuilder(), prefix
            self._builder.event(event, None)
        elif is_watched:
            self._open.append(_Container(prefix=prefix, is_list=event == "start_array"))
            return (prefix, None) if prefix in self._begun else None
        self._below, self._values_below = 1, 0
        self._is_counting = self._builder is not None or prefix in self._skipped
        return (prefix, None) if prefix in self._skipped else None

    def _step_below(self, event: str, value: Any) -> tuple[str, Any] | None:
        if self._builder is not None:
            self._builder.event(event, value)
        self._values_below += 1
        if event in ("start_map", "start_array"):
            self._below += 1
            self._refuse_absurd()
        elif event in ("end_map", "end_array"):
            self._below -= 1
            self._refuse_absurd()
        if self._below or self._builder is None:
            return None
        built, self._builder = self._builder.value, None
        return self._building, built

    def _refuse_absurd(self) -> None:
        # What passes here is later built in memory as one piece.
        if self._below + len(self._open) > MAX_DEPTH:
            problem = f"nests more than {MAX_DEPTH} levels deep"
        elif self._is_counting and self._values_below > MAX_VALUES_PER_PART:
            problem = f"holds more than {MAX_VALUES_PER_PART:,} values in one entry"
        else:
            return
        raise ReportUnreadable(
            f"The report {problem}, at {self.json_path}. No scanner is known to write that; upload the file exactly "
            "as the scanner wrote it.",
            json_path=self.json_path,
        )


class _Mended:
    """A JSON file without escapes such as `\\ud800` alone, halves of a character, at which ijson's C reader gives up.

    They come of file names and code that are no UTF-8. What replaces them has the same length.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held_back = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, not many more than `size`; none at the end only."""
        while fresh := self._file.read(size):
            chunk = self._held_back + fresh
            end = _end_of_whole_escapes(chunk)
            self._held_back = chunk[end:]
            if end:
                return _mended(chunk[:end])
        rest, self._held_back = self._held_back, b""
        return _mended(rest)


_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_LONGEST_ESCAPE = 12
_HALF, _REPLACEMENT = 6, rb"\ufffd"


def _end_of_whole_escapes(chunk: bytes) -> int:
    backslash = chunk.find(b"\\", max(len(chunk) - _LONGEST_ESCAPE, 0))
    if backslash < 0:
        return len(chunk)
    while backslash and chunk[backslash - 1 : backslash] == b"\\":
        backslash -= 1
    return backslash


def _mended(chunk: bytes) -> bytes:
    if b"\\ud" not in chunk and b"\\uD" not in chunk:
        return chunk
    return _ESCAPE.sub(lambda found: _REPLACEMENT if len(found[0]) == _HALF else found[0], chunk)


@dataclass
class _Container:
    prefix: str
    is_list: bool
    key: str = ""
    count: int = 0


class _Counted:
    """A file that knows where its last chunk began; from `fine_from` on it gives one byte at a time."""

    def __init__(self, file: _Mended, fine_from: int | None) -> None:
        self._file, self._fine_from = file, fine_from
        self.last = self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`."""
        if self._fine_from is not None and self._position >= self._fine_from:
            size = min(size, 1)
        chunk = self._file.read(size)
        self.last, self._position = self._position, self._position + len(chunk)
        return chunk


def _exhaust(file: _Counted) -> None:
    try:
        for _ in ijson.basic_parse(file, use_float=True, buf_size=CHUNK_BYTES):
            pass
    except ijson.JSONError:
        return
