"""The page assets of other projects: installed by npm, served by name, never committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.files.storage import FileSystemStorage

# served as (below STATIC_URL) -> file in node_modules
NAMED_ASSETS = {
    "vendor/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/uplot.min.css": "uplot/dist/uPlot.min.css",
    "vendor/uplot.min.js": "uplot/dist/uPlot.iife.min.js",
    "vendor/feather-sprite.svg": "feather-icons/dist/feather-sprite.svg",
}


class NamedAssetsFinder(BaseFinder):
    """Find the named files, so that nothing else of node_modules is ever served."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Warn when the assets have not been installed."""
        missing = [name for name in NAMED_ASSETS.values() if not (settings.NODE_MODULES / name).is_file()]
        if not missing:
            return []
        return [CheckWarning(f"page assets are missing ({missing[0]})", hint="run `make setup`", id="assistant.W001")]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return where a named asset lies."""
        source = NAMED_ASSETS.get(path.replace("\\", "/"))
        found = settings.NODE_MODULES / source if source else None
        if found is None or not found.is_file():
            return []
        return [str(found)] if find_all else str(found)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Any]]:
        """List each named asset with the storage that opens it."""
        storage = _NamedStorage(location=settings.NODE_MODULES)
        for name, source in NAMED_ASSETS.items():
            if (settings.NODE_MODULES / source).is_file():
                yield name, storage


class _NamedStorage(FileSystemStorage):
    """Opens an asset by the name it is served as."""

    prefix = ""

    def path(self, name: str) -> str:
        return str(Path(self.location) / NAMED_ASSETS.get(name, name))
