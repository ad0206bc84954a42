"""What lies on this machine: Python and its packages, the pages' assets, room on the disks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import tempfile
import tomllib
from pathlib import Path

from django.conf import settings

from assistant_platform.diagnosis.check import Unwell
from assistant_platform.web.assets import NAMED_ASSETS

PACKAGE_NAME = re.compile(r"[A-Za-z0-9._-]+")
MEGABYTE = 1024 * 1024
# A cluster of PostgreSQL and an engine's scratch folder need that much before anybody's data does.
LEAST_FREE_MEGABYTES = 500


def python_packages() -> str:
    """Say which Python runs and that every package of pyproject.toml is installed."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    names = [found.group() for entry in wanted if (found := PACKAGE_NAME.match(entry))]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        raise Unwell(f"packages are missing: {', '.join(missing)}", remedy="python3 bootstrap.py setup")
    return f"{platform.python_version()}, {len(names)} packages installed"


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def page_assets() -> str:
    """Say that styles and icons can be served: gathered in STATIC_ROOT, or straight from node_modules in a test."""
    gathered: Path | None = settings.STATIC_ROOT
    if gathered is None:
        folder, names = settings.NODE_MODULES, list(NAMED_ASSETS.values())
        remedy = "python3 bootstrap.py setup"
    else:
        folder, names = gathered, list(NAMED_ASSETS)
        remedy = "python3 bootstrap.py setup, then manage.py collectstatic (`bootstrap.py run` does it)"
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise Unwell(f"{missing[0]} is not in {folder}", remedy=remedy)
    return f"in {folder}"


def disk_space() -> str:
    """Say how much room is left where the platform writes."""
    data = Path(os.environ.get("ASSISTANT_DATA") or settings.BASE_DIR)
    places = {str(folder) for folder in (data, Path(tempfile.gettempdir())) if folder.exists()}
    free = {place: shutil.disk_usage(place).free // MEGABYTE for place in sorted(places)}
    for place, megabytes in free.items():
        if megabytes < LEAST_FREE_MEGABYTES:
            raise Unwell(
                f"{place} has {megabytes} MB left", remedy=f"make room: {LEAST_FREE_MEGABYTES} MB at the least"
            )
    return ", ".join(f"{megabytes / 1024:.1f} GB free in {place}" for place, megabytes in free.items())
