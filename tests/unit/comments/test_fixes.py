"""A fix is offered with one click only where applying it gives exactly the fix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.models import Finding
from lib.diffs import unified_diff
from notifications.fixes import fix_of_assistant, fix_of_rule
from notifications.messages import CommentPlace, FindingComment, Fix, StatusReport
from notifications.rendering import LONGEST, render_comment, render_status, wanted_place
from notifications.rendering.escaping import line
from notifications.rendering.fixes import Dialect, NoSuggestion, suggestion_for
from remediation.models import Autofix

FILE = "".join(f"line {number}\n" for number in range(1, 21))


def a_fix(after: str, *, before: str = FILE, path: str = "shop/orders.py", **fields: bool) -> Fix:
    """Return a verified fix of ours that turns one text into another."""
    diff = unified_diff(path, before, after)
    return fix_of_assistant(
        Autofix(organization_id=1, diff=diff, confidence="high", **{"is_verified": True, "is_shown": True, **fields})
    )


def body(
    fix: Fix, dialect: Dialect, *, line: int = 10, start_line: int | None = None, shares_line: bool = False
) -> str:
    """Return the comment with a fix that stands at some lines."""
    place = CommentPlace("shop/orders.py", line, start_line)
    message = FindingComment.example()
    return render_comment(replace(message, fix=fix, place=place, shares_line=shares_line), dialect=dialect)


def replaced(old: str, new: str) -> str:
    """Return the file with one text replaced."""
    assert old in FILE
    return FILE.replace(old, new)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (Dialect.GITHUB, "\n```suggestion\n\tsafe 10\n```\n"),
        (Dialect.GITLAB, "\n```suggestion:-0+0\n\tsafe 10\n```\n"),
    ],
)
def test_one_line_is_suggested_with_its_tab(dialect: Dialect, expected: str) -> None:
    assert expected in body(a_fix(replaced("line 10\n", "\tsafe 10\n")), dialect)


def test_github_is_given_every_line_of_the_comment_and_gitlab_how_far_they_reach() -> None:
    fix = a_fix(replaced("line 9\n", "safe 9\nand more\n"))

    on_github = body(fix, Dialect.GITHUB, start_line=8, line=10)
    on_gitlab = body(fix, Dialect.GITLAB, line=11)

    assert "\n```suggestion\nline 8\nsafe 9\nand more\nline 10\n```\n" in on_github
    assert "\n```suggestion:-2+0\nsafe 9\nand more\nline 10\nline 11\n```\n" in on_gitlab


def test_two_places_of_a_range_become_one_suggestion() -> None:
    fix = a_fix(replaced("line 9\n", "safe 9\n").replace("line 11\n", "safe 11\n"))

    assert "\n```suggestion\nsafe 9\nline 10\nsafe 11\n```\n" in body(fix, Dialect.GITHUB, start_line=9, line=11)


def test_a_line_put_in_and_lines_taken_out_are_suggested() -> None:
    put_in = a_fix(replaced("line 10\n", "line 10\nnew\n"))
    taken_out = a_fix(replaced("line 10\n", ""))

    assert "\n```suggestion\nline 10\nnew\n```\n" in body(put_in, Dialect.GITHUB)
    assert "\n```suggestion\n```\n" in body(taken_out, Dialect.GITHUB)


def test_a_fence_is_longer_than_any_inside() -> None:
    fix = a_fix(replaced("line 10\n", "````suggestion\nrm\n"))

    assert "\n`````suggestion\n````suggestion\nrm\n`````\n" in body(fix, Dialect.GITHUB)


def test_a_last_line_without_an_end_is_suggested_as_it_is() -> None:
    fix = a_fix("a\nsafe", before="a\nb")

    assert "\n```suggestion\nsafe\n```\n" in body(fix, Dialect.GITHUB, line=2)


IN_TWO_PLACES = replaced("line 10\n", "safe\n").replace("line 20\n", "safe\n")


@pytest.mark.parametrize(
    ("fix", "dialect", "why"),
    [
        (a_fix(replaced("line 2\n", "safe\n")), Dialect.GITHUB, "lines other than those"),
        (
            a_fix(replaced("line 10\n", "safe\n").replace("line 20\n", "safe\n")),
            Dialect.GITHUB,
            "lines other than those",
        ),
        (
            a_fix(replaced("line 10\n", "safe\n").replace("line 20\n", "safe\n")),
            Dialect.GITLAB,
            "around it are not known",
        ),
        (a_fix(replaced("line 10\n", "safe\n"), path="other.py"), Dialect.GITLAB, "does not stand on the lines"),
        (a_fix("line\r\nsafe\r\n", before="line\r\nold\r\n"), Dialect.GITLAB, "end in CR LF"),
        (a_fix("a\nb\n", before="a\nb"), Dialect.GITLAB, "how the file ends"),
        (a_fix(replaced("line 10\n", "a\u202eb\n")), Dialect.GITHUB, "characters that do not show"),
        (a_fix(replaced("line 10\n", "/close\n")), Dialect.GITLAB, "take one of its lines for a command"),
    ],
    ids=["elsewhere", "two-places", "unknown-between", "other-file", "crlf", "end-of-file", "hidden", "command"],
)
def test_what_cannot_be_applied_with_one_click_is_a_diff_and_says_why(fix: Fix, dialect: Dialect, why: str) -> None:
    written = body(fix, dialect)

    assert "```suggestion" not in written
    assert why in written
    assert "\n ```diff\n" in written


lines = st.lists(st.sampled_from(["a", "b", "\tc", "", "```", "/close"]), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(before=lines, after=lines, first=st.integers(1, 12), count=st.integers(0, 4), dialect=st.sampled_from(Dialect))
def test_applying_a_suggestion_gives_exactly_the_fix(
    before: list[str], after: list[str], first: int, count: int, dialect: Dialect
) -> None:
    last = min(first + count, len(before))
    first = min(first, last)
    fix = a_fix("".join(f"{one}\n" for one in after), before="".join(f"{one}\n" for one in before))
    message = replace(FindingComment.example(), fix=fix, place=CommentPlace("shop/orders.py", last, first))

    try:
        found = suggestion_for(message, dialect=dialect)
    except NoSuggestion:
        return

    assert [*before[: found.first_line - 1], *found.lines, *before[found.last_line :]] == after


def test_findings_that_share_a_line_are_not_suggested_over_each_other() -> None:
    written = body(a_fix(replaced("line 10\n", "safe\n")), Dialect.GITHUB, shares_line=True)

    assert "```suggestion" not in written
    assert "several findings share these lines" in written


def test_an_unverified_change_is_marked_and_never_suggested() -> None:
    written = body(a_fix(replaced("line 10\n", "safe\n"), is_verified=False), Dialect.GITLAB)

    assert "```suggestion" not in written
    assert "**Unverified change by the Assistant**" in written


def a_finding_with_fix(**fields: object) -> Finding:
    """Return a finding whose rule brings a fix, not stored."""
    values = {"path": "shop/orders.py", "start_line": 10, "end_line": 10, "start_column": 5, "end_column": 8}
    return Finding(organization_id=1, **{**values, "matched_lines": "x = md5(data)", "rule_fix": "sha256", **fields})


def test_the_rules_own_fix_replaces_what_it_matched() -> None:
    assert "\n```suggestion\nx = sha256(data)\n```\n" in body(fix_of_rule(a_finding_with_fix()), Dialect.GITHUB)


@pytest.mark.parametrize(
    "fields", [{"matched_lines": ""}, {"end_line": 11}, {"has_code": False}, {"end_column": 90}],
    ids=["no-lines", "too-few", "withheld", "too-short"],
)  # fmt: skip
def test_a_rules_fix_without_its_lines_is_shown_only(fields: dict[str, object]) -> None:
    written = body(fix_of_rule(a_finding_with_fix(**fields)), Dialect.GITHUB)

    assert "```suggestion" not in written
    assert "\n ```python\n sha256\n ```\n" in written


def test_a_comment_is_wanted_where_its_fix_changes_lines() -> None:
    message = replace(FindingComment.example(), start_line=10, end_line=10)
    near, far = a_fix(replaced("line 9\n", "safe\n")), a_fix(replaced("line 1\n", "safe\n"))

    assert wanted_place(replace(message, fix=near)) == (9, 10)
    assert wanted_place(replace(message, fix=far)) == (10, 10)


@pytest.mark.parametrize("size", [30_000, 70_000, 400_000])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_long_comment_is_shortened_part_by_part(dialect: Dialect, size: int) -> None:
    long = "`" * 3 + "ü" * size
    message = FindingComment.example()
    steps = tuple(replace(step, code=long) for step in message.steps)

    written = render_comment(replace(message, message=long, steps=steps, marker="<!-- m -->"), dialect=dialect)

    assert len(written.encode()) <= LONGEST[dialect]
    assert written.count("<details>") == written.count("</details>")
    assert ("This comment was shortened" in written) == ("Step-by-step" not in written)
    assert written.endswith("<!-- m -->\n")


@pytest.mark.parametrize(
    "text",
    [
        "The value isn't checked (see the docs), so 50% of users could read others' files.",
        "Use a placeholder; hand the value over as well-known parameters, e.g. a tuple.",
        "Größe prüfen – naïve Eingaben, 1,000 Zeichen!",
    ],
)
def test_ordinary_prose_stays_as_it_is(text: str) -> None:
    assert line(text) == text


def test_code_addresses_and_names_become_code() -> None:
    text = "Ask @alice: **never** call os.system(x) or `eval(x)`, see [here](https://example.com/a_b)."

    written = line(text)

    assert written == "Ask `@alice`: never call `os.system(x)` or `eval(x)`, see here (`https://example.com/a_b`)."


def test_a_check_of_many_findings_is_no_longer_than_the_host_takes() -> None:
    one = replace(StatusReport.example().findings[0], path="ü" * 400, rule="r" * 190)

    summary = render_status(StatusReport((one,) * 200, "https://a.example/")).summary

    assert len(summary.encode()) < 65_535
    assert "more stand in the list of findings." in summary
