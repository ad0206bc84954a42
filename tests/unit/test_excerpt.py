"""The lines of code that are shown for a finding."""

from __future__ import annotations

import re

import pytest

from findings.context import FindingContext, RuleContext, Span, TraceRole, TraceStep
from triage.excerpt import Excerpt, Reason, around

RULE = RuleContext("rules.sample", "A message.", "ERROR")


def finding(
    path: str, source: str | None, line: int, end_line: int = 0, *, trace: tuple[TraceStep, ...] = (), column: int = 1
) -> FindingContext:
    span = Span(line, column, end_line or line, column + 1)
    return FindingContext(RULE, path, span, source, trace=trace)


def step(role: TraceRole, path: str, line: int, text: str) -> TraceStep:
    return TraceStep(role, path, Span(line, 1, line, 2), text)


def shown(excerpt: Excerpt, why: Reason) -> list[int]:
    return [
        number
        for segment in excerpt.segments
        if segment.why is why
        for number in range(segment.start_line, segment.end_line + 1)
    ]


def line_of(source: str, needle: str) -> int:
    return source[: source.index(needle)].count("\n") + 1


VIEW = """import json
import os
from shop.store import find_order

LIMIT = 10


def show_order(request):
    number = request.args["number"]
    return json.dumps(find_order(number))


def close_order(request):
    return os.getcwd()
"""

HANDLER = """const fs = require("fs");
const express = require("express");

const app = express();

app.get("/report", (req, res) => {
  const name = req.query.name;
  res.send(fs.readFileSync(name));
});
"""

SERVICE = """package shop;

import java.util.List;
import java.io.File;

class Reports {
  File open(String name) {
    return new File(name);
  }

  List<String> names() {
    return null;
  }
}
"""


@pytest.mark.parametrize(
    ("path", "source", "match", "lines", "name"),
    [
        ("shop/views.py", VIEW, "json.dumps", [8, 9, 10], "show_order"),
        ("server.js", HANDLER, "readFileSync", [6, 7, 8, 9], 'app.get("/report")'),
        ("src/Reports.java", SERVICE, "new File", [7, 8, 9], "Reports.open"),
    ],
)
def test_the_enclosing_function_is_shown_with_its_name(
    path: str, source: str, match: str, lines: list[int], name: str
) -> None:
    excerpt = around(finding(path, source, line_of(source, match)))

    assert shown(excerpt, Reason.FUNCTION) == lines
    assert excerpt.enclosing_function == name


def test_imports_are_shown_above_the_function() -> None:
    excerpt = around(finding("shop/views.py", VIEW, line_of(VIEW, "json.dumps")))

    assert shown(excerpt, Reason.IMPORTS) == [1, 2, 3]
    assert excerpt.segments[0].why is Reason.IMPORTS


def test_of_many_imports_those_the_code_uses_come_first() -> None:
    unused = "\n".join(f"import unused_{number}" for number in range(30))
    source = f"{unused}\nimport tomllib\n\ndef read(text):\n    return tomllib.loads(text)\n"

    excerpt = around(finding("reader.py", source, 34))

    assert 31 in shown(excerpt, Reason.IMPORTS)
    assert len(shown(excerpt, Reason.IMPORTS)) <= 12


def test_an_import_over_several_lines_is_shown_whole_or_not_at_all() -> None:
    source = "from store import (\n    find,\n    save,\n)\n\n\ndef show(number):\n    return find(number)\n"

    excerpt = around(finding("views.py", source, 8))

    assert shown(excerpt, Reason.IMPORTS) == [1, 2, 3, 4]


def long_function(before: int, after: int) -> str:
    head = 'def run(request):\n    name = request.args["name"]\n    path = folder + name\n'
    return head + "    wait()\n" * before + "    return open(path)\n" + "    rest()\n" * after


def test_a_long_function_keeps_its_signature_the_match_and_what_leads_to_it() -> None:
    source = long_function(100, 100)
    match = line_of(source, "open(path)")

    lines = shown(around(finding("run.py", source, match)), Reason.FUNCTION)

    assert {1, 2, 3, match} <= set(lines)
    assert len(lines) <= 60


def test_a_long_function_keeps_the_lines_of_the_dataflow() -> None:
    source = long_function(200, 10)
    trace = (step(TraceRole.SOURCE, "run.py", 50, "wait()"), step(TraceRole.SINK, "run.py", 204, "open(path)"))

    lines = shown(around(finding("run.py", source, 204, trace=trace)), Reason.FUNCTION)

    assert 50 in lines


def test_what_is_left_out_is_said() -> None:
    source = long_function(100, 0)

    text = around(finding("run.py", source, line_of(source, "open(path)"))).as_text()

    assert re.search(r"… \d+ lines left out …", text)


@pytest.mark.parametrize("max_lines", [20, 60, 200])
def test_more_lines_are_shown_on_request(max_lines: int) -> None:
    source = long_function(300, 300)

    excerpt = around(finding("run.py", source, line_of(source, "open(path)")), max_lines=max_lines)

    assert excerpt.line_count == max_lines


CALLING = """def tidy(name):
    return name.replace("/", "")


def unrelated(name):
    return name


def read(request):
    wanted = tidy(request.args["name"])
    unrelated(1)
    return open(wanted)
"""


def test_the_definition_of_a_function_on_the_way_is_shown() -> None:
    excerpt = around(finding("files.py", CALLING, 12))

    assert shown(excerpt, Reason.CALLED) == [1, 2]


def test_a_long_definition_is_not_shown() -> None:
    source = CALLING.replace("def tidy(name):\n", "def tidy(name):\n" + "    pause()\n" * 60)

    excerpt = around(finding("files.py", source, line_of(source, "open(wanted)")))

    assert shown(excerpt, Reason.CALLED) == []


TERRAFORM = "\n".join(
    f'resource "store" "papers_{number}" {{\n' + "".join(f"  key_{key} = {key}\n" for key in range(20)) + "}\n"
    for number in range(10)
)


def test_a_block_of_configuration_is_shown_whole() -> None:
    excerpt = around(finding("main.tf", TERRAFORM, 30))

    assert shown(excerpt, Reason.BLOCK) == list(range(24, 46))
    assert excerpt.enclosing_function == "resource.store.papers_1"


def test_a_build_stage_of_a_dockerfile_is_shown_whole() -> None:
    stages = [f"FROM base:{number}\n" + "RUN make\n" * 30 for number in range(3)]

    excerpt = around(finding("Dockerfile", "".join(stages), 40))

    assert shown(excerpt, Reason.BLOCK) == list(range(32, 63))


@pytest.mark.parametrize("path", ["page.unknown", "page.html", "notes.lua"])
def test_without_a_block_the_lines_around_the_match_are_shown(path: str) -> None:
    excerpt = around(finding(path, "word\n" * 500, 250))

    lines = shown(excerpt, Reason.WINDOW)
    assert len(lines) == 60
    assert lines[0] < 230
    assert lines[-1] > 270


def test_a_script_without_functions_shows_where_a_value_comes_from() -> None:
    source = '<?php\n$name = $_GET["name"];\n' + "step();\n" * 100 + "echo $name;\n" + "step();\n" * 100

    lines = shown(around(finding("page.php", source, 103)), Reason.WINDOW)

    assert {2, 103} <= set(lines)


def test_a_short_file_is_shown_whole() -> None:
    excerpt = around(finding("settings.py", "DEBUG = True\nHOSTS = []\n", 1))

    assert shown(excerpt, Reason.WINDOW) == [1, 2]


def test_the_lines_of_a_step_in_another_file_are_shown() -> None:
    trace = (step(TraceRole.SOURCE, "input.py", 5, "read()"), step(TraceRole.SINK, "app.py", 1, "run(x)"))
    context = FindingContext(
        RULE, "app.py", Span(1, 1, 1, 5), "run(x)\n", trace=trace, read_file={"input.py": "line\n" * 20}.get
    )

    segment = next(segment for segment in around(context).segments if segment.path == "input.py")

    assert (segment.start_line, segment.end_line, segment.why) == (3, 7, Reason.TRACE)


def test_the_dataflow_is_listed_even_without_the_file() -> None:
    trace = (step(TraceRole.SOURCE, "app.py", 3, "request.args"),)

    excerpt = around(finding("app.py", None, 3, trace=trace))

    assert excerpt.segments == ()
    assert "source: app.py:3 request.args" in excerpt.as_text()


def test_the_text_numbers_every_line_and_marks_the_match() -> None:
    text = around(finding("settings.py", "DEBUG = True\nHOSTS = []\n", 2)).as_text()

    assert text.splitlines() == ["settings.py (lines around the match)", "     1 | DEBUG = True", ">    2 | HOSTS = []"]


def test_a_file_that_lost_the_line_gives_an_empty_excerpt() -> None:
    assert around(finding("app.py", "one = 1\n", 40)).segments == ()


def test_a_match_that_ends_beyond_the_file_ends_with_the_file() -> None:
    assert around(finding("app.py", "one = 1\ntwo = 2\n", 2, 90)).line_count == 2


@pytest.mark.parametrize(
    "source",
    [
        "\ufeffdef one(x):\n    return x\n",
        "def one(x):\r\n    return x\r\n",
        "def one(x):\n\treturn x\n",
        "def one(x):\n    return x\n\ndef broken(:\n",
    ],
)
def test_marks_line_ends_tabs_and_errors_elsewhere_do_no_harm(source: str) -> None:
    excerpt = around(finding("one.py", source, 2))

    assert excerpt.enclosing_function == "one"
    assert [line.strip() for line in excerpt.segments[0].lines[:2]] == ["def one(x):", "return x"]


def test_a_form_feed_does_not_shift_the_lines() -> None:
    source = "import os\n\x0c\ndef one(x):\n    return os.stat(x)\n"

    excerpt = around(finding("one.py", source, 4))

    assert excerpt.segments[-1].lines[-1] == "    return os.stat(x)"


def test_an_endless_line_is_cut_around_the_match() -> None:
    source = "a" * 2_000_000 + "eval(x)" + "b" * 3_000_000

    excerpt = around(finding("app.min.js", source, 1, column=2_000_001))

    assert "eval(x)" in excerpt.as_text()
    assert len(excerpt.as_text()) < 1000


def test_characters_that_do_not_show_are_marked() -> None:
    excerpt = around(finding("app.py", "name = 'a\u202eb\u200b\x00c'\n", 1))

    assert excerpt.segments[0].lines == ("name = 'a\ufffdb\ufffd\ufffdc'",)


def test_a_match_longer_than_the_excerpt_shows_its_ends() -> None:
    source = "class Wide:\n" + "    x = 1\n" * 400

    lines = shown(around(finding("wide.py", source, 1, 401)), Reason.WINDOW)

    assert {1, 401} <= set(lines)
    assert len(lines) <= 60


def test_what_a_shown_definition_belongs_to_is_not_shown_twice() -> None:
    source = "def outer(x):\n    def inner(y):\n        return y\n    return inner(x)\n"

    excerpt = around(finding("nest.py", source, 4))

    assert excerpt.line_count == 4
