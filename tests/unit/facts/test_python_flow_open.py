"""Verdicts without a model on Python: what is not shown, either way."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.unit.facts.marked import COMMAND, PATH, SQL, SSRF, XSS, flask_route, verdict_on
from triage.answers import Verdict


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                if col not in COLUMNS:
                    return "no"
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip(),
                before=dedent("""
                COLUMNS = {"a", "b"}
                def learn(x):
                    COLUMNS.add(x)
                """),
            ),
            id="a list that the file adds to",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                COLUMNS = load()
                if col not in COLUMNS:
                    return "no"
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip(),
                before='COLUMNS = {"a", "b"}',
            ),
            id="a list that is loaded from elsewhere",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                if not allowed(col):
                    return "no"
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip(),
                before=dedent("""
                class A:
                    def allowed(self, c):
                        return c in ("a",)
                """),
            ),
            id="a check in a method of the same name elsewhere",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = lookup(request.args["n"])
                «cur.execute("SELECT * FROM t WHERE n='" + name + "'")»
                """).strip()
            ),
            id="a value looked up by an unknown function",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = db_value()
                «cur.execute("SELECT * FROM t WHERE n='" + name + "'")»
                """).strip()
            ),
            id="a value from an unknown function",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                d = {"k": "v"}
                fill(d)
                «cur.execute("SELECT " + d["k"])»
                """).strip()
            ),
            id="a table handed to an unknown function",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                d = {"k": "v"}
                self.cache = d
                d.merge(request.args)
                «cur.execute("SELECT " + d["k"])»
                """).strip()
            ),
            id="a table changed by an unknown method",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = "a"
                def change():
                    nonlocal name
                    name = request.args["x"]
                change()
                «cur.execute("SELECT " + name)»
                """).strip()
            ),
            id="a variable changed by an inner function",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                '«cur.execute("SELECT * FROM " + TABLE)»',
                before=dedent("""
                TABLE = "x"
                def set_table(t):
                    global TABLE
                    TABLE = t
                """),
            ),
            id="a constant that a function changes",
        ),
        pytest.param(
            XSS,
            "app/views.py",
            flask_route(
                dedent("""
                v = escape(request.args["x"])
                return «make_response("<b>" + v)»
                """).strip(),
                before=dedent("""
                from flask import make_response
                from mylib import escape
                """),
            ),
            id="an encoder of an unknown library",
        ),
        pytest.param(
            XSS,
            "app/views.py",
            flask_route(
                dedent("""
                v = html.escape(request.args["x"])
                return «make_response("<script>var x = '" + v + "'</script>")»
                """).strip(),
                before="from flask import make_response",
            ),
            id="an HTML encoder inside a script",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route(
                dedent("""
                import sys
                «os.system("ping " + sys.argv[1])»
                """).strip()
            ),
            id="an argument of the command line",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route(
                dedent("""
                if not re.match(r"[a-z]+", request.args["h"]):
                    return ""
                «os.system("ping " + request.args["h"])»
                """).strip()
            ),
            id="a pattern that asks about the beginning only",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route(
                dedent("""
                h = request.args["h"]
                if not re.fullmatch(r".*", h):
                    return ""
                «os.system("ping " + h)»
                """).strip()
            ),
            id="a pattern that lets everything through",
        ),
        pytest.param(
            PATH,
            "app/views.py",
            flask_route(
                dedent("""
                p = os.path.basename(request.args["f"])
                return «open(os.path.join("/srv", p))»
                """).strip()
            ),
            id="a base name of a path",
        ),
        pytest.param(
            PATH,
            "app/views.py",
            flask_route(
                dedent("""
                p = os.path.realpath(os.path.join(BASE, request.args["f"]))
                if not p.startswith(BASE):
                    abort(404)
                return «open(p)»
                """).strip(),
                before='BASE = "/srv/"',
            ),
            id="a path checked against its root",
        ),
        pytest.param(
            SSRF,
            "app/views.py",
            flask_route(
                'return «requests.get("https://api.example.org/v1/" + request.args["id"])»', before="import requests"
            ),
            id="an address with a fixed host",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                a = request.args["a"]
                assert a in ("x", "y")
                «cur.execute("SELECT " + a)»
                """).strip()
            ),
            id="an assertion before the query",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                def item(name: int):
                    «db.execute(f"SELECT {name}")»
                """),
            id="an annotation that nobody enforces",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                def find(n):
                    «db.execute("SELECT " + n)»

                def view():
                    return find("x")
                """),
            id="a function called with a fixed value in the file",
        ),
    ],
)
def test_what_is_not_shown_stays_unsure(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.UNSURE
