"""Files made in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


def bytes_file(text: str) -> BinaryIO:
    """Return a text as a file of its UTF-8 bytes."""
    return io.BytesIO(text.encode())


def zip_of(root: Path, files: Iterable[Path]) -> BinaryIO:
    """Return a zip of files, named by their place below `root`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(root).as_posix())
    packed.seek(0)
    return packed
