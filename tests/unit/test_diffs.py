"""Blocks are replaced exactly, and Git itself accepts every diff."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.diffs import (
    BlockNotFound,
    BlockNotUnique,
    EditsOverlap,
    Replacement,
    Row,
    RowKind,
    line_changes,
    replace_each,
    replace_once,
    unified_diff,
)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "core.autocrlf", "false"], cwd=tmp_path, check=True)
    return tmp_path


def applied(scratch: Path, files: dict[str, tuple[str, str]]) -> dict[str, str]:
    for path, (before, _) in files.items():
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        (scratch / path).write_bytes(before.encode())
    patch = "".join(unified_diff(path, before, after) for path, (before, after) in files.items())
    for arguments in (["--check"], []):
        subprocess.run(["git", "apply", *arguments, "-"], cwd=scratch, input=patch.encode(), check=True)
    return {path: (scratch / path).read_bytes().decode() for path in files}


def test_the_only_block_is_replaced() -> None:
    assert replace_once("a = 1\nb = 2\n", "b = 2", "b = 3") == "a = 1\nb = 3\n"


def test_a_block_that_is_not_there_is_refused_with_advice() -> None:
    with pytest.raises(BlockNotFound, match="copy the lines"):
        replace_once("a = 1\n", "c = 1", "c = 2")


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(BlockNotFound, match="empty"):
        replace_once("a = 1\n", "", "c = 2")


@pytest.mark.parametrize("text", ["x = 1\ny = 2\nx = 1\n", "x = 1x = 1"])
def test_a_block_that_stands_twice_is_refused_with_advice(text: str) -> None:
    with pytest.raises(BlockNotUnique, match="neighbouring lines"):
        replace_once(text, "x = 1", "x = 2")


def test_a_block_that_overlaps_itself_is_not_unique() -> None:
    with pytest.raises(BlockNotUnique):
        replace_once("aaa", "aa", "b")


def test_a_block_written_with_other_line_ends_is_found_and_the_files_own_are_kept() -> None:
    before = "one\r\ntwo\r\nthree\r\nfour\r\n"

    after = replace_once(before, "two\nthree\n", "2\n3\n3b\n")

    assert after == "one\r\n2\r\n3\r\n3b\r\nfour\r\n"


def test_new_lines_in_a_file_with_crlf_end_with_crlf() -> None:
    assert replace_once("one\r\ntwo\r\n", "two", "2\n3") == "one\r\n2\r\n3\r\n"


def test_blanks_before_a_line_end_do_not_hide_a_block() -> None:
    assert replace_once("one  \ntwo\nthree\n", "one\ntwo", "1\n2") == "1\n2\nthree\n"


def test_other_blanks_are_never_ignored() -> None:
    with pytest.raises(BlockNotFound):
        replace_once("if x:\n    y()\n    z()\n", "  y()\n  z()\n", "y()")


def test_line_ends_of_a_mixed_file_stay_as_they_are() -> None:
    assert replace_once("a\r\nb\nc\r\n", "b", "B") == "a\r\nB\nc\r\n"


def test_several_edits_are_all_looked_for_in_the_text_before() -> None:
    edits = [Replacement("b", "a"), Replacement("a", "b")]

    assert replace_each("a, b", edits) == "b, a"


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(EditsOverlap, match="join them"):
        replace_each("one\ntwo\nthree\n", [Replacement("one\ntwo", "1"), Replacement("two\nthree", "3")])


def test_edits_that_touch_are_applied() -> None:
    assert replace_each("one\ntwo\n", [Replacement("one\n", "1\n"), Replacement("two\n", "2\n")]) == "1\n2\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("a\nb\nc\n", "a\nB\nc\n", id="a plain change"),
        pytest.param("a\r\nb\r\nc\r\n", "a\r\nB\r\nnew\r\nc\r\n", id="lines that end with CR LF"),
        pytest.param("a\r\nb\nc\r\n", "a\nb\r\nc\r\n", id="mixed line ends"),
        pytest.param("a\nb", "a\nB", id="no newline at the end of either"),
        pytest.param("a\nb", "a\nb\n", id="a newline added at the end"),
        pytest.param("a\nb\n", "a\nb", id="the last newline removed"),
        pytest.param("a\nb\n", "", id="an empty result"),
        pytest.param("", "a\nb\n", id="an empty file filled"),
        pytest.param("", "a", id="an empty file filled without a newline"),
        pytest.param("\ta\n \tb\n", "\ta\n\tb \t\n", id="tabs and trailing blanks"),
        pytest.param("a\x0cb\u2028c\rd\n", "a\x0cB\u2028c\rd\n", id="characters that only Python calls line ends"),
        pytest.param("-- a\n++ b\n@@ c\n", "-- A\n++ b\n", id="lines that look like headers"),
        pytest.param("\n\n\n", "\n\n", id="blank lines only"),
    ],
)
def test_git_applies_the_diff(scratch: Path, before: str, after: str) -> None:
    assert applied(scratch, {"src/app.py": (before, after)}) == {"src/app.py": after}


@pytest.mark.parametrize(
    "path",
    ["plain.py", "with blank.py", "straße/größe.py", "tab\there.py", 'a "quote".py', "back\\slash.py", "日本.js"],
)
def test_git_finds_the_file_whatever_its_name(scratch: Path, path: str) -> None:
    assert applied(scratch, {path: ("a\n", "b\n")}) == {path: "b\n"}


def test_git_applies_the_diffs_of_several_files_joined(scratch: Path) -> None:
    files = {"a.py": ("1", "2"), "b/c d.py": ("x\r\n", "y\r\n"), "é.py": ("one\n", "")}

    assert applied(scratch, files) == {path: after for path, (_, after) in files.items()}


def test_changes_far_apart_become_two_hunks_that_git_applies(scratch: Path) -> None:
    before = "".join(f"line {number}\n" for number in range(60))
    after = before.replace("line 3\n", "").replace("line 50\n", "line 50\nnew\n")

    assert applied(scratch, {"long.py": (before, after)}) == {"long.py": after}
    assert len(line_changes(unified_diff("long.py", before, after))) == 2


def test_equal_texts_have_no_diff() -> None:
    assert unified_diff("a.py", "same\n", "same\n") == ""


def test_rows_carry_the_line_numbers_of_both_sides() -> None:
    (hunk,) = line_changes(unified_diff("a.py", "one\ntwo\nthree\n", "one\n2\n2b\nthree\n"))

    assert hunk.rows == (
        Row(RowKind.CONTEXT, 1, 1, "one"),
        Row(RowKind.REMOVED, 2, None, "two"),
        Row(RowKind.ADDED, None, 2, "2"),
        Row(RowKind.ADDED, None, 3, "2b"),
        Row(RowKind.CONTEXT, 3, 4, "three"),
    )


def test_rows_are_not_confused_by_lines_that_look_like_headers() -> None:
    (hunk,) = line_changes(unified_diff("a.sql", "-- drop\n@@ -1 +1 @@\n", "++ b/x\n"))

    assert [(row.kind, row.text) for row in hunk.rows] == [
        (RowKind.REMOVED, "-- drop"),
        (RowKind.REMOVED, "@@ -1 +1 @@"),
        (RowKind.ADDED, "++ b/x"),
    ]


def test_hunks_name_their_files_also_when_quoted() -> None:
    diff = unified_diff("größe.py", "a\n", "b\n") + unified_diff("with blank.py", "a\n", "b\n")

    assert [hunk.path for hunk in line_changes(diff)] == ["größe.py", "with blank.py"]


def test_rows_do_not_count_the_note_about_a_missing_newline() -> None:
    (hunk,) = line_changes(unified_diff("a.py", "a", "b"))

    assert [(row.kind, row.text) for row in hunk.rows] == [(RowKind.REMOVED, "a"), (RowKind.ADDED, "b")]


@given(
    before=st.lists(st.sampled_from(["a", "b", "", " ", "-- x"]), max_size=12),
    after=st.lists(st.sampled_from(["a", "b", "", " ", "-- x"]), max_size=12),
)
def test_the_rows_of_a_diff_rebuild_the_new_text(before: list[str], after: list[str]) -> None:
    old, new = "".join(f"{line}\n" for line in before), "".join(f"{line}\n" for line in after)

    rows = [row for hunk in line_changes(unified_diff("a", old, new)) for row in hunk.rows]
    removed = {row.old_number for row in rows if row.kind is RowKind.REMOVED}
    added = {row.new_number: row.text for row in rows if row.kind is RowKind.ADDED}
    kept = [line for number, line in enumerate(before, start=1) if number not in removed]
    for number in sorted(number for number in added if number is not None):
        kept.insert(number - 1, added[number])

    assert kept == after
