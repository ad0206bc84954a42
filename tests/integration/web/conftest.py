"""What all pages' tests need."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _static_root(settings: Settings, tmp_path: Path) -> None:
    # WhiteNoise warns of a folder that is not there, and pages are tested without `collectstatic`.
    settings.STATIC_ROOT = tmp_path
