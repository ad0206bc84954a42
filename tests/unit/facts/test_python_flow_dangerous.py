"""Verdicts without a model on Python: request data that reaches the match."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.unit.facts.marked import CODE, COMMAND, PATH, PICKLE, SQL, SSRF, XSS, flask_route, verdict_on
from triage.answers import Verdict


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = request.args["n"]
                «cur.execute("SELECT * FROM t WHERE n='" + name + "'")»
                """).strip()
            ),
            id="a request value put into the query",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = "fixed"
                if flag():
                    name = request.args["n"]
                «cur.execute("SELECT * FROM t WHERE n='" + name + "'")»
                """).strip()
            ),
            id="a value fixed on one way only",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = int(request.args["n"])
                name = request.args["n"]
                «cur.execute("SELECT * FROM t WHERE n=" + str(name))»
                """).strip()
            ),
            id="a value read again after the conversion",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                raw = request.args["n"]
                name = int(raw)
                «cur.execute("SELECT * FROM t WHERE n=" + raw)»
                """).strip()
            ),
            id="the raw value used instead of the converted one",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                safe_name = html.escape(request.args["n"])
                «cur.execute("SELECT * FROM t WHERE n='" + safe_name + "'")»
                """).strip()
            ),
            id="an HTML encoder before SQL",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                sanitized = request.args["n"]  # validated above, safe
                «cur.execute("SELECT * FROM t WHERE n='" + sanitized + "'")»
                """).strip()
            ),
            id="a name and a comment that say safe",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                if col not in ("a", "b"):
                    return "no"
                """).strip()
            ),
            id="a check after the query",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                if col not in ("a", "b"):
                    log("bad")
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip()
            ),
            id="a check that only writes a log",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                other = request.args["d"]
                if other not in ("a", "b"):
                    return "no"
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip()
            ),
            id="a check of another variable",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = COLUMNS.get(request.args["c"], request.args["c"])
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip(),
                before='COLUMNS = {"a": "alpha", "b": "beta"}',
            ),
            id="a lookup that falls back to the request",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route('«cur.execute("SELECT * FROM t WHERE n = %s" % request.args["n"])»'),
            id="a text formatted with a percent sign",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route("""«cur.execute(f"SELECT * FROM t WHERE n = {request.args['n']} AND m = ?", (1,))»"""),
            id="an f-string beside a bound value",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                q = build(request.args["n"])
                «cur.execute(q)»
                """).strip(),
                before=dedent("""
                def build(n):
                    return "SELECT * FROM t WHERE n=" + n
                """),
            ),
            id="a query built by a function of the file",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                n = request.args["n"]
                try:
                    n = int(n)
                except ValueError:
                    pass
                «cur.execute("SELECT * FROM t WHERE n=" + str(n))»
                """).strip()
            ),
            id="a failed conversion that keeps the text",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                q = "SELECT 1"
                for part in request.args.getlist("p"):
                    q += " OR " + part
                «cur.execute(q)»
                """).strip()
            ),
            id="a query that grows in a loop over the request",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                prev = "a"
                for i in range(3):
                    «cur.execute("SELECT " + prev)»
                    prev = request.args["x"]
                """).strip()
            ),
            id="a value set for the next round of the loop",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                a = []
                b = a
                b.append(request.args["x"])
                «cur.execute("SELECT " + a[0])»
                """).strip()
            ),
            id="a list changed through another name",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                a = ["x"]
                a.insert(0, request.args["x"])
                «cur.execute("SELECT " + a[0])»
                """).strip()
            ),
            id="an item moved by an insertion",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                d = {}
                d["k"] = "v"
                d[request.args["x"]] = request.args["y"]
                «cur.execute("SELECT " + d["k"])»
                """).strip()
            ),
            id="a key that is not known",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = "a"
                while True:
                    if done():
                        break
                    name = request.args["x"]
                «cur.execute("SELECT " + name)»
                """).strip()
            ),
            id="a variable set in an endless loop",
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
                def escape(s):
                    return s
                """),
            ),
            id="an encoder of the same name defined in the file",
        ),
        pytest.param(
            XSS,
            "app/views.py",
            flask_route(
                dedent("""
                v = html.unescape(html.escape(request.args["x"]))
                return «make_response("<b>" + v)»
                """).strip(),
                before="from flask import make_response",
            ),
            id="an encoder that is undone",
        ),
        pytest.param(
            XSS,
            "app/views.py",
            flask_route(
                dedent("""
                v = html.escape(request.args["x"]) + request.args["y"]
                return «make_response("<b>" + v)»
                """).strip(),
                before="from flask import make_response",
            ),
            id="one encoded part of two",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route('«os.system("ping " + request.args["h"])»'),
            id="a command built from the request",
        ),
        pytest.param(
            PATH,
            "app/views.py",
            flask_route('return «open(os.path.join("/srv", request.args["f"]))»'),
            id="a path joined from the request",
        ),
        pytest.param(
            SSRF,
            "app/views.py",
            flask_route('return «requests.get("https://" + request.args["host"])»', before="import requests"),
            id="an address with a chosen host",
        ),
        pytest.param(
            CODE,
            "app/views.py",
            flask_route('return str(«eval(request.args["e"])»)'),
            id="an expression that is evaluated",
        ),
        pytest.param(
            PICKLE,
            "app/views.py",
            flask_route(
                dedent("""
                import yaml
                return «yaml.load(request.data)»
                """).strip()
            ),
            id="an unsafe loader",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                from fastapi import FastAPI
                app = FastAPI()
                @app.get("/i/{name}")
                async def item(name: str):
                    «db.execute(f"SELECT {name}")»
                """),
            id="a text parameter of a route",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                def item(request, pk):
                    n = request.GET.get("n")
                    «db.execute(f"SELECT {n}")»
                """),
            id="a Django view",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                from flask import request
                def find(n):
                    «db.execute("SELECT " + n)»

                def view():
                    return find(request.args["x"])
                """),
            id="a function called with request data in the file",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                class V(View):
                    def get(self):
                        «db.execute("SELECT " + self.request.GET["x"])»
                """),
            id="a class-based view",
        ),
    ],
)
def test_request_data_that_reaches_the_match_is_a_true_positive(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.TRUE_POSITIVE
