"""Turn what was uploaded into plain JSON in UTF-8: out of a gzip, a zip or another encoding, within bounds."""

from __future__ import annotations

import codecs
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO, cast

CHUNK_BYTES = 64 * 1024
MAX_REPORT_BYTES = 512 * 1024 * 1024
MAX_UNPACKED_RATIO = 250  # reports pack about 10 to 1, a bomb 1,000 to 1
RATIO_FREE_BYTES = 16 * 1024 * 1024
IN_MEMORY_BYTES = 8 * 1024 * 1024

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
# Windows PowerShell 5 writes `>` as UTF-16. The longer marks come first: one begins with the other.
WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class ReportUnreadable(Exception):
    """A file cannot be taken as a report. The words say what is wrong, where, and what to do.

    `offset` counts bytes of the unpacked file from 0; `json_path` is like `results[3].extra`.
    """

    def __init__(self, message: str, *, offset: int | None = None, json_path: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.json_path = json_path


def plain(file: BinaryIO, copies: ExitStack, max_bytes: int) -> tuple[BinaryIO, int]:
    """Return a seekable file of UTF-8 JSON and the offset where the JSON begins."""
    if not file.seekable():
        file = _copied(iter(partial(file.read, CHUNK_BYTES), b""), copies, max_bytes)
    file.seek(0)
    if file.read(2) == GZIP_MAGIC:
        file = _unpacked(file, copies, max_bytes)
    if file.seek(0, io.SEEK_END) > max_bytes:
        raise _too_large(max_bytes)
    file.seek(0)
    start = file.read(16)
    for mark, encoding in WIDE_MARKS.items():
        if start.startswith(mark):
            file, start = _recoded(file, encoding, copies, max_bytes), b""
            break
    skipped = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    file.seek(skipped)
    _refuse_other_than_json(_first_visible(file))
    return file, skipped


def _copied(chunks: Iterator[bytes], copies: ExitStack, max_bytes: int) -> BinaryIO:
    copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - open as long as its report
    copies.enter_context(copy)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        copy.write(chunk)
    copy.seek(0)
    return cast(BinaryIO, copy)


def _unpacked(file: BinaryIO, copies: ExitStack, max_bytes: int) -> BinaryIO:
    packed_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    allowed = max(RATIO_FREE_BYTES, packed_bytes * MAX_UNPACKED_RATIO)

    def chunks() -> Iterator[bytes]:
        size = 0
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacking:
            while chunk := unpacking.read(CHUNK_BYTES):
                size += len(chunk)
                if size > allowed:
                    raise ReportUnreadable(
                        f"The gzip file unpacks to more than {MAX_UNPACKED_RATIO} times its size; no report does. "
                        "Upload the report unpacked."
                    )
                yield chunk

    try:
        return _copied(chunks(), copies, max_bytes)
    except EOFError as error:
        raise ReportUnreadable(
            f"The gzip file is cut off after {packed_bytes:,} bytes. Upload it again.", offset=packed_bytes
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReportUnreadable("The gzip file is damaged. Pack the report again, or upload it unpacked.") from error


def _recoded(file: BinaryIO, encoding: str, copies: ExitStack, max_bytes: int) -> BinaryIO:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()

    def chunks() -> Iterator[bytes]:
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()

    try:
        return _copied(chunks(), copies, max_bytes)
    except UnicodeError as error:
        raise ReportUnreadable(
            f"The file begins as {encoding.upper()} text and does not go on as such. Upload it as UTF-8."
        ) from error


def _first_visible(file: BinaryIO) -> bytes:
    while chunk := file.read(CHUNK_BYTES):
        if visible := chunk.lstrip():
            return visible[:40]
    return b""


def _refuse_other_than_json(start: bytes) -> None:
    remedy = "Upload the scanner's JSON or SARIF file (`semgrep scan --json` or `--sarif`)."
    if not start:
        raise ReportUnreadable(f"The file is empty. {remedy}", offset=0)
    if start.startswith(b"{"):
        return
    if start.startswith(ZIP_MAGIC):
        raise ReportUnreadable("This is a ZIP archive. Unpack it and upload the report inside.", offset=0)
    if start.startswith(b"<"):
        raise ReportUnreadable(f"This is XML or HTML, not JSON. {remedy}", offset=0)
    if start.startswith(b"["):
        raise ReportUnreadable(f"This is a JSON list; a report is a JSON object. {remedy}", offset=0)
    shown = start.decode(errors="replace")
    raise ReportUnreadable(f"The file is not JSON: it begins with {shown!r} at byte 0. {remedy}", offset=0)


def _too_large(max_bytes: int) -> ReportUnreadable:
    return ReportUnreadable(
        f"The report is larger than {max_bytes // 1024**2:,} MB unpacked. Scan fewer folders at a time, or leave "
        "generated files out."
    )
