"""When the gathered styles and scripts have to be gathered again."""

from __future__ import annotations

import hashlib
from pathlib import Path


def static_files_stamp(checkout: Path) -> str:
    """Return a value that changes with the files that pages are served with."""
    sources = [checkout / "requirements.lock", checkout / "node_modules" / ".package-lock.json"]
    sources += sorted((checkout / "assistant_platform" / "web").rglob("assets.py"))
    sources += sorted((checkout / "assistant_platform" / "web" / "static").rglob("*"))
    digest = hashlib.sha256()
    for source in sources:
        if source.is_file():
            facts = source.stat()
            digest.update(f"{source} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
