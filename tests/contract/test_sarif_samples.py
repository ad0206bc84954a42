"""Our SARIF samples are SARIF, by the standard's own schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from django.conf import settings

from tests.contract.contracts import contract

SAMPLES = sorted((Path(settings.BASE_DIR) / "tests" / "payloads" / "sarif").glob("*.sarif"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_the_standards_schema(path: Path) -> None:
    schema = contract("sarif-2.1.0-rtm.5.json")
    validator = jsonschema.Draft4Validator(schema)

    problems = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in validator.iter_errors(json.loads(path.read_text()))
    ]

    assert problems == []


def test_the_schema_refuses_what_is_no_report() -> None:
    schema = contract("sarif-2.1.0-rtm.5.json")

    assert not jsonschema.Draft4Validator(schema).is_valid({"version": "2.1.0", "runs": [{"results": []}]})
