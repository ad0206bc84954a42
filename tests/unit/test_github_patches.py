"""Which lines of a patch a comment can stand at, and where GitHub's API is."""

from __future__ import annotations

import pytest

from scm.adapters.github.addresses import api_address
from scm.adapters.github.patches import lines_shown


def test_lines_of_the_new_side_know_their_old_number() -> None:
    patch = "@@ -10,4 +20,5 @@ def view():\n ten\n-eleven\n+twenty-one\n+twenty-two\n twelve\n thirteen"

    assert lines_shown(patch) == {20: 10, 21: None, 22: None, 23: 12, 24: 13}


def test_several_hunks_are_read_one_after_the_other() -> None:
    patch = "@@ -1,2 +1,3 @@\n one\n+new\n two\n@@ -40,2 +41 @@\n forty\n-forty-one"

    assert lines_shown(patch) == {1: 1, 2: None, 3: 2, 41: 40}


@pytest.mark.parametrize(
    ("patch", "lines"),
    [
        ("", {}),
        ("@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file", {1: None, 2: None}),
        ("@@ -1,2 +0,0 @@\n-one\n-two", {}),
        ("@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+new\n\\ No newline at end of file", {1: None}),
        # What looks like the header of a file or of a hunk, and is neither.
        ("@@ -1,2 +1,2 @@\n--- a/x\n+++ b/x\n @@ -9,9 +9,9 @@", {1: None, 2: 2}),
        # A form feed and a lone carriage return end no line for Git; nor does what only looks like a line's end.
        ("@@ -1,2 +1,2 @@\n a\x0cb\n-c\r\n+c\x0bd\u2028e", {1: 1, 2: None}),
        # An empty context line whose blank was lost on the way.
        ("@@ -1,3 +1,3 @@\n a\n\n-b\n+c", {1: 1, 2: 2, 3: None}),
        # GitHub cuts a patch that is too long.
        ("@@ -1,9 +1,9 @@\n a\n b", {1: 1, 2: 2}),
    ],
)
def test_patches_of_every_kind(patch: str, lines: dict[int, int | None]) -> None:
    assert lines_shown(patch) == lines


@pytest.mark.parametrize(
    ("base_url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://www.github.com/", "https://api.github.com"),
        ("https://GitHub.com/", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://git.acme.example/", "https://git.acme.example/api/v3"),
        ("https://git.acme.example:8443", "https://git.acme.example:8443/api/v3"),
    ],
)
def test_the_api_is_where_the_kind_of_github_has_it(base_url: str, api: str) -> None:
    assert api_address(base_url) == api
