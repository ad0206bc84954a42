"""Soundness on JavaScript: code that a hasty reader could take for harmless, and that must not be called so."""

from __future__ import annotations

import pytest

from tests.unit.facts.marked import CODE, COMMAND, SQL, express_route, verdict_on
from triage.answers import Verdict

TEMPTING = [
    (SQL, express_route("let x = 'a';\nfor (const k in req.query) { x = k; }\n«db.query(x)»;")),
    (SQL, express_route("const o = { t: 'a' };\nObject.assign(o, req.body);\n«db.query(o.t)»;")),
    (SQL, express_route("const o = { t: 'a', ...req.body };\n«db.query(o.t)»;")),
    (SQL, express_route("const o = { t: 'a' };\no[req.query.k] = req.query.v;\n«db.query(o.t)»;")),
    (SQL, express_route("const { t = 'a' } = req.query;\n«db.query(t)»;")),
    (SQL, express_route("const [a, ...rest] = ['x', req.query.b];\n«db.query(rest[0])»;")),
    (SQL, express_route("let x = 'a';\nitems.forEach(i => { x += i; });\n«db.query(x)»;")),
    (SQL, express_route("let x = 'a';\nfunction set(v) { x = v; }\nset(req.query.v);\n«db.query(x)»;")),
    (SQL, express_route("«db.query(table)»;",
     before="let table = 'a';\nexports.setTable = t => { table = t; };")),
    (SQL, express_route("«db.query(cfg.table)»;",
     before="const cfg = { table: 'a' };\nexports.setTable = t => { cfg.table = t; };")),
    (SQL, express_route("«db.query(cfg.table)»;",
     before="const cfg = { table: 'a' };\nload(cfg);")),
    (SQL, express_route("const c = req.query.c;\nif (ALLOWED.indexOf(c)) { «db.query(c)»; }",
     before="const ALLOWED = ['a', 'b'];")),
    (SQL, express_route("const c = req.query.c;\nif (ALLOWED.includes(c)) { log(); }\n«db.query(c)»;",
     before="const ALLOWED = ['a', 'b'];")),
    (SQL, express_route("const c = req.query.c;\nif (OBJ[c]) { «db.query(c)»; }",
     before="const OBJ = { a: 1 };")),
    (SQL, express_route("const c = req.query.c ? req.query.c : 'a';\n«db.query(c)»;")),
    (SQL, express_route("const n = +req.query.n || req.query.n;\n«db.query('s' + n)»;")),
    (SQL, express_route("const n = parseInt(req.query.n) ? req.query.n : 0;\n«db.query('s' + n)»;")),
    (SQL, express_route("if (isNaN(req.query.n)) return;\n«db.query('s' + req.query.n)»;")),
    (SQL, express_route("const q = sql`SELECT ${req.query.n}`;\n«db.query(q)»;")),
    (SQL, express_route("try { var x = JSON.parse(req.body.x); } catch (e) { x = 'a'; }\n«db.query(x)»;")),
    (SQL, express_route("const n = await getN();\n«db.query('s' + n)»;")),
    (SQL, express_route("label: for (;;) { break label; }\n«db.query('s')»;")),
    (SQL, express_route("switch (req.query.a) { case 'a': case 'b': break; default: }\n«db.query(req.query.a)»;")),
    (SQL, express_route("switch (true) { case req.query.a === 'x': «db.query(req.query.a + req.query.b)»; }")),
    (CODE, express_route("var parseInt = x => x;\n«eval(parseInt(req.query.x))»;")),
    (COMMAND, express_route("«cp.exec('ls', { env: req.query })»;",
     before="const cp = require('child_process');")),
    (COMMAND, express_route("const h = req.query.h;\nif (/^[a-z0-9]+$/m.test(h)) { «cp.exec('ping ' + h)»; }",
     before="const cp = require('child_process');")),
    (COMMAND, express_route("const h = req.query.h;\nif (/^[a-z]+|[0-9]+$/.test(h)) { «cp.exec('ping ' + h)»; }",
     before="const cp = require('child_process');")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "code"), TEMPTING)
def test_what_is_not_shown_harmless_is_never_a_false_positive(rule: tuple[str, str], code: str) -> None:
    verdict = verdict_on(code, rule, "shop/views.js")

    assert verdict is not Verdict.FALSE_POSITIVE
