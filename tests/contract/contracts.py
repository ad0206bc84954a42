"""Where a test finds a vendor's description: skipped where it is missing, but for continuous integration."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.contract.fetch_contracts import CONTRACTS


def contract(name: str) -> Any:
    """Return a fetched JSON description."""
    path = CONTRACTS / name
    if not path.exists():
        message = f"{name} is not there: run tests/contract/fetch_contracts.py"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return json.loads(path.read_text(encoding="utf-8"))
