"""Soundness on Python: code that a hasty reader could take for harmless, and that must not be called so."""

from __future__ import annotations

import pytest

from tests.unit.facts.marked import COMMAND, PATH, SQL, XSS, flask_route, verdict_on
from triage.answers import Verdict

TEMPLATE = ("render-template-string", "CWE-1336")

TEMPTING = [
    (SQL, flask_route('cfg = Config()\n«cur.execute("SELECT " + cfg.table)»')),
    (SQL, flask_route("global q\n«cur.execute(q)»",
     before='q = "a"')),
    (SQL, flask_route('x = "a"\nx = x if ok() else request.args["x"]\n«cur.execute(x)»')),
    (SQL, flask_route('x = request.args.get("x") or "a"\n«cur.execute("s" + x)»')),
    (SQL, flask_route('x = "a" and request.args.get("x")\n«cur.execute("s" + x)»')),
    (SQL, flask_route('if (x := request.args["x"]) and False:\n    x = "a"\n«cur.execute("s" + x)»')),
    (SQL, flask_route('with open("f") as fh:\n    x = fh.read()\n«cur.execute("s" + x)»')),
    (SQL, flask_route('x, y = "a", request.args["y"]\nx, y = y, x\n«cur.execute("s" + x)»')),
    (SQL, flask_route('x = "a"\nfor x in request.args.values():\n    pass\n«cur.execute("s" + x)»')),
    (SQL, flask_route('x = "a"\ntry:\n    x = request.args["x"]\n    risky()\n    x = "b"\nexcept Exception:\n'
     '    pass\n«cur.execute("s" + x)»')),
    (SQL, flask_route('x = "a"\ntry:\n    x = request.args["x"]\nfinally:\n    «cur.execute("s" + x)»')),
    (SQL, flask_route('def inner(v):\n    «cur.execute("s" + v)»\ninner("a")\ninner(request.args["x"])')),
    (SQL, flask_route('run = lambda v: «cur.execute("s" + v)»\nrun(request.args["x"])')),
    (SQL, flask_route('parts = ["a", request.args["x"]]\n«cur.execute(",".join(parts))»')),
    (SQL, flask_route('parts = ["a"] * 3\nparts[idx()] = request.args["x"]\n«cur.execute(parts[0])»')),
    (SQL, flask_route('q = "SELECT {}"\n«cur.execute(q.format(request.args["x"]))»')),
    (SQL, flask_route('d = dict(a="x")\nd.update(request.args)\n«cur.execute(d["a"])»')),
    (SQL, flask_route('d = dict(a=request.args["x"])\n«cur.execute(d["a"])»')),
    (SQL, flask_route('d = {"a": "x", **request.args}\n«cur.execute(d["a"])»')),
    (SQL, flask_route('match request.args["k"]:\n    case "a":\n        x = "b"\n    case other:\n'
     "        x = other\n«cur.execute(x)»")),
    (SQL, flask_route('x = request.args["x"]\nif x == "a" or len(x) > 3:\n    «cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x in ("a", "b") or admin():\n    «cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x not in ("a", "b") and strict():\n    return ""\n«cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x in ("a", request.args["y"]):\n    «cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x.lower() in ("a", "b"):\n    «cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x in "abc":\n    «cur.execute(x)»')),
    (SQL, flask_route('x = request.args["x"]\nif x in ("a", "b"):\n    x = request.args["z"]\n    «cur.execute(x)»')),
    (SQL, flask_route('if request.args["x"] in ("a", "b"):\n    «cur.execute(request.args["y"])»')),
    (SQL, flask_route('while True:\n    x = request.args["x"]\n    if x.isdigit():\n        break\n    if tired():\n'
     "        break\n«cur.execute(x)»")),
    (SQL, flask_route('x = bool(request.args["x"]) and request.args["x"]\n«cur.execute(x)»')),
    (SQL, flask_route('x = max(1, request.args["x"])\n«cur.execute(f"{x}")»')),
    (SQL, flask_route('x = [c for c in request.args["x"]]\n«cur.execute("".join(x))»')),
    (SQL, flask_route('x = "abc".replace("a", request.args["x"])\n«cur.execute(x)»')),
    (SQL, flask_route('x = "a"\nexec(request.args["code"])\nsetattr(self, "x", 1)\nvars()["x"] = request.args["x"]\n'
     "del x\nx = more()\n«cur.execute(x)»")),
    (SQL, flask_route('import mymod as html2\nx = html2.TABLES.get("a")\n«cur.execute(x)»')),
    (SQL, flask_route('int = str\nx = int(request.args["x"])\n«cur.execute(x)»')),
    (SQL, flask_route('x = int(request.args["x"])\n«cur.execute("s" + x)»',
     before="def int(s):\n    return s")),
    (SQL, flask_route('x = int(request.args["x"])\n«cur.execute("s" + x)»',
     before="from builtins_ext import int")),
    (SQL, flask_route('ALLOWED = ["a"]\nALLOWED += request.args.getlist("more")\nx = request.args["x"]\n'
     "if x in ALLOWED:\n    «cur.execute(x)»")),
    (SQL, flask_route('ALLOWED = ["a"]\nfor m in request.args.getlist("more"):\n    ALLOWED.append(m)\n'
     'x = request.args["x"]\nif x in ALLOWED:\n    «cur.execute(x)»')),
    (SQL, flask_route('x = "a"\ndef cb():\n    nonlocal x\n    x = request.args["x"]\nregister(cb)\n«cur.execute(x)»')),
    (SQL, flask_route('buf = []\ncollect(buf.append)\n«cur.execute("".join(buf))»')),
    (SQL, flask_route('buf = []\nother = {"b": buf}\nfill(other)\n«cur.execute("".join(buf))»')),
    (SQL, flask_route('buf = []\nhelper(buf)\n«cur.execute("".join(buf))»',
     before='def helper(b):\n    b.append(request.args["x"])')),
    (SQL, flask_route('buf = ["a"]\nholder.items = buf\nholder.load()\n«cur.execute("".join(buf))»')),
    (SQL, flask_route('buf = ["a"]\nself.buf = buf\nself.load()\n«cur.execute("".join(buf))»')),
    (SQL, flask_route("async for row in stream():\n    «cur.execute(row)»")),
    (SQL, flask_route('x = yield "a"\n«cur.execute(x)»')),
    (SQL, flask_route('x = "a"\nfor i in items():\n    if i:\n        continue\n    x = request.args["x"]\nelse:\n'
     "    pass\n«cur.execute(x)»")),
    (COMMAND, flask_route('«subprocess.run(["ls", "-l"], env=dict(request.args))»')),
    (COMMAND, flask_route("«subprocess.run(cmd, shell=True)»")),
    (COMMAND, flask_route('«subprocess.Popen(args="ls", cwd=request.args["d"])»')),
    (PATH, flask_route('p = secure_filename(request.args["f"])\nreturn «open("/srv/" + p + request.args["ext"])»',
     before="from werkzeug.utils import secure_filename")),
    (XSS, flask_route('v = html.escape(request.args["x"])\nreturn «make_response(f"<a href={v}>x</a>")»',
     before="from flask import make_response")),
    (XSS, flask_route('v = html.escape(request.args["x"])\n'
     'return «make_response(f"<div onclick=\'go({v})\'>x</div>")»',
     before="from flask import make_response")),
    (XSS, flask_route('v = html.escape(request.args["x"]).replace("&lt;", "<")\nreturn «make_response(v)»',
     before="from flask import make_response")),
    (TEMPLATE, flask_route('return «render_template_string(html.escape(request.args["x"]))»')),
    (PATH, flask_route('return «send_file(NAMES[request.args["x"]])»',
     before="NAMES = load()")),
    (SQL, 'class A:\n    table = "x"\n    def f(self):\n        «db.execute("SELECT " + self.table)»\n'),
    (SQL, 'TABLE = "x"\nclass A:\n    def f(self, TABLE):\n        «db.execute("SELECT " + TABLE)»\n'),
    (SQL, 'TABLE = "x"\nif cond:\n    TABLE = other()\ndef f():\n    «db.execute("SELECT " + TABLE)»\n'),
    (SQL,
     ('TABLE = "x"\ndef f():\n    «db.execute("SELECT " + TABLE)»\nfrom other import *\n'
      "import other as TABLE\n")),
    (SQL,
     ("for TABLE in sys.argv:\n    pass\nTABLE2 = TABLE\ndef f():\n"
      '    «db.execute("SELECT " + TABLE2)»\n')),
    (SQL, 'with open("x") as TABLE:\n    pass\ndef f():\n    «db.execute("SELECT " + TABLE)»\n'),
    (SQL, 'def f(a, b="x"):\n    «db.execute("SELECT " + b)»\n'),
    (SQL, "def f(*args, **kw):\n    «db.execute(*args)»\n"),
    (SQL, 'def g(n, t="a"):\n    «db.execute("SELECT " + t)»\ndef f():\n    g(1)\n'),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "code"), TEMPTING)
def test_what_is_not_shown_harmless_is_never_a_false_positive(rule: tuple[str, str], code: str) -> None:
    verdict = verdict_on(code, rule, "shop/views.py")

    assert verdict is not Verdict.FALSE_POSITIVE
