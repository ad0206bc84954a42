"""The real engine finds what the recipes fix, and finds nothing once they have.

Every case brings a rule of its own. All files are scanned in one run before and in one run after.
"""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from findings.context import FindingContext, RuleContext, Span
from lib.diffs import Replacement, replace_each
from lib.languages import language_of
from lib.syntax import error_count
from remediation.recipes import fix_for

SEMGREP = Path(sys.executable).with_name("semgrep")


@dataclass(frozen=True)
class Example:
    """A file with one finding: its rule's body as YAML under the rule's other keys, its CWE, and the text."""

    name: str
    file: str
    cwe: int
    pattern: str
    text: str

    @property
    def rule(self) -> str:
        """The rule as YAML."""
        language = {"java": "java", "javascript": "javascript"}.get(language_of(self.file), "python")
        is_body = self.pattern.startswith(("mode:", "patterns:", "pattern-either:"))
        body = self.pattern if is_body else f"pattern: {json.dumps(self.pattern)}"
        indented = body.replace("\n", "\n    ")
        return (
            f"  - id: {self.name}\n    languages: [{language}]\n    severity: ERROR\n    message: found\n"
            f'    paths: {{ include: ["{self.file}"] }}\n    metadata: {{ cwe: ["CWE-{self.cwe}"] }}\n    {indented}\n'
        )


TAINT_PYTHON = """mode: taint
pattern-sources:
  - pattern: request.args[...]
pattern-sinks:
  - patterns:
      - pattern: {sink}
      - focus-metavariable: $SINK"""

EXAMPLES = [
    Example(
        "formatted-sql",
        "formatted.py",
        89,
        'pattern-either:\n  - pattern: $X.execute(f"...")\n  - pattern: $X.execute("..." + ...)',
        "import sqlite3\n\n\ndef pick(base, kind):\n    return base.execute(f\"SELECT a FROM b WHERE c = '{kind}'\").fetchall()\n",
    ),
    Example(
        "tainted-sql",
        "tainted.py",
        89,
        TAINT_PYTHON.format(sink="$X.execute($SINK, ...)"),
        "import psycopg2\nfrom flask import request\n\n\ndef pick(base):\n    word = request.args['word']\n"
        '    query = "SELECT a FROM b WHERE c LIKE \'%" + word + "%\'"\n    base.execute(query)\n',
    ),
    Example(
        "mapped-sql",
        "mapped.py",
        89,
        TAINT_PYTHON.format(sink="$X.execute($SINK, ...)"),
        "from flask import request\nfrom sqlalchemy import create_engine\n\n\ndef pick(base):\n"
        "    return base.execute(\"SELECT a FROM b WHERE c = '%s'\" % request.args['c'])\n",
    ),
    Example(
        "node-sql",
        "query.js",
        89,
        "pattern-either:\n  - pattern: $X.query(`...${$Y}...`, ...)\n  - pattern: $X.query('...' + $Y, ...)",
        "const { Pool } = require('pg');\nconst pool = new Pool();\n\n"
        "module.exports = (name) => pool.query(`SELECT a FROM b WHERE c = '${name}'`);\n",
    ),
    Example(
        "node-sql-sum",
        "sum.js",
        89,
        "mode: taint\npattern-sources:\n  - pattern: req.query\npattern-sinks:\n"
        "  - patterns:\n      - pattern: $X.query($SINK, ...)\n      - focus-metavariable: $SINK",
        "const mysql = require('mysql2');\n\nmodule.exports = (req, res, db) => {\n"
        '  const sql = "SELECT a FROM b WHERE c = \'" + req.query.c + "\'";\n  db.query(sql, (e, rows) => res.json(rows));\n};\n',
    ),
    Example(
        "java-sql",
        "Store.java",
        89,
        "mode: taint\npattern-sources:\n  - pattern: $R.getParameter(...)\npattern-sinks:\n  - pattern: (Statement $S).$F(...)",
        "import java.sql.*;\n\nclass Store {\n    ResultSet find(Connection c, javax.servlet.http.HttpServletRequest r) throws Exception {\n"
        '        String who = r.getParameter("who");\n        Statement s = c.createStatement();\n'
        '        return s.executeQuery("SELECT a FROM b WHERE c = \'" + who + "\'");\n    }\n}\n',
    ),
    Example(
        "shell",
        "shell.py",
        78,
        "pattern-either:\n  - pattern: os.system(...)\n  - pattern: subprocess.$F(..., shell=True, ...)",
        'import os\n\n\ndef look(host: str):\n    os.system(f"host -t a {host}")\n',
    ),
    Example(
        "shell-true",
        "shell_true.py",
        78,
        "subprocess.$F(..., shell=True, ...)",
        'import subprocess\n\n\ndef look(host):\n    return subprocess.check_output("host " + host, shell=True, timeout=5)\n',
    ),
    Example(
        "node-shell",
        "shell.js",
        78,
        "$X.exec(`...${$Y}...`, ...)",
        "const child = require('child_process');\n\nmodule.exports = (branch, done) => child.exec(`git log -1 ${branch}`, done);\n",
    ),
    Example(
        "yaml-load",
        "load.py",
        502,
        "yaml.load(...)",
        "import yaml\n\n\ndef load(stream):\n    return yaml.load(stream, Loader=yaml.Loader)\n",
    ),
    Example(
        "weak-hash",
        "digest.py",
        328,
        "hashlib.md5(...)",
        "import hashlib\n\n\ndef mark(data):\n    return hashlib.md5(data).hexdigest()\n",
    ),
    Example(
        "weak-hash-java",
        "Digest.java",
        328,
        'java.security.MessageDigest.getInstance("MD5")',
        'import java.security.MessageDigest;\n\nclass Digest {\n    MessageDigest make() throws Exception {\n        return MessageDigest.getInstance("MD5");\n    }\n}\n',
    ),
    Example(
        "weak-hash-node",
        "digest.js",
        328,
        "$C.createHash('sha1')",
        'import crypto from "crypto";\n\nexport const mark = (data) => crypto.createHash("sha1").update(data).digest("hex");\n',
    ),
    Example(
        "weak-random",
        "draw.py",
        330,
        "random.$F(...)",
        "import random\n\n\ndef draw():\n    return random.randint(100000, 999999)\n",
    ),
    Example(
        "weak-random-java",
        "Draw.java",
        330,
        "pattern-either:\n  - pattern: new java.util.Random()\n  - pattern: Math.random()",
        "import java.util.Random;\n\nclass Draw {\n    private final Random source = new Random();\n}\n",
    ),
    Example(
        "weak-random-node",
        "draw.js",
        338,
        "Math.random()",
        "const express = require('express');\n\nconst make = () => Math.random().toString(36).substring(2, 15);\n",
    ),
    Example(
        "unverified",
        "fetch.py",
        295,
        "requests.$F(..., verify=False, ...)",
        "import requests\n\n\ndef fetch(u):\n    return requests.post(\n        u,\n        verify=False,\n    )\n",
    ),
    Example(
        "unverified-node",
        "fetch.js",
        295,
        "{ ..., rejectUnauthorized: false, ... }",
        "const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });\n",
    ),
    Example(
        "flask-debug",
        "run.py",
        489,
        "$A.run(..., debug=True, ...)",
        'from flask import Flask\n\napp = Flask(__name__)\n\nif __name__ == "__main__":\n    app.run(debug=True, port=8000)\n',
    ),
    Example(
        "cookie-httponly",
        "cookie.py",
        1004,
        "patterns:\n  - pattern: $R.set_cookie(...)\n  - pattern-not: $R.set_cookie(..., httponly=True, ...)",
        'def keep(response, mark):\n    response.set_cookie("mark", mark, max_age=60)\n',
    ),
    Example(
        "cookie-secure-node",
        "cookie.js",
        614,
        'patterns:\n  - pattern: res.cookie(...)\n  - pattern-not: "res.cookie($N, $V, {..., secure: true, ...})"',
        "module.exports = (req, res) => res.cookie('mark', req.mark, { maxAge: 60 });\n",
    ),
    Example(
        "cookie-secure-java",
        "Keep.java",
        614,
        "patterns:\n  - pattern: $R.addCookie($C);\n  - pattern-not-inside: |\n      $C.setSecure(true);\n      ...",
        'class Keep {\n    void keep(HttpServletResponse r, String v) {\n        Cookie mark = new Cookie("mark", v);\n        r.addCookie(mark);\n    }\n}\n',
    ),
    Example(
        "mktemp",
        "temporary.py",
        377,
        "tempfile.mktemp(...)",
        "import tempfile\n\n\ndef room():\n    name = tempfile.mktemp()\n    return name\n",
    ),
    Example(
        "xxe",
        "Read.java",
        611,
        'patterns:\n  - pattern: $F = DocumentBuilderFactory.newInstance();\n  - pattern-not-inside: |\n      ...\n      $F.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);\n      ...',
        "import javax.xml.parsers.*;\n\nclass Read {\n    Object read(java.io.InputStream in) throws Exception {\n"
        "        DocumentBuilderFactory maker = DocumentBuilderFactory.newInstance();\n"
        "        return maker.newDocumentBuilder().parse(in);\n    }\n}\n",
    ),
    Example(
        "jwt-unverified",
        "claims.py",
        347,
        'jwt.decode(..., options={..., "verify_signature": False, ...}, ...)',
        'import jwt\n\n\ndef make(claims):\n    return jwt.encode(claims, SETTINGS["key"], algorithm="HS256")\n\n\n'
        'def read(mark):\n    return jwt.decode(mark, options={"verify_signature": False})\n',
    ),
    Example(
        "literal-secret",
        "literal.py",
        798,
        'pattern-either:\n  - pattern: $X.secret_key = "..."',
        "from flask import Flask\n\napp = Flask(__name__)\napp.secret_key = 'b7-19-af-22'\n",
    ),
    Example(
        "raw-html",
        "page.py",
        79,
        "mode: taint\npattern-sources:\n  - pattern: request.args[...]\npattern-sanitizers:\n  - pattern: markupsafe.escape(...)\n"
        "pattern-sinks:\n  - patterns:\n      - pattern: return $SINK\n      - focus-metavariable: $SINK",
        "from flask import Flask, request\n\napp = Flask(__name__)\n\n\n@app.get('/')\ndef greet():\n    who = request.args['who']\n"
        '    return f"<h1>Welcome {who}</h1>"\n',
    ),
    Example(
        "raw-template",
        "render.py",
        1336,
        'flask.render_template_string(f"...", ...)',
        "from flask import render_template_string, request\n\n\ndef greet():\n    return render_template_string(f\"<h1>{request.args['who']}</h1>\")\n",
    ),
    Example(
        "inner-html",
        "show.js",
        79,
        "$X.innerHTML = $Y",
        "export function show(box, label) {\n  box.innerHTML = label;\n}\n",
    ),
    Example(
        "escaped-answer",
        "answer.js",
        79,
        "mode: taint\npattern-sources:\n  - pattern: req.query\npattern-sanitizers:\n  - pattern: escapeHtml(...)\npattern-sinks:\n  - pattern: res.send(...)",
        "const escapeHtml = require('escape-html');\n\nmodule.exports = (req, res) => res.send(`<p>${req.query.q}</p>`);\n",
    ),
    Example("eval-json", "parse.js", 95, "eval(...)", "export const parse = (text) => eval('(' + text + ')');\n"),
    Example(
        "send-file",
        "send.py",
        22,
        "flask.send_file(os.path.join(...), ...)",
        "import os\n\nfrom flask import send_file\n\n\ndef send(name):\n    return send_file(os.path.join('reports', name), as_attachment=True)\n",
    ),
    Example(
        "send-file-node",
        "send.js",
        22,
        "$R.sendFile(path.join(...), ...)",
        "const path = require('path');\n\nmodule.exports = (req, res) => res.sendFile(path.join(ROOT, req.params.name));\n",
    ),
]


def scan(folder: Path, config: Path) -> dict[str, list[FindingContext]]:
    """Run the engine over a folder and return the findings of each file."""
    options = ["--experimental", "--json", "--metrics=off", "--disable-version-check", "--no-git-ignore"]
    command = [str(SEMGREP), "scan", *options, "--config", str(config), str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    report = json.loads(ran.stdout)
    assert report["errors"] == []
    found: dict[str, list[FindingContext]] = {example.file: [] for example in EXAMPLES}
    for result in report["results"]:
        path = Path(result["path"])
        start, end = result["start"], result["end"]
        rule = RuleContext(
            identifier=result["check_id"],
            message=result["extra"]["message"],
            severity="ERROR",
            cwe=tuple(result["extra"]["metadata"]["cwe"]),
        )
        span = Span(start["line"], start["col"], end["line"], end["col"])
        found[path.name].append(FindingContext(rule=rule, path=path.name, span=span, source=path.read_text()))
    return found


@dataclass(frozen=True)
class Outcome:
    """What became of an example: findings before, the file after its fix, findings after."""

    before: list[FindingContext]
    text: str
    after: list[FindingContext]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("recipes")
    config, code = folder / "rules.yaml", folder / "code"
    config.write_text("rules:\n" + "".join(example.rule for example in EXAMPLES))
    code.mkdir()
    for example in EXAMPLES:
        (code / example.file).write_text(example.text)
    before = scan(code, config)
    for path, contexts in before.items():
        answers = [fix_for(context) for context in contexts[:1]]
        edits = [Replacement(edit.old, edit.new) for answer in answers if answer for edit in answer.edits]
        (code / path).write_text(replace_each((code / path).read_text(), edits))
    after = scan(code, config)
    return {path: Outcome(before[path], (code / path).read_text(), after[path]) for path in before}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_rule_is_silent_after_the_fix(example: Example, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[example.file]

    assert len(outcome.before) == 1
    assert outcome.text != example.text
    assert outcome.after == []
    assert error_count(outcome.text, language_of(example.file)) == 0


def test_no_fix_hides_its_finding(outcomes: dict[str, Outcome]) -> None:
    assert not any("nosem" in outcome.text for outcome in outcomes.values())
