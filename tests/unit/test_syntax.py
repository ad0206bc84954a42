"""Trees, lines, and the names of what a line stands in."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.syntax import definition_of, enclosing_scope, enclosing_scopes, error_count, lines_of, parse
from lib.syntax.trees import GRAMMARS

SOUND = {
    "bash": "greet() {\n  echo hi\n}\n",
    "c": "int main(void) {\n  return 0;\n}\n",
    "cpp": "class Box {\n  int size() { return 1; }\n};\n",
    "csharp": "class Box {\n  int Size() { return 1; }\n}\n",
    "go": "package box\n\nfunc Size() int {\n\treturn 1\n}\n",
    "html": "<ul>\n<li>one</li>\n</ul>\n",
    "java": "class Box {\n  int size() { return 1; }\n}\n",
    "javascript": "const view = () => <b>one</b>;\n",
    "json": '{"size": [1, 2]}\n',
    "kotlin": "class Box {\n    fun size(): Int {\n        return 1\n    }\n}\n",
    "php": "<?php\nfunction size() { return 1; }\n",
    "python": "def size():\n    return f'{1!r}'\n",
    "ruby": "def size\n  1\nend\n",
    "rust": "fn size() -> i32 { 1 }\n",
    "scala": "object Box { def size = 1 }\n",
    "swift": "func size() -> Int { return 1 }\n",
    "terraform": 'resource "box" "one" {\n  size = 1\n}\n',
    "tsx": "const view = (name: string) => <b>{name}</b>;\n",
    "typescript": "function size(of: string): number { return of.length; }\n",
    "yaml": "box:\n  - size: 1\n",
}

BROKEN = [
    ("python", "def size(:\n    return 1\n"),
    ("java", "class Box { int size( { return 1; } }\n"),
    ("go", "package box\nfunc Size( {\n"),
    ("c", "int size(void) { return 1 }\n"),
    ("javascript", "const view = (() => { return 1;\n"),
    ("json", '{"size": [1, 2}\n'),
]


def test_every_language_with_a_grammar_has_a_sample_here() -> None:
    assert SOUND.keys() == GRAMMARS.keys()


@pytest.mark.parametrize("language", sorted(SOUND))
def test_sound_code_has_no_errors(language: str) -> None:
    assert error_count(SOUND[language], language) == 0


@pytest.mark.parametrize(("language", "text"), BROKEN)
def test_broken_code_has_errors(language: str, text: str) -> None:
    count = error_count(text, language)

    assert count is not None
    assert count > 0


def test_typescript_with_markup_in_a_ts_file_is_sound() -> None:
    assert error_count("const view = () => <p>{1}</p>;\n", "typescript") == 0


def test_an_old_style_type_assertion_is_sound_typescript() -> None:
    assert error_count("const size = <number>read();\n", "typescript") == 0


def test_a_header_with_classes_is_sound() -> None:
    assert error_count("class Box {\n public:\n  int size;\n};\n", "c") == 0


@pytest.mark.parametrize("language", ["dockerfile", "generic", "cobol"])
def test_a_language_without_a_grammar_has_no_tree(language: str) -> None:
    assert parse("FROM base\n", language) is None
    assert error_count("FROM base\n", language) is None


def test_a_megabyte_of_text_is_not_parsed() -> None:
    assert parse("x = 1\n" * 200_000, "python") is None


@pytest.mark.parametrize("text", ["\ufeffsize = 1\n", "size = 1\r\nif size:\r\n\tsize = 2\r\n", "", "\n\n"])
def test_marks_line_ends_and_emptiness_are_no_errors(text: str) -> None:
    assert error_count(text, "python") == 0


@pytest.mark.parametrize("text", ["\x00\x01\x02 ÿþ", "\ud800 lone", "((((" * 50])
def test_anything_can_be_parsed(text: str) -> None:
    assert parse(text, "python") is not None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("csharp", "<a>\n" * 20_000),
        ("python", "x = " + "[" * 9000 + "]" * 9000),
        ("javascript", "{" * 9000 + "}" * 9000),
    ],
)
def test_absurd_nesting_is_not_parsed(language: str, text: str) -> None:
    assert parse(text, language) is None


def test_what_a_grammar_cannot_read_in_time_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.syntax.trees.LONGEST_PARSE_SECONDS", 0.0)

    assert parse("size = [1, 2]\n" * 5000, "python") is None


def test_the_text_of_a_node_is_whole_in_a_long_file() -> None:
    text = "size = 1\n" * 3000 + f"name = '{'é' * 5000}'\n"

    tree = parse(text, "python")

    assert tree is not None
    assert tree.root_node.text == text.encode()


def test_ordinary_nesting_in_a_long_file_is_parsed() -> None:
    assert parse(("[" * 40 + "]" * 40 + "\n") * 500, "python") is not None


def test_a_missing_part_that_the_grammar_hides_is_an_error() -> None:
    assert error_count("<a>\n<a>\n", "csharp") != 0


def test_many_threads_parse_at_once() -> None:
    texts = [f"def size_{number}():\n    return {number}\n" for number in range(200)]

    with ThreadPoolExecutor(16) as pool:
        scopes = list(pool.map(lambda text: enclosing_scope(text, "python", 2), texts))

    assert scopes == [f"size_{number}" for number in range(200)]


def test_only_line_feeds_end_lines() -> None:
    assert lines_of("one\r\ntwo\x0cstill two\u2028still two\nthree") == [
        "one",
        "two\x0cstill two\u2028still two",
        "three",
    ]


def test_a_final_line_feed_starts_no_line_and_a_byte_order_mark_is_no_text() -> None:
    assert lines_of("\ufeffone\n") == ["one"]
    assert lines_of("") == []


# In each text the lines ending in a mark `@name` stand in the scope of that name; the mark is a comment or a string.
NAMED = [
    (
        "python",
        """
class Account:
    @route("/close")  #@Account.close
    def close(self, reason):  #@Account.close
        def note():
            return reason  #@Account.close.note
        return note  #@Account.close
limit = 5  #@
""",
    ),
    (
        "typescript",
        """
class Accounts {
  @Get("close")  //@Accounts.close
  close(@Query() reason: string) {  //@Accounts.close
    return reason;  //@Accounts.close
  }
  open = (name) => {
    return name;  //@Accounts.open
  };
}
router.post("/accounts", check, async (request, reply) => {
  reply.send(request.body);  //@router.post("/accounts")
});
exports.shut = function (name) {
  return name;  //@exports.shut
};
const handlers = {
  reset: () => {
    start();  //@reset
  },
};
""",
    ),
    (
        "java",
        """
class Account {
  Account() {
    open();  //@Account.Account
  }
  @Post("/close")  //@Account.close
  int close(String reason) {
    return code(reason);  //@Account.close
  }
}
""",
    ),
    (
        "go",
        """
package bank
func (a *Account) Close(reason string) error {
	return a.note(reason) //@Account.Close
}
func Open() {
	start() //@Open
}
""",
    ),
    (
        "php",
        """<?php
class Account {
  public function close($reason) {
    return $this->note($reason);  //@Account.close
  }
}
$open = function ($name) {
  return $name;  //@$open
};
""",
    ),
    (
        "ruby",
        """
class Account
  def close(reason)
    note(reason) #@Account.close
  end
end
post "/accounts" do
  params[:name] #@post("/accounts")
end
""",
    ),
    (
        "csharp",
        """
namespace Bank {
  class Account {
    public int Balance {
      get {
        return Sum();  //@Account.Balance
      }
    }
    [HttpPost]  //@Account.Close
    public int Close(string reason) {
      return Note(reason);  //@Account.Close
    }
  }
}
""",
    ),
    (
        "kotlin",
        """
class Account {
    fun close(reason: String): Int {
        return note(reason)  //@Account.close
    }
}
""",
    ),
    (
        "cpp",
        """
int Account::close(const char *reason) {
  return note(reason);  //@Account::close
}
char *title() {
  return name;  //@title
}
""",
    ),
    (
        "rust",
        """
impl Account {
    #[post("/close")]  //@Account.close
    fn close(&self) {
        self.note();  //@Account.close
    }
}
""",
    ),
    (
        "terraform",
        """
resource "store" "papers" {
  open = true  #@resource.store.papers
  log {
    on = false  #@resource.store.papers.log
  }
}
""",
    ),
    (
        "yaml",
        """
jobs:
  build:
    steps:
      - run: make  #@jobs.build.steps
        env:
          mode: fast  #@jobs.build.steps.env
""",
    ),
]


@pytest.mark.parametrize(("language", "text"), NAMED, ids=[language for language, _ in NAMED])
def test_a_line_is_named_after_what_it_stands_in(language: str, text: str) -> None:
    expected = {
        number: mark[1] for number, line in enumerate(lines_of(text), 1) if (mark := re.search(r"@([^@]*)$", line))
    }

    assert enclosing_scopes(text, language, expected) == expected


def test_a_line_beyond_the_file_and_an_unparsed_file_have_no_scope() -> None:
    assert enclosing_scope("def size():\n    return 1\n", "python", 99) == ""
    assert enclosing_scope("def size():\n    return 1\n", "generic", 2) == ""


def test_a_scope_is_found_beside_a_syntax_error() -> None:
    text = "def sound():\n    return 1\n\ndef broken(:\n    return 2\n"

    assert enclosing_scope(text, "python", 2) == "sound"


DEFINED = [
    ("python", "def tidy(x):\n    return x\n\ndef show():\n    return tidy(1)\n", (1, 2)),
    ("javascript", "show(tidy(1));\nconst tidy = (x) => {\n  return x;\n};\n", (2, 4)),
    ("php", "<?php\nshow(tidy(1));\nfunction tidy($x) {\n  return $x;\n}\n", (3, 5)),
    ("c", "int show(void) { return tidy(1); }\nstatic char *tidy(int x) {\n  return 0;\n}\n", (2, 4)),
    ("go", "package a\nfunc (s *Shop) tidy(x int) int {\n\treturn x\n}\n", (2, 4)),
]


@pytest.mark.parametrize(("language", "text", "lines"), DEFINED)
def test_a_definition_is_found_by_its_name(language: str, text: str, lines: tuple[int, int]) -> None:
    tree = parse(text, language)
    assert tree is not None

    definition = definition_of(tree, language, "tidy")

    assert definition is not None
    assert (definition.start_line, definition.end_line) == lines


@pytest.mark.parametrize("name", ["missing", "x", "show_all"])
def test_a_name_that_is_only_used_has_no_definition(name: str) -> None:
    tree = parse("def tidy(x):\n    return missing(show_all(x))\n", "python")
    assert tree is not None

    assert definition_of(tree, "python", name) is None
