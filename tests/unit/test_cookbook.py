"""Guidance without a model: the right entry and variant answer a finding, and name its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from findings.context import FindingContext, RuleContext, Span, TraceRole, TraceStep
from remediation.answers import GuidanceAnswer
from remediation.cookbook import guidance_for
from remediation.cookbook.entries import files_by_number
from remediation.cookbook.place import enclosing_function
from remediation.cookbook.technology import imported_modules
from remediation.cookbook.topic import topic_of


def finding(
    rule: str,
    path: str,
    source: str | None,
    *,
    line: int,
    cwe: Sequence[str] = (),
    technology: Sequence[str] = (),
    message: str = "It is wrong.",
    columns: tuple[int, int] = (1, 200),
    **more: Any,  # whatever else a context takes
) -> FindingContext:
    end = min(columns[1], len(source.splitlines()[line - 1]) + 1) if source else columns[1]
    return FindingContext(
        rule=RuleContext(
            identifier=rule, message=message, severity="ERROR", cwe=tuple(cwe), technology=tuple(technology)
        ),
        path=path,
        span=Span(line, columns[0], line, end),
        source=source,
        **more,
    )


def code_of(answer: GuidanceAnswer) -> str:
    return "\n".join(step.code for step in answer.steps)


class Case(NamedTuple):
    """A rule's match in a file, and code that the answer must then hold."""

    rule: str
    cwe: str
    path: str
    line: int
    source: str
    expected: str


CASES = {
    "python-sqlite3": Case(
        "python.lang.security.audit.formatted-sql-query",
        "CWE-89",
        "store/rows.py",
        3,
        source="""\
import sqlite3
def load(db, key):
    return db.execute(f'SELECT * FROM t WHERE k = {key}')
""",
        expected='WHERE email = ?", (email,)',
    ),
    "flask-rule-on-psycopg": Case(
        "python.flask.security.injection.tainted-sql-string",
        "CWE-704",
        "app/people.py",
        4,
        source="""\
import psycopg2
from flask import request
def find(cur):
    cur.execute('SELECT 1 WHERE a = ' + request.args['a'])
""",
        expected='WHERE email = %s", (email,)',
    ),
    "django-orm-by-its-call": Case(
        "python.django.security.audit.raw-query",
        "CWE-89",
        "shop/views.py",
        3,
        source="""\
from shop.models import Order
def show(request):
    return Order.objects.raw('SELECT * FROM o WHERE n = ' + request.GET['n'])
""",
        expected="User.objects.filter(email=email)",
    ),
    "sqlalchemy": Case(
        "python.sqlalchemy.security.sqlalchemy-execute-raw-query",
        "CWE-89",
        "core/report.py",
        3,
        source="""\
from sqlalchemy import text
def rows(session, year):
    return session.execute(text(f'SELECT * FROM r WHERE y = {year}'))
""",
        expected="select(User).where(User.email == email)",
    ),
    "node-pg": Case(
        "javascript.lang.security.audit.sqli.node-postgres-sqli",
        "CWE-89",
        "src/orders.js",
        3,
        source="""\
const { Pool } = require('pg');
const pool = new Pool();
pool.query('SELECT * FROM o WHERE id = ' + id);
""",
        expected="WHERE email = $1",
    ),
    "typescript-sequelize": Case(
        "javascript.sequelize.security.audit.sequelize-injection-express",
        "CWE-89",
        "src/users.ts",
        2,
        source="""\
import { Sequelize } from 'sequelize';
sequelize.query(`SELECT * FROM u WHERE n = '${name}'`);
""",
        expected="replacements: { email }",
    ),
    "java-jdbc": Case(
        "java.lang.security.audit.sqli.jdbc-sqli",
        "CWE-89",
        "src/main/java/Orders.java",
        4,
        source="""\
import java.sql.Connection;
class Orders {
    void f(Connection c, String n) {
        c.createStatement().execute("DELETE FROM o WHERE n = " + n);
    }
}
""",
        expected="connection.prepareStatement(sql)",
    ),
    "java-jpa": Case(
        "java.spring.security.injection.tainted-sql-string",
        "CWE-89",
        "src/main/java/People.java",
        4,
        source="""\
import javax.persistence.EntityManager;
class People {
    Object f(EntityManager em, String n) {
        return em.createQuery("FROM P WHERE n = '" + n + "'");
    }
}
""",
        expected="entityManager.createQuery(",
    ),
    "php-mysqli": Case(
        "php.lang.security.injection.tainted-sql-string",
        "CWE-89",
        "list.php",
        3,
        source="""\
<?php
$c = mysqli_connect($h, $u, $p);
mysqli_query($c, "SELECT * FROM t WHERE id = {$_GET['id']}");
""",
        expected="bind_param('s', $email)",
    ),
    "django-redirect": Case(
        "python.lang.security.audit.open-redirect",
        "CWE-601",
        "accounts/views.py",
        3,
        source="""\
from django.shortcuts import redirect
def after(request):
    return redirect(request.GET['next'])
""",
        expected="url_has_allowed_host_and_scheme",
    ),
    "express-response": Case(
        "javascript.express.security.audit.xss.direct-response-write",
        "CWE-79",
        "routes/hello.js",
        3,
        source="""\
const express = require('express');
app.get('/', (req, res) => {
  res.send('<b>' + req.query.n + '</b>');
});
""",
        expected='res.render("profile"',
    ),
    "lxml": Case(
        "python.lang.security.use-defused-xml-parse",
        "CWE-611",
        "feeds/read.py",
        3,
        source="""\
from lxml import etree
def read(path):
    return etree.parse(path)
""",
        expected="resolve_entities=False",
    ),
    "terraform-google-bucket": Case(
        "terraform.gcp.security.gcp-storage-bucket-uniform-access",
        "CWE-284",
        "storage.tf",
        1,
        source="""\
resource "google_storage_bucket" "b" {
  name = "b"
}
""",
        expected="google_storage_bucket",
    ),
    "dockerfile-user": Case(
        "dockerfile.security.missing-user",
        "CWE-269",
        "Dockerfile",
        2,
        source="""\
FROM debian:13
CMD ["run"]
""",
        expected="USER 10001",
    ),
    "github-actions": Case(
        "yaml.github-actions.security.run-shell-injection",
        "CWE-78",
        ".github/workflows/ci.yml",
        4,
        source="""\
jobs:
  a:
    steps:
      - run: echo ${{ github.event.issue.title }}
""",
        expected="TITLE: ${{ github.event.pull_request.title }}",
    ),
}


def test_a_rule_for_one_framework_on_a_file_of_another_gets_no_code_of_the_first() -> None:
    source = "from flask import request\ndef find(cur):\n    cur.execute('SELECT 1 WHERE a = ' + request.args['a'])\n"
    context = finding("python.django.security.tainted-sql-string", "a.py", source, line=3, technology=["django"])

    answer = guidance_for(context)

    assert "objects" not in code_of(answer)
    assert "cursor.execute(" in code_of(answer)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_code_fits_language_and_library(case: Case) -> None:
    context = finding(case.rule, case.path, case.source, line=case.line, cwe=[case.cwe])

    answer = guidance_for(context)

    assert case.expected in code_of(answer)


@pytest.mark.parametrize(
    ("rule", "cwe", "path", "number"),
    [
        ("python.django.security.injection.tainted-sql-string", ["CWE-915"], "a.py", 89),
        ("php.lang.security.injection.tainted-filename", ["CWE-918"], "a.php", 22),
        ("php.lang.security.exec-use", ["CWE-94"], "a.php", 78),
        ("python.lang.security.audit.exec-detected", ["CWE-78"], "a.py", 95),
        ("python.jwt.security.jwt-python-hardcoded-secret", ["CWE-522"], "a.py", 798),
        ("acme.orders.unchecked-total", ["CWE-20", "CWE-862"], "a.py", 862),
        ("acme.orders.unchecked-total", ["CWE-20"], "a.py", 20),
    ],
)
def test_the_rules_own_words_beat_wrong_or_wide_tags(rule: str, cwe: Sequence[str], path: str, number: int) -> None:
    context = finding(rule, path, "x = 1\n", line=1, cwe=cwe)

    assert topic_of(context.rule, context.language) == number


def test_the_summary_names_line_expression_and_function() -> None:
    source = "import sqlite3\n\ndef total_of(db, team):\n    return db.execute('SELECT 1 WHERE t = ' + team)\n"
    context = finding("python.lang.formatted-sql-query", "a.py", source, line=4, cwe=["CWE-89"], columns=(12, 60))

    answer = guidance_for(context)

    assert answer.summary.startswith("Line 4 (`db.execute('SELECT 1 WHERE t = ' + team)` in `total_of`) builds")


def test_a_matched_secret_is_not_repeated() -> None:
    source = "TOKEN = 'tok-4711-very-secret'\n"
    context = finding("generic.secrets.detected-generic-secret", "a.py", source, line=1, cwe=["CWE-798"])

    answer = guidance_for(context)

    assert "tok-4711-very-secret" not in answer.model_dump_json()


def test_a_secrets_rule_without_entry_repeats_nothing_either() -> None:
    source = "PIN = 'tok-4711-very-secret'\n"
    context = finding("acme.internal-pin", "a.py", source, line=1, technology=["secrets"])

    answer = guidance_for(context)

    assert "tok-4711-very-secret" not in answer.model_dump_json()


def test_without_the_source_the_path_is_named_and_the_language_still_chosen() -> None:
    context = finding("go.lang.security.audit.sqli.gosql-sqli", "db/load.go", None, line=17, cwe=["CWE-89"])

    answer = guidance_for(context)

    assert answer.summary.startswith("Line 17 of `db/load.go` builds")
    assert "db.QueryRowContext" in code_of(answer)


def test_a_language_without_code_gets_the_steps_in_words() -> None:
    context = finding("swift.sql-injection", "Store.swift", "let a = 1\n", line=1, cwe=["CWE-89"])

    answer = guidance_for(context)

    assert len(answer.steps) >= 3
    assert code_of(answer).strip() == ""


def test_kotlin_gets_java_code_and_is_told_so() -> None:
    source = "import java.sql.Connection\nfun f(c: Connection, n: String) {\n    c.createStatement().execute(n)\n}\n"
    context = finding("kotlin.lang.security.jdbc-sqli", "Orders.kt", source, line=3, cwe=["CWE-89"])

    answer = guidance_for(context)

    assert "Kotlin calls the same library" in answer.steps[0].text


def test_an_unknown_weakness_gets_general_advice_from_the_rules_message() -> None:
    message = "Sleeping in a request blocks the worker. Use a background job instead."
    context = finding("acme.no-sleep", "a.py", "time.sleep(5)\n", line=1, message=message)

    answer = guidance_for(context)

    assert answer.summary.startswith("General advice:")
    assert "Sleeping in a request blocks the worker." in answer.steps[0].text
    assert "Use a background job instead." in answer.steps[1].text


def test_a_cwe_without_entry_is_named_with_its_title() -> None:
    context = finding("acme.confusing", "a.py", "x = 1\n", line=1, cwe=["CWE-451"])

    answer = guidance_for(context)

    assert "User Interface (UI) Misrepresentation" in answer.steps[0].text


def test_a_rule_without_message_still_gets_steps() -> None:
    context = finding("acme.silent", "a.py", "x = 1\n", line=1, message="")

    answer = guidance_for(context)

    assert len(answer.steps) >= 3


@pytest.mark.parametrize("cwe", [["CWE-614"], []])
def test_the_rules_own_fix_is_offered(cwe: Sequence[str]) -> None:
    fix = "response.set_cookie('a', value, secure=True)"
    context = finding("acme.cookie", "a.py", "response.set_cookie('a', value)\n", line=1, cwe=cwe, rule_fix=fix)

    answer = guidance_for(context)

    assert any(step.code == fix and step.text.startswith("The rule brings a fix") for step in answer.steps)


@pytest.mark.parametrize(
    ("line", "columns", "place"),
    [
        ("app.run(debug=True)", (15, 19), "`True` on line 1"),
        ("client.get(url, verify=off)", (24, 27), "`off` on line 1"),
        ("cookie.set('a', value)", (1, 23), "`cookie.set('a', value)` on line 1"),
        ("x = " + "y" * 90, (5, 95), "the match"),
    ],
)
def test_the_rules_own_fix_names_what_it_replaces(line: str, columns: tuple[int, int], place: str) -> None:
    context = finding("acme.flag", "a.py", f"{line}\n", line=1, columns=columns, cwe=["CWE-614"], rule_fix="better")

    answer = guidance_for(context)

    assert f"in the place of {place}, then" in answer.steps[0].text


def test_a_trace_from_elsewhere_is_told_first() -> None:
    source = "def show(request):\n    name = request.GET['n']\n    query = 'SELECT ' + name\n    run(query)\n"
    trace = (
        TraceStep(TraceRole.SOURCE, "a.py", Span(2, 12, 2, 28), "request.GET['n']"),
        TraceStep(TraceRole.SINK, "a.py", Span(4, 5, 4, 15), "run(query)"),
    )
    context = finding("acme.sqli", "a.py", source, line=4, cwe=["CWE-89"], trace=trace)

    answer = guidance_for(context)

    assert "line 2 as `request.GET['n']` and arrives at line 4" in answer.steps[0].text


@pytest.mark.parametrize(
    ("source", "line", "name"),
    [
        ("class A:\n    async def load(\n        self,\n    ) -> int:\n        return eval(x)\n", 5, "load"),
        ("function draw(a) {\n  if (a) {\n    el.innerHTML = a;\n  }\n}\n", 3, "draw"),
        ("const save = async (req, res) => {\n  res.send(req.body);\n};\n", 2, "save"),
        (
            "class A {\n    public String show(String n) throws IOException\n    {\n        return n;\n    }\n}\n",
            4,
            "show",
        ),
        ("func (s *Store) Find(id string) error {\n\treturn s.run(id)\n}\n", 2, "Find"),
        ('resource "aws_lb" "web" {\n  internal = false\n}\n', 2, "aws_lb.web"),
        ("for name in ('a', 'b'):\n    load(name)\n", 2, ""),
    ],
)
def test_the_enclosing_function_is_found_by_indentation(source: str, line: int, name: str) -> None:
    assert enclosing_function(source.splitlines(), line) == name


@pytest.mark.parametrize(
    ("language", "source", "modules"),
    [
        ("python", "import os, sqlite3 as db\nfrom a.b import c\n", {"os", "sqlite3", "a.b"}),
        ("typescript", "import x from 'pg';\nconst y = require(\"node:fs\");\n", {"pg", "fs"}),
        ("go", 'import (\n\t"fmt"\n\tg "gorm.io/gorm"\n)\n', {"fmt", "gorm.io.gorm"}),
        ("php", "<?php\nuse Illuminate\\Http\\Request;\n", {"Illuminate.Http.Request"}),
    ],
)
def test_imports_are_read_in_each_language(language: str, source: str, modules: set[str]) -> None:
    assert imported_modules(source, language) == modules


def test_an_answer_stays_within_its_limits_with_the_longest_place() -> None:
    name = "n" * 60
    source = f"def {name}():\n    {'f' * 58}()\n"
    contexts = [
        finding("acme.x", "a.py", source, line=2, cwe=[f"CWE-{number}"], columns=(5, 200))
        for number in files_by_number()
    ]

    answers = [guidance_for(context) for context in contexts]

    assert len(answers) == len(files_by_number())
