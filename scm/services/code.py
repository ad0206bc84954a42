"""Keeping the code that came with a scan, and saying where else it can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from orgs.models import Project
from scm.models import Blob, CodeFile, Repository

BATCH = 200


class FolderNotAllowed(Exception):
    """A folder that the operator has not opened for reading; the text says how to."""


def keep_files(*, project: Project, revision: str, files: Iterable[tuple[str, str]]) -> int:
    """Keep the files of a revision; a text that is known already is not stored again. Returns how many there were."""
    count = 0
    batch: list[tuple[str, str]] = []
    for entry in files:
        batch.append(entry)
        if len(batch) >= BATCH:
            count += _keep_batch(project, revision, batch)
            batch = []
    return count + _keep_batch(project, revision, batch)


def _keep_batch(project: Project, revision: str, batch: list[tuple[str, str]]) -> int:
    if not batch:
        return 0
    digests = {path: hashlib.sha256(text.encode()).digest() for path, text in batch}
    texts = {digests[path]: text for path, text in batch}
    Blob.objects.bulk_create(
        [Blob(digest=digest, text=text.replace("\0", "")) for digest, text in texts.items()], ignore_conflicts=True
    )
    blobs = {bytes(blob.digest): blob.pk for blob in Blob.objects.filter(digest__in=list(texts)).only("pk", "digest")}
    CodeFile.objects.bulk_create(
        [
            CodeFile(project=project, revision=revision, path=path, blob_id=blobs[digest])
            for path, digest in digests.items()
        ],
        update_conflicts=True,
        unique_fields=["project", "revision", "path"],
        update_fields=["blob", "kept_at"],
    )
    return len(batch)


def connect_folder(*, project: Project, folder: Path) -> Repository:
    """Let a project's code be read from a folder of this machine that the operator opened for it."""
    resolved = folder.resolve()
    if not any(resolved.is_relative_to(root) for root in settings.LOCAL_CODE_ROOTS):
        raise FolderNotAllowed(
            f"{folder} is not below a folder that the operator opened; add it to LOCAL_CODE_ROOTS and restart."
        )
    repository, _ = Repository.objects.update_or_create(project=project, defaults={"folder": str(resolved)})
    return repository


def forget_code(*, older_than: datetime) -> int:
    """Remove files that came with scans and were last sent before a time, and texts that no file has. Returns how many.

    A text that came again meanwhile, with another scan, stays. Works in batches, each a transaction of its own.
    """
    count = 0
    while True:
        with transaction.atomic():
            old = CodeFile.objects.filter(kept_at__lt=older_than).order_by("kept_at")
            some = dict(old.values_list("pk", "blob_id")[:BATCH])
            CodeFile.objects.filter(pk__in=list(some)).delete()
            unused = Blob.objects.filter(pk__in=set(some.values()))
            unused.exclude(Exists(CodeFile.objects.filter(blob=OuterRef("pk")))).delete()
        count += len(some)
        if len(some) < BATCH:
            return count
