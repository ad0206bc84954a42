"""What was uploaded with a scan, kept in the database in compressed chunks until it has been ingested."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zlib
from datetime import datetime
from functools import partial
from typing import IO

from django.db import transaction

from findings.models import Scan, UploadChunk, UploadKind
from lib.sequences import batched

CHUNK_BYTES = 1024 * 1024
CHUNKS_PER_INSERT = 8
CHUNKS_PER_DELETE = 200
IN_MEMORY_BYTES = 8 * 1024 * 1024


class UploadRefused(Exception):
    """What was handed in with a scan cannot be used; the text says what, why, and what to do."""


def refuse_too_large(upload: IO[bytes], *, what: str, max_bytes: int, remedy: str) -> None:
    """Raise UploadRefused where a file is larger than allowed; it is left at its start."""
    size = upload.seek(0, io.SEEK_END)
    upload.seek(0)
    if size > max_bytes:
        raise UploadRefused(
            f"The {what} is {size / 1024**2:,.1f} MB large; at most {max_bytes / 1024**2:,.0f} MB are taken. {remedy}"
        )


def digest_of(*uploads: IO[bytes] | None, described_by: tuple[str, ...]) -> bytes:
    """Return 32 bytes that stand for uploads and the words that describe them; the files are left at their start."""
    digest = hashlib.sha256("\0".join(described_by).encode())
    for upload in uploads:
        digest.update(b"\0file\0")
        if upload is not None:
            while block := upload.read(CHUNK_BYTES):
                digest.update(block)
            upload.seek(0)
    return digest.digest()


def keep(scan: Scan, kind: UploadKind, upload: IO[bytes]) -> None:
    """Store an upload; the transaction of the scan's own row makes it all or nothing."""
    blocks = enumerate(iter(partial(upload.read, CHUNK_BYTES), b""))
    for some in batched(blocks, CHUNKS_PER_INSERT):
        UploadChunk.objects.bulk_create(
            UploadChunk(scan=scan, kind=kind, number=number, content=zlib.compress(block, 1)) for number, block in some
        )


def open_upload(scan: Scan, kind: UploadKind) -> IO[bytes] | None:
    """Return an upload as a seekable file, in memory while small; None where there was none."""
    chunks = UploadChunk.objects.filter(scan=scan, kind=kind).order_by("number")
    if not chunks.exists():
        return None
    # The caller closes it; a temporary file is gone with its handle.
    copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115
    for content in chunks.values_list("content", flat=True).iterator(chunk_size=CHUNKS_PER_INSERT):
        copy.write(zlib.decompress(bytes(content)))
    copy.seek(0)
    return copy


def forget(scan: Scan) -> None:
    """Drop what was uploaded, once it has been ingested."""
    UploadChunk.objects.filter(scan=scan).delete()


def forget_old(*, older_than: datetime) -> int:
    """Drop uploads of scans received before a time, which are those that could not be read. Returns how many chunks."""
    count = 0
    while True:
        with transaction.atomic():
            old = UploadChunk.objects.filter(scan__received_at__lt=older_than).order_by("pk")
            some = list(old.values_list("pk", flat=True)[:CHUNKS_PER_DELETE])
            UploadChunk.objects.filter(pk__in=some).delete()
        count += len(some)
        if len(some) < CHUNKS_PER_DELETE:
            return count


def is_kept(scan: Scan) -> bool:
    """Tell whether what was uploaded with a scan is still stored."""
    return UploadChunk.objects.filter(scan=scan).exists()
