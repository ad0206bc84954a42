"""Files that a CI job sends along with its report, so that no host has to be asked: a ZIP, or a JSON object a line."""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

MAX_TOTAL_BYTES = 50 * 1024 * 1024
MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_FILES = 5_000
MAX_RATIO = 200  # source code packs 3 to 10 to 1
RATIO_FREE_BYTES = 1024 * 1024
MAX_PATH = 1_000
# A character of a file can take six bytes in JSON (`\\u00e9`).
MAX_LINE_BYTES = MAX_FILE_BYTES * 6 + 10_000

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
ENCRYPTED = 0x1

_DRIVE = re.compile(r"[A-Za-z]:")


class ContextRefused(Exception):
    """The upload cannot be used. The words say why, for whoever set up the CI job."""


class ContextUpload:
    """The files of one upload. Iterating yields (path, text) once and counts what it leaves out.

    Paths are POSIX and relative to the repository. `skipped_binary` counts files that are no text, `skipped_large`
    those over `MAX_FILE_BYTES`, `skipped_changed` those that are not what their `sha256` says.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._total_bytes = 0
        self._count = 0
        self.skipped_binary = 0
        self.skipped_large = 0
        self.skipped_changed = 0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield each file. Raise `ContextRefused` at the first thing that no honest upload has."""
        self._file.seek(0)
        start = self._file.read(4)
        self._file.seek(0)
        if not start:
            raise ContextRefused("The context upload is empty. Leave it out, or add the files that have findings.")
        contents = self._zipped() if start in ZIP_MAGICS else self._lines()
        seen: set[str] = set()
        for path, content in contents:
            if path in seen:
                raise ContextRefused(f"The context upload holds {path} twice. Send each file once.")
            seen.add(path)
            self._charge(len(content))
            text = _text(content)
            if text is None:
                self.skipped_binary += 1
            else:
                yield path, text

    def _charge(self, size: int) -> None:
        self._count += 1
        self._total_bytes += size
        if self._count > MAX_FILES:
            raise ContextRefused(
                f"The context upload holds more than {MAX_FILES:,} files. Send those with findings only."
            )
        if self._total_bytes > MAX_TOTAL_BYTES:
            raise _too_large()

    def _zipped(self) -> Iterator[tuple[str, bytes]]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        yield from self._entry(archive, entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise ContextRefused(
                "The context upload is a ZIP that cannot be read. Pack it again with deflate."
            ) from error

    def _entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[tuple[str, bytes]]:
        path = _safe_path(entry.orig_filename)
        if entry.flag_bits & ENCRYPTED:
            raise ContextRefused("The context upload is an encrypted ZIP. Send it without a password.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ContextRefused(f"The context upload holds {path}, which is a link or a device. Send files only.")
        if entry.file_size > max(RATIO_FREE_BYTES, entry.compress_size * MAX_RATIO):
            raise ContextRefused(f"{path} unpacks to more than {MAX_RATIO} times its size; no source file does.")
        if entry.file_size > MAX_FILE_BYTES:
            self._skip_large()
            return
        with archive.open(entry) as opened:
            content = opened.read(MAX_FILE_BYTES + 1)  # the size in the ZIP is only what its author says
        if len(content) > MAX_FILE_BYTES:
            self._skip_large()
            return
        yield path, content

    def _skip_large(self) -> None:
        self.skipped_large += 1
        self._charge(0)

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        for number, line in enumerate(self._raw_lines(), start=1):
            if not line.strip():
                continue
            path, content, sha256 = _parsed(line.removeprefix(b"\xef\xbb\xbf"), number)
            if len(content) > MAX_FILE_BYTES:
                self._skip_large()
            elif sha256 and hashlib.sha256(content).hexdigest() != sha256.lower():
                self.skipped_changed += 1
                self._charge(0)
            else:
                yield path, content

    def _raw_lines(self) -> Iterator[bytes]:
        is_packed = self._file.read(2) == GZIP_MAGIC
        self._file.seek(0)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=self._file)) if is_packed else self._file
        unread = MAX_TOTAL_BYTES * 2  # JSON's escapes make files larger, and what is left out is read as well
        try:
            while line := file.readline(MAX_LINE_BYTES + 1):
                unread -= len(line)
                if unread < 0:
                    raise _too_large()
                if len(line) > MAX_LINE_BYTES:
                    raise ContextRefused(
                        f"A line of the context upload is longer than {MAX_LINE_BYTES // 1024**2} MB. "
                        "Send one JSON object a line, and leave large files out."
                    )
                yield line
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ContextRefused(
                "The context upload is a gzip file that is damaged or cut off. Send it again."
            ) from error


def read_context(file: BinaryIO) -> ContextUpload:
    """Return the files of an upload, to be iterated once; `file` must be seekable."""
    return ContextUpload(file)


def _too_large() -> ContextRefused:
    return ContextRefused(
        f"The context upload is larger than {MAX_TOTAL_BYTES // 1024**2} MB unpacked. "
        "Send the files with findings only."
    )


def _parsed(line: bytes, number: int) -> tuple[str, bytes, str]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContextRefused(
            f"Line {number} of the context upload is not JSON. Send a ZIP, or lines such as "
            '{"path": "src/app.py", "text": "..."}.'
        ) from error
    path, text = (entry.get("path"), entry.get("text")) if isinstance(entry, dict) else (None, None)
    if not isinstance(path, str) or not isinstance(text, str):
        raise ContextRefused(f"Line {number} of the context upload lacks a `path` and a `text`, both as text.")
    sha256 = entry.get("sha256")
    content = text.encode(errors="surrogatepass")
    return _safe_path(path), content, sha256 if isinstance(sha256, str) else ""


def _safe_path(name: str) -> str:
    if "\\" in name or "\0" in name or name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise ContextRefused(
            f"The context upload holds {name[:80]!r}, which is no path inside the repository. "
            "Name files relative to its folder, with forward slashes."
        )
    path = posixpath.normpath(name)
    if path == "." or len(path) > MAX_PATH or not path.isprintable():
        raise ContextRefused(f"The context upload holds a file without a usable name: {name[:80]!r}.")
    return path


def _text(content: bytes) -> str | None:
    """Return a file's text, None for a binary one."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
