"""A comment of ours is found again by its sign, and by no other."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from notifications.marker import marker_for, read_marker


def sign() -> str:
    """Return the sign of one comment."""
    return marker_for("finding-7", organization_id=1, pull_request_id=2)


def test_a_sign_survives_what_is_written_around_it() -> None:
    body = f"somebody wrote this\r\n{sign()} and this <!-- assistant: finding-9 {'0' * 40} -->"

    assert read_marker(body, organization_id=1, pull_request_id=2) == "finding-7"


@pytest.mark.parametrize(("organization", "pull_request"), [(9, 2), (1, 9)])
def test_a_copied_sign_does_not_hold(organization: int, pull_request: int) -> None:
    assert read_marker(sign(), organization_id=organization, pull_request_id=pull_request) is None


@pytest.mark.parametrize("body", ["", "<!-- assistant: finding-7 -->", sign().replace("finding-7", "finding-8")])
def test_a_forged_sign_does_not_hold(body: str) -> None:
    assert read_marker(body, organization_id=1, pull_request_id=2) is None


def test_a_sign_of_a_former_secret_key_holds(settings: Settings) -> None:
    body = sign()

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]

    assert read_marker(body, organization_id=1, pull_request_id=2) == "finding-7"


def test_a_key_that_could_end_the_sign_is_refused() -> None:
    with pytest.raises(ValueError, match="is no key"):
        marker_for("x --> @y", organization_id=1, pull_request_id=2)
