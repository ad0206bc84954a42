"""Verdicts without a model on Python: what is shown to be harmless."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.unit.facts.marked import COMMAND, PATH, PICKLE, SQL, SSRF, XSS, flask_route, verdict_on
from triage.answers import Verdict


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = "fixed"
                «cur.execute("SELECT * FROM t WHERE n='" + name + "'")»
                """).strip()
            ),
            id="a value fixed in the code",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                name = int(request.args["n"])
                «cur.execute("SELECT * FROM t WHERE n=" + str(name))»
                """).strip()
            ),
            id="a value made an integer",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = request.args["c"]
                if col not in ("a", "b"):
                    return "no"
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip()
            ),
            id="a check before the query",
        ),
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
                before='COLUMNS = {"a", "b"}',
            ),
            id="a list of the file checked before the query",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                col = COLUMNS.get(request.args["c"], "id")
                «cur.execute("SELECT * FROM t ORDER BY " + col)»
                """).strip(),
                before='COLUMNS = {"a": "alpha", "b": "beta"}',
            ),
            id="a lookup in a table of the file",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route('«cur.execute("SELECT * FROM t WHERE n = ?", (request.args["n"],))»'),
            id="values bound as parameters",
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
                    return "SELECT * FROM t WHERE n=" + str(int(n))
                """),
            ),
            id="a number made by a function of the file",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                q = build("x")
                «cur.execute(q)»
                """).strip(),
                before=dedent("""
                def build(n):
                    return "SELECT * FROM t WHERE n=" + n
                """),
            ),
            id="a fixed value through a function of the file",
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
                    n = 0
                «cur.execute("SELECT * FROM t WHERE n=" + str(n))»
                """).strip()
            ),
            id="a failed conversion that falls back to a number",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                q = "SELECT "
                for col in ("a", "b"):
                    q += col
                «cur.execute(q)»
                """).strip()
            ),
            id="a query that grows in a loop over fixed names",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                a = ["x"]
                a.append(request.args["x"])
                «cur.execute("SELECT " + a[0])»
                """).strip()
            ),
            id="another item of the list",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route('«cur.execute("SELECT * FROM " + TABLE)»', before='TABLE = "x"'),
            id="a constant of the file",
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
                from markupsafe import escape
                """),
            ),
            id="an encoder of a known library",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route(
                dedent("""
                import shlex
                «os.system("ping " + shlex.quote(request.args["h"]))»
                """).strip()
            ),
            id="a quoted command argument",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route('«subprocess.run("ls -l", shell=True)»'),
            id="a fixed command in a shell",
        ),
        pytest.param(
            COMMAND,
            "app/views.py",
            flask_route(
                dedent("""
                h = request.args["h"]
                if not re.fullmatch(r"[a-z0-9]+", h):
                    return ""
                «os.system("ping " + h)»
                """).strip()
            ),
            id="a pattern that asks about all of it",
        ),
        pytest.param(
            PATH,
            "app/views.py",
            flask_route(
                dedent("""
                from werkzeug.utils import secure_filename
                return «open(os.path.join("/srv", secure_filename(request.args["f"])))»
                """).strip()
            ),
            id="a path through a known file name cleaner",
        ),
        pytest.param(
            SSRF,
            "app/views.py",
            flask_route(
                'return «requests.get("https://api.example.org/v1/", params={"q": request.args["id"]})»',
                before="import requests",
            ),
            id="parameters beside a fixed address",
        ),
        pytest.param(
            PICKLE,
            "app/views.py",
            flask_route(
                dedent("""
                import yaml
                return «yaml.load(request.data, Loader=yaml.SafeLoader)»
                """).strip()
            ),
            id="a safe loader",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            flask_route(
                dedent("""
                if 1 > 2:
                    x = request.args["a"]
                else:
                    x = "b"
                «cur.execute("SELECT " + x)»
                """).strip()
            ),
            id="a branch that is never taken",
        ),
        pytest.param(
            SQL,
            "app/views.py",
            dedent("""
                from fastapi import FastAPI
                app = FastAPI()
                @app.get("/i/{name}")
                async def item(name: int):
                    «db.execute(f"SELECT {name}")»
                """),
            id="a number parameter of a route",
        ),
    ],
)
def test_what_is_shown_harmless_is_a_false_positive(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.FALSE_POSITIVE
