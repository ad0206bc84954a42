"""What was uploaded with a scan, kept in the database in compressed chunks until it has been ingested."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from typing import BinaryIO, Protocol, cast

from findings.models import Scan, UploadChunk, UploadKind

CHUNK_BYTES = 1024 * 1024
CHUNKS_PER_INSERT = 8
IN_MEMORY_BYTES = 8 * 1024 * 1024


class Hash(Protocol):
    """What hashlib's objects have in common."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""


class UploadTooLarge(Exception):
    """An upload is over the size limit; the text says which and what to do."""


def digest_of(*uploads: BinaryIO | None, described_by: tuple[str, ...]) -> bytes:
    """Return 32 bytes that stand for uploads and the words that describe them; the files are left at their start."""
    digest = hashlib.sha256("\0".join(described_by).encode())
    for upload in uploads:
        digest.update(b"\0file\0")
        if upload is not None:
            while block := upload.read(CHUNK_BYTES):
                digest.update(block)
            upload.seek(0)
    return digest.digest()


def keep(scan: Scan, kind: UploadKind, upload: BinaryIO, *, max_bytes: int) -> None:
    """Store an upload; the transaction of the scan's own row makes it all or nothing."""
    waiting: list[UploadChunk] = []
    size = number = 0
    while block := upload.read(CHUNK_BYTES):
        size += len(block)
        if size > max_bytes:
            raise UploadTooLarge(
                f"The {kind.label.lower()} upload is larger than {max_bytes // 1024 // 1024} MB. Compress it with gzip,"
                " split the scan by folder, or have the operator raise MAX_REPORT_MEGABYTES."
            )
        waiting.append(UploadChunk(scan=scan, kind=kind, number=number, content=zlib.compress(block, 1)))
        number += 1
        if len(waiting) >= CHUNKS_PER_INSERT:
            UploadChunk.objects.bulk_create(waiting)
            waiting = []
    UploadChunk.objects.bulk_create(waiting)


def open_upload(scan: Scan, kind: UploadKind) -> BinaryIO | None:
    """Return an upload as a seekable file, in memory while small; None where there was none."""
    chunks = UploadChunk.objects.filter(scan=scan, kind=kind).order_by("number")
    if not chunks.exists():
        return None
    # The caller closes it; a temporary file is gone with its handle.
    copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115
    for content in chunks.values_list("content", flat=True).iterator(chunk_size=CHUNKS_PER_INSERT):
        copy.write(zlib.decompress(bytes(content)))
    copy.seek(0)
    return cast(BinaryIO, copy)  # it has every method of one


def forget(scan: Scan) -> None:
    """Drop what was uploaded, once it has been ingested."""
    UploadChunk.objects.filter(scan=scan).delete()
