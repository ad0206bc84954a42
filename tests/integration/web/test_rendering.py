from __future__ import annotations

import pytest

from assistant_platform.web.rendering import prose
from assistant_platform.web.rendering.code import coloured
from assistant_platform.web.rendering.diffs import hunks


@pytest.mark.parametrize("path", ["a.py", "b.php", "c.unknown", "d.java", "Dockerfile"])
@pytest.mark.parametrize("text", ["", "\n", "x = 1", "\n\nx = 1\n\n", "s = '''\nover\nlines'''\n", "a\r\nb"])
def test_coloured_code_has_the_lines_of_its_text(path: str, text: str) -> None:
    assert len(coloured(text, path)) == text.count("\n") + 1


@pytest.mark.parametrize("path", ["a.py", "b.html", "c.unknown", "d.js"])
def test_coloured_code_lets_no_markup_through(path: str) -> None:
    html = "".join(coloured("<img src=x onerror=alert(1)> & <b>", path))

    assert "<img" not in html
    assert "<b>" not in html


def test_a_very_long_line_is_shortened_and_says_so() -> None:
    [line] = coloured("x" * 5000, "a.min.js")

    assert len(line) < 1000
    assert "characters" in line


def test_a_diff_keeps_both_numberings() -> None:
    [hunk] = hunks("--- a/x.py\n+++ b/x.py\n@@ -8,3 +8,4 @@ def f():\n a\n-b\n+c\n+d\n e\n")

    assert hunk.path == "x.py"
    assert [(row.sign, row.old_number, row.new_number) for row in hunk.rows] == [
        (" ", 8, 8),
        ("-", 9, None),
        ("+", None, 9),
        ("+", None, 10),
        (" ", 10, 11),
    ]


def test_a_diff_of_several_files_and_hunks_is_read_whole() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d\n--- a/y\n+++ b/y\n@@ -1,0 +2 @@\n+e\n"

    assert [(hunk.path, len(hunk.rows)) for hunk in hunks(diff)] == [("x", 2), ("x", 2), ("y", 1)]


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    [hunk] = hunks("--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,2 @@\n--- a/b is a path\n+++ b/c\n select 1\n")

    assert [row.sign for row in hunk.rows] == ["-", "+", " "]


def test_a_file_without_an_end_of_line_is_read_too() -> None:
    [hunk] = hunks("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n")

    assert [row.sign for row in hunk.rows] == ["-", "+"]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[x](javascript:alert(1))", "href="),
        ("[x](data:text/html;base64,xx)", "href="),
        ("![x](https://example.com/pixel)", "<img"),
        ("<a href='https://example.com' onclick='x()'>y</a>", "<a href"),
        ("# Big", "<h1"),
    ],
)
def test_markdown_of_rules_is_harmless(text: str, gone: str) -> None:
    assert gone not in prose.markdown(text)


def test_markdown_of_rules_keeps_what_helps() -> None:
    html = prose.markdown("Use **parameters**: `execute(q, (x,))`, see [the docs](https://example.com/).")

    assert "<strong>parameters</strong>" in html
    assert "<code>execute(q, (x,))</code>" in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_text_of_models_makes_no_links_and_no_markup() -> None:
    html = prose.plain("See https://evil.example/ and [this](https://evil.example).\n\n<b>Or</b> `<i>`.")

    assert "<a" not in html
    assert "<b>" not in html
    assert "<code>&lt;i&gt;</code>" in html
    assert html.count("<p>") == 2


def test_the_start_of_a_message_is_plain_and_cut() -> None:
    assert prose.unmarked("Use **this** [way](https://x.example) of `it`.", most_characters=60) == "Use this way of it."
    assert prose.unmarked("word " * 50, most_characters=20) == "word word word word…"
