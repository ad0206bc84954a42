"""Files of rules as people bring them: one YAML file, or a ZIP of a folder; nothing larger or stranger than that."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from scm.context_upload import ZIP_MAGICS, ContextRefused, read_context

MAX_BYTES = 8 * 1024 * 1024  # of rules in one import, unpacked
SUFFIXES = (".yaml", ".yml")


class FilesRefused(Exception):
    """What was brought cannot be used; the words say why."""


def files_in(file: BinaryIO, *, name: str) -> list[tuple[str, str]]:
    """Return the YAML files of an upload as (path, text). Raises FilesRefused."""
    start = file.read(4)
    file.seek(0)
    if start in ZIP_MAGICS:
        return _within_limits(_zipped(file))
    content = file.read(MAX_BYTES + 1)
    try:
        return _within_limits([(name, content.decode("utf-8-sig"))])
    except UnicodeDecodeError as problem:
        raise FilesRefused("This is neither a YAML file nor a ZIP of a folder with some.") from problem


def _zipped(file: BinaryIO) -> list[tuple[str, str]]:
    try:
        found = sorted(
            (path, text)
            for path, text in read_context(file)
            if path.endswith(SUFFIXES) and not path.startswith((".", "__MACOSX/"))
        )
    except ContextRefused as problem:
        # It was written for the files beside a report, whose bounds and tricks are the same.
        raise FilesRefused(str(problem).replace("context upload", "archive")) from problem
    if not found:
        raise FilesRefused("There is no YAML file in this archive.")
    return found


def _within_limits(files: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if sum(len(text.encode(errors="replace")) for _, text in files) > MAX_BYTES:
        raise FilesRefused(f"An import takes {MAX_BYTES // 1024**2} MB of rules. Bring them in parts.")
    if not any(text.strip() for _, text in files):
        raise FilesRefused("The file is empty.")
    return files


def files_below(place: Path) -> list[tuple[str, str]]:
    """Return a YAML file of this machine, or those of a folder, as (path, text). Raises FilesRefused or OSError."""
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*") if path.suffix in SUFFIXES and path.is_file())
        if not paths:
            raise FilesRefused(f"There is no YAML file below {place}.")
        found = [(path.relative_to(place).as_posix(), path.read_bytes()) for path in paths]
    else:
        found = [(place.name, place.read_bytes())]
    return _within_limits([(path, content.decode("utf-8-sig", errors="replace")) for path, content in found])
