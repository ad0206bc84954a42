"""Facts that show safety: variants in which each is found, and near misses in which nothing is."""

from __future__ import annotations

import pytest

from tests.unit.facts.marked import (
    CODE,
    COMMAND,
    MD5,
    PATH,
    PICKLE,
    SCRIPT_COOKIE,
    SECRET,
    SECURE_COOKIE,
    SQL,
    XSS,
    Case,
    facts_in,
    named,
    strong_safe_kinds_in,
)
from triage.facts import FactKind

STRONGLY_SAFE: list[Case] = [
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "jobs/list.py", 'import os\n«os.system("ls " + "-l")»\n'),
    (FactKind.CONSTANT_ARGUMENT, CODE, "lib/calc.js", "const f = '2 * 3';\n«eval(f)»;\n"),
    (FactKind.CONSTANT_ARGUMENT, SQL, "db/find.go", 'package db\nfunc all() { «db.Query("SELECT 1")» }\n'),
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "bin/run.php", "<?php\n«shell_exec('uptime')»;\n"),
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "app/run.rb", "«system('uptime')»\n"),
    (FactKind.KNOWN_ENCODER, XSS, "a/b.py",
     ("from flask import request, make_response\nimport bleach\ndef f():\n"
      "    return «make_response(bleach.clean(request.args['a']))»\n")),
    (FactKind.KNOWN_ENCODER, XSS, "a/b.js",
     "import he from 'he';\nexport const f = (req, res) => {\n  «res.send(he.encode(req.query.a))»;\n};\n"),
    (FactKind.KNOWN_ENCODER, XSS, "a/B.java",
     ("class B { void a(HttpServletRequest q, Writer w) {\n"
      '  «w.write(HtmlUtils.htmlEscape(q.getParameter("a")))»; } }\n')),
    (FactKind.NUMERIC_CONVERSION, SQL, "a/b.py",
     ("from flask import request\ndef f():\n    n = request.args.get('n', type=int)\n"
      "    «db.execute(f'SELECT {n}')»\n")),
    (FactKind.NUMERIC_CONVERSION, SQL, "a/b.ts",
     ("export const f = (req, res) => {\n  const n = Number(req.params.n);\n  «db.query(`SELECT ${n}`)»;\n"
      "};\n")),
    (FactKind.NUMERIC_CONVERSION, COMMAND, "a/B.java",
     ('class B { void a(HttpServletRequest q) {\n  long n = Long.parseLong(q.getHeader("n"));\n'
      '  «Runtime.getRuntime().exec("kill " + n)»; } }\n')),
    (FactKind.ALLOW_LIST_CHECK, COMMAND, "a/b.py",
     ("from flask import request\nimport os\ndef f():\n    c = request.form['c']\n"
      "    if c in ['up', 'down']:\n        «os.system('service ' + c)»\n")),
    (FactKind.ALLOW_LIST_CHECK, PATH, "a/b.js",
     ("const fs = require('fs');\nconst NAMES = new Set(['a', 'b']);\nmodule.exports = (req, res) => {\n"
      "  if (NAMES.has(req.params.n)) { «fs.readFile(req.params.n)»; }\n};\n")),
    (FactKind.ALLOW_LIST_CHECK, SQL, "a/B.java",
     ('class B { void a(HttpServletRequest q) {\n  String s = q.getParameter("s");\n'
      '  if (!"asc".equals(s) && !"desc".equals(s)) return;\n'
      '  «st.executeQuery("SELECT 1 ORDER BY x " + s)»; } }\n')),
    (FactKind.PARAMETERIZED, SQL, "a/b.py", "def f(name):\n    «cursor.execute('SELECT 1 WHERE n = %s', [name])»\n"),
    (FactKind.PARAMETERIZED, SQL, "a/b.js",
     "function f(name) { return «pool.query('SELECT 1 WHERE n = $1', [name])»; }\n"),
    (FactKind.PARAMETERIZED, SQL, "a/B.java",
     'class B { void f(String n) {\n  «jdbc.queryForList("SELECT 1 WHERE n = ?", n)»; } }\n'),
    (FactKind.SAFE_FLAG, PICKLE, "a/b.py",
     "import yaml\ndef f(t):\n    return «yaml.load(t, Loader=yaml.CSafeLoader)»\n"),
    (FactKind.SAFE_FLAG, SECURE_COOKIE, "a/b.py", "def f(r):\n    «r.set_cookie('a', 'b', secure=True)»\n"),
    (FactKind.SAFE_FLAG, SCRIPT_COOKIE, "a/b.js", "function f(res) { «res.cookie('a', 'b', { httpOnly: true })»; }\n"),
    (FactKind.NO_SECURITY_PURPOSE, MD5, "a/b.py",
     "import hashlib\ndef f(x):\n    return «hashlib.md5(x, usedforsecurity=False)»\n"),
    (FactKind.NO_SECURITY_PURPOSE, MD5, "c/d.py",
     "from hashlib import md5\nname = «md5(b'', usedforsecurity = False)»\n"),
    (FactKind.NO_SECURITY_PURPOSE, MD5, "e/f.py",
     "import hashlib\nh = «hashlib.new(\n    'md5', data, usedforsecurity=False\n)»\n"),
    (FactKind.DELETED_COOKIE, SECURE_COOKIE, "a/b.py", "def f(r):\n    «r.set_cookie('a', '', max_age=0)»\n"),
    (FactKind.DELETED_COOKIE, SCRIPT_COOKIE, "a/b.go",
     'package a\nfunc f() {\n  c := «&http.Cookie{Name: "a", MaxAge: -1}»\n  use(c)\n}\n'),
    (FactKind.DELETED_COOKIE, SECURE_COOKIE, "a/b.js", "function f(res) { «res.clearCookie('a')»; }\n"),
    (FactKind.PLACEHOLDER_SECRET, SECRET, "a/b.py", "«API_KEY = '<your-api-key>'»\n"),
    (FactKind.PLACEHOLDER_SECRET, SECRET, "a/b.js", "const token = «'YOUR_TOKEN_HERE'»;\n"),
    (FactKind.PLACEHOLDER_SECRET, SECRET, "a/B.java", 'class B { String password = «"${DB_PASSWORD}"»; }\n'),
    (FactKind.SECRET_FROM_ENVIRONMENT, SECRET, "a/b.py", "import os\n«SECRET = os.environ['APP_SECRET']»\n"),
    (FactKind.SECRET_FROM_ENVIRONMENT, SECRET, "a/b.js", "«const secret = process.env.APP_SECRET»;\n"),
    (FactKind.SECRET_FROM_ENVIRONMENT, SECRET, "a/b.go", 'package a\n«var secret = os.Getenv("APP_SECRET")»\n'),
    (FactKind.UNREACHABLE_CODE, COMMAND, "a/b.py", "import os\ndef f(x):\n    if False:\n        «os.system(x)»\n"),
    (FactKind.UNREACHABLE_CODE, CODE, "a/b.js", "function f(x) {\n  const on = false;\n  if (on) { «eval(x)»; }\n}\n"),
    (FactKind.UNREACHABLE_CODE, SQL, "a/B.java",
     'class B { void f(String x) {\n  int n = 3;\n  if (n > 5) { «st.execute("a" + x)»; } } }\n'),
]  # fmt: skip

NOT_STRONGLY_SAFE: list[Case] = [
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "jobs/list.py", 'import os\ndef f(x):\n    «os.system("ls " + x)»\n'),
    (FactKind.CONSTANT_ARGUMENT, XSS, "a/env.py", "env = «Environment('x', autoescape=False)»\n"),
    (FactKind.CONSTANT_ARGUMENT, SQL, "db/find.go", 'package db\nfunc all(q string) { «db.Query("SELECT " + q)» }\n'),
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "bin/run.php", '<?php\n«shell_exec("ping $host")»;\n'),
    (FactKind.CONSTANT_ARGUMENT, COMMAND, "app/run.rb", '«system("ping #{host}")»\n'),
    (FactKind.KNOWN_ENCODER, SQL, "a/b.py",
     "from flask import request\nimport html\ndef f():\n    «db.execute(html.escape(request.args['a']))»\n"),
    (FactKind.KNOWN_ENCODER, XSS, "a/b.js",
     "export const f = (req, res) => {\n  he.encode(req.query.a);\n  «res.send(req.query.a)»;\n};\n"),
    (FactKind.NUMERIC_CONVERSION, SQL, "a/b.py",
     ("from flask import request\ndef f():\n    n = request.args.get('n', type=str)\n"
      "    «db.execute(f'SELECT {n}')»\n")),
    (FactKind.NUMERIC_CONVERSION, SQL, "a/b.ts",
     ("export const f = (req: Request, res: Response) => {\n  const n: number = req.params.n as any;\n"
      "  «db.query(`SELECT ${n}`)»;\n};\n")),
    (FactKind.ALLOW_LIST_CHECK, COMMAND, "a/b.py",
     ("from flask import request\nimport os\ndef f():\n    c = request.form['c']\n"
      "    if c not in ['up', 'down']:\n        «os.system('service ' + c)»\n")),
    (FactKind.ALLOW_LIST_CHECK, PATH, "a/b.js",
     ("const fs = require('fs');\nconst NAMES = new Set(load());\nmodule.exports = (req, res) => {\n"
      "  if (NAMES.has(req.params.n)) { «fs.readFile(req.params.n)»; }\n};\n")),
    (FactKind.PARAMETERIZED, SQL, "a/b.py",
     "def f(name, t):\n    «cursor.execute('SELECT 1 FROM ' + t + ' WHERE n = %s', [name])»\n"),
    (FactKind.PARAMETERIZED, SQL, "a/b.js", "function f(n) { return «pool.query(`SELECT 1 WHERE n = ${n}`, [])»; }\n"),
    (FactKind.SAFE_FLAG, PICKLE, "a/b.py",
     "import yaml\ndef f(t):\n    # Loader=yaml.SafeLoader\n    return «yaml.load(t, Loader=yaml.Loader)»\n"),
    (FactKind.SAFE_FLAG, SECURE_COOKIE, "a/b.py", "def f(r):\n    «r.set_cookie('a', 'secure=True', httponly=True)»\n"),
    (FactKind.SAFE_FLAG, SCRIPT_COOKIE, "a/b.js", "function f(res) { «res.cookie('a', 'b', { secure: true })»; }\n"),
    (FactKind.NO_SECURITY_PURPOSE, MD5, "a/b.py", "import hashlib\nh = «hashlib.md5(x, usedforsecurity=True)»\n"),
    (FactKind.NO_SECURITY_PURPOSE, MD5, "a/b.py", "import hashlib\nh = «hashlib.md5(x)»  # usedforsecurity=False\n"),
    (FactKind.DELETED_COOKIE, SECURE_COOKIE, "a/b.py", "def f(r):\n    «r.set_cookie('a', 'b', max_age=3600)»\n"),
    (FactKind.DELETED_COOKIE, SCRIPT_COOKIE, "a/b.js",
     "function f(res) { «res.cookie('a', '', { maxAge: 0 * day + week })»; }\n"),
    (FactKind.PLACEHOLDER_SECRET, SECRET, "a/b.py", "«API_KEY = 'q8Zk2vLr0TnXw4'»\n"),
    (FactKind.PLACEHOLDER_SECRET, SECRET, "a/b.py", "«PASSWORD = 'changeme'»\n"),
    (FactKind.SECRET_FROM_ENVIRONMENT, SECRET, "a/b.py",
     "import os\n«KEY = os.environ.get('KEY', 'q8Zk2vLr0TnXw4')»\n"),
    (FactKind.SECRET_FROM_ENVIRONMENT, SECRET, "a/b.js", "«const key = 'q8Zk2vLr0TnXw4'»; // process.env.KEY\n"),
    (FactKind.UNREACHABLE_CODE, COMMAND, "a/b.py", "import os\ndef f(x):\n    if DEBUG:\n        «os.system(x)»\n"),
    (FactKind.UNREACHABLE_CODE, CODE, "a/b.js",
     "function f(x) {\n  let on = false;\n  on = ask();\n  if (on) { «eval(x)»; }\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "rule", "path", "code"), named(STRONGLY_SAFE))
def test_a_fact_that_shows_safety_is_found(kind: FactKind, rule: tuple[str, str], path: str, code: str) -> None:
    kinds = strong_safe_kinds_in(code, rule, path)

    assert kind in kinds


@pytest.mark.parametrize(("kind", "rule", "path", "code"), named(NOT_STRONGLY_SAFE))
def test_a_near_miss_shows_no_safety(kind: FactKind, rule: tuple[str, str], path: str, code: str) -> None:
    kinds = strong_safe_kinds_in(code, rule, path)

    assert kinds == set()


@pytest.mark.parametrize(("kind", "rule", "path", "code"), named(STRONGLY_SAFE))
def test_what_shows_safety_quotes_lines_that_stand_there(
    kind: FactKind, rule: tuple[str, str], path: str, code: str
) -> None:
    lines = code.replace("«", "").replace("»", "").splitlines()

    quotes = [quote for fact in facts_in(code, rule, path) for quote in fact.quotes]

    assert quotes
    assert all("\n".join(lines[quote.start_line - 1 : quote.end_line]) == quote.quote for quote in quotes)
