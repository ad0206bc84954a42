"""Which command a reply holds."""

from __future__ import annotations

import pytest

from notifications.replies.parsing import LONGEST_TEXT, Command, Wish, command_in


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/fp constant", Command(Wish.FALSE_POSITIVE, "constant")),
        ("/FP  spaced   out ", Command(Wish.FALSE_POSITIVE, "spaced out")),
        ("/ar\tinternal only", Command(Wish.ACCEPTABLE_RISK, "internal only")),
        ("/other see @alice #1", Command(Wish.OTHER, "see @alice #1")),
        ("/open", Command(Wish.OPEN)),
        ("/open again", Command(Wish.OPEN, "again")),
        ("/assistant agree", Command(Wish.AGREE)),
        ("/assistant  disagree it is reachable", Command(Wish.DISAGREE, "it is reachable")),
        ("/semgrep assistant agree yes", Command(Wish.AGREE, "yes")),
        ("/semgrep assistant disagree", Command(Wish.DISAGREE)),
        ("/assistant remember clean() is safe", Command(Wish.REMEMBER, "clean() is safe")),
        ("/semgrep ignore not now", Command(Wish.OTHER, "not now")),
        ("/semgrep open", Command(Wish.OPEN)),
        ("/assistant", Command(Wish.UNCLEAR)),
        ("/assistant what?", Command(Wish.UNCLEAR, "what?")),
        ("Thanks!\r\n\r\n/fp a\r\nb\r\n\r\nmore", Command(Wish.FALSE_POSITIVE, "a b")),
        ("/fp one\n/ar two", Command(Wish.FALSE_POSITIVE, "one")),
        ("/fp", Command(Wish.FALSE_POSITIVE)),
        ("   /fp a", Command(Wish.FALSE_POSITIVE, "a")),
        ("```\ncode\n```\n/fp a", Command(Wish.FALSE_POSITIVE, "a")),
        ("/fp a\n```\ncode\n```\nb", Command(Wish.FALSE_POSITIVE, "a")),
    ],
)
def test_a_command_is_read_with_its_words(body: str, expected: Command) -> None:
    assert command_in(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "use /fp to ignore",
        "/fpx",
        "/fp: no",
        "/opened",
        "/close",
        "> /fp quoted",
        ">> /ar x",
        "    /fp code",
        "\t/fp code",
        "```\n/fp code\n```",
        "```\n/fp code",
        "~~~\n```\n/fp x\n~~~",
        "````\n```\n/fp x\n````",
        "- /fp item",
        "<!--\n/fp hidden\n-->",
        "<!-- /fp hidden -->",
        "`/fp x`",
        "\\/fp x",
        "/semgrep",
        "/ fp x",
        "\u200b/fp x",
    ],
)
def test_what_is_no_command_of_its_author_is_not_read(body: str) -> None:
    assert command_in(body) is None


def test_64_kilobytes_of_words_are_cut() -> None:
    command = command_in("/fp " + "word " * 13_000)

    assert command is not None
    assert len(command.text) <= LONGEST_TEXT
    assert command.text.endswith("…")


def test_which_commands_need_words() -> None:
    assert [wish for wish in Wish if Command(wish).lacks_text] == [
        Wish.FALSE_POSITIVE,
        Wish.ACCEPTABLE_RISK,
        Wish.OTHER,
        Wish.REMEMBER,
    ]
