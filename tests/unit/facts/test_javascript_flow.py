"""Verdicts without a model on JavaScript and TypeScript: what flows, what is checked, what is not known."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.unit.facts.marked import CODE, COMMAND, REDIRECT, SQL, XSS, express_route, verdict_on
from triage.answers import Verdict


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const id = req.query.id;
                «db.query('SELECT ' + id)»;
                """).strip()
            ),
            id="a query parameter put into the query",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const { id } = req.query;
                «db.query(`SELECT ${id}`)»;
                """).strip()
            ),
            id="a parameter taken apart by destructuring",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                let id = 'a';
                if (cond()) { id = req.query.id; }
                «db.query(`SELECT ${id}`)»;
                """).strip()
            ),
            id="a value fixed on one way only",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                let id = req.query.id;
                { let id = 'a'; }
                «db.query(`SELECT ${id}`)»;
                """).strip()
            ),
            id="an inner variable of the same name",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const c = req.query.c;
                «db.query('SELECT ' + c)»;
                if (!ALLOWED.includes(c)) return res.sendStatus(400);
                """).strip(),
                before="const ALLOWED = ['a', 'b'];",
            ),
            id="a check after the query",
        ),
        pytest.param(
            XSS,
            "src/app.js",
            express_route(
                dedent("""
                db.find({}, (err, rows) => {
                  «res.send('<b>' + req.query.q)»;
                });
                """).strip()
            ),
            id="a callback inside the route",
        ),
        pytest.param(
            XSS,
            "src/app.js",
            express_route(
                "«res.send('<b>' + escapeHtml(req.query.q))»;", before="function escapeHtml(s) { return s; }"
            ),
            id="an encoder of the file that does nothing",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                "«db.query('SELECT ' + escapeHtml(req.query.q))»;", before="const escapeHtml = require('escape-html');"
            ),
            id="an HTML encoder before SQL",
        ),
        pytest.param(CODE, "src/app.js", express_route("«eval(req.body.code)»;"), id="code of the request evaluated"),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const ids = req.body.ids.map(x => x);
                «db.query('SELECT ' + ids.join(','))»;
                """).strip()
            ),
            id="items passed on unchanged",
        ),
        pytest.param(
            REDIRECT,
            "src/app.js",
            express_route("«res.redirect(req.query.next)»;"),
            id="a redirect to a chosen address",
        ),
        pytest.param(
            SQL,
            "src/ctl.ts",
            dedent("""
                import { Request, Response } from 'express';
                export class C {
                  async find(req: Request, res: Response): Promise<void> {
                    const n = req.params.n as string;
                    «await this.db.query(`SELECT ${n}`)»;
                  }
                }
                """),
            id="a typed controller",
        ),
        pytest.param(
            XSS,
            "src/k.js",
            dedent("""
                router.get('/', async ctx => {
                  «ctx.res.end('<p>' + ctx.query.a)»;
                });
                """),
            id="a Koa handler",
        ),
    ],
)
def test_request_data_that_reaches_the_match_is_a_true_positive(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.TRUE_POSITIVE


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const id = parseInt(req.query.id, 10);
                «db.query(`SELECT ${id}`)»;
                """).strip()
            ),
            id="a parameter made a number",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const id = 'a';
                «db.query(`SELECT ${id}`)»;
                """).strip()
            ),
            id="a value fixed in the code",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route("«db.query('SELECT ? ', [req.query.id])»;"),
            id="values bound as parameters",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const c = req.query.c;
                if (!ALLOWED.includes(c)) return res.sendStatus(400);
                «db.query('SELECT ' + c)»;
                """).strip(),
                before="const ALLOWED = ['a', 'b'];",
            ),
            id="a check against a list before the query",
        ),
        pytest.param(
            XSS,
            "src/app.js",
            express_route(
                "«res.send('<b>' + escapeHtml(req.query.q))»;", before="const escapeHtml = require('escape-html');"
            ),
            id="an encoder of a known package",
        ),
        pytest.param(CODE, "src/app.js", express_route("«eval('1 + 1')»;"), id="a fixed expression evaluated"),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const ids = req.body.ids.map(x => Number(x));
                «db.query('SELECT ' + ids.join(','))»;
                """).strip()
            ),
            id="items made numbers",
        ),
        pytest.param(
            COMMAND,
            "src/app.js",
            express_route(
                dedent("""
                const h = req.query.h;
                if (!/^[a-z0-9]+$/.test(h)) { return res.end(); }
                «cp.exec('ping ' + h)»;
                """).strip(),
                before="const cp = require('child_process');",
            ),
            id="a pattern that asks about all of it",
        ),
        pytest.param(
            COMMAND,
            "src/app.js",
            express_route(
                dedent("""
                switch (req.query.h) {
                  case 'a':
                  case 'b':
                    «cp.exec('ping ' + req.query.h)»;
                }
                """).strip(),
                before="const cp = require('child_process');",
            ),
            id="the cases of a switch",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const sort = MAP[req.query.s] || 'id';
                «db.query('SELECT ' + sort)»;
                """).strip(),
                before="const MAP = { a: 'alpha', b: 'beta' };",
            ),
            id="a lookup in a table of the file",
        ),
    ],
)
def test_what_is_shown_harmless_is_a_false_positive(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.FALSE_POSITIVE


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const c = req.query.c;
                if (!ALLOWED.includes(c)) return res.sendStatus(400);
                «db.query('SELECT ' + c)»;
                """).strip(),
                before=dedent("""
                const ALLOWED = ['a', 'b'];
                app.get('/y', (req, res) => { ALLOWED.push(req.query.z); });
                """),
            ),
            id="a check against a list that another route adds to",
        ),
        pytest.param(
            XSS,
            "src/app.js",
            express_route(
                "«res.send('<b>' + escapeHtml(req.query.q))»;", before="const escapeHtml = require('./mine');"
            ),
            id="an encoder of an unknown module",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                let q = 'a';
                setTimeout(() => { «db.query(q)»; }, 1);
                q = req.query.x;
                """).strip()
            ),
            id="a variable set again before the callback runs",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                let q = 'a';
                later(() => { q = req.query.x; });
                «db.query(q)»;
                """).strip()
            ),
            id="a variable set by a callback",
        ),
        pytest.param(
            REDIRECT,
            "src/app.js",
            express_route("«res.redirect('/profile/' + req.query.id)»;"),
            id="an address with a fixed beginning",
        ),
        pytest.param(
            REDIRECT,
            "src/app.js",
            express_route(
                dedent("""
                const n = req.query.next;
                if (!isSafe(n)) return;
                «res.redirect(n)»;
                """).strip()
            ),
            id="a redirect after an unknown check",
        ),
        pytest.param(
            COMMAND,
            "src/app.js",
            express_route(
                dedent("""
                const h = req.query.h;
                if (!/[a-z0-9]+/.test(h)) { return res.end(); }
                «cp.exec('ping ' + h)»;
                """).strip(),
                before="const cp = require('child_process');",
            ),
            id="a pattern that asks about a part of it",
        ),
        pytest.param(
            SQL,
            "src/app.js",
            express_route(
                dedent("""
                const sort = MAP[req.query.s];
                «db.query('SELECT ' + sort)»;
                """).strip(),
                before="const MAP = loadMap();",
            ),
            id="a lookup in an unknown table",
        ),
        pytest.param(
            SQL,
            "src/ctl.ts",
            dedent("""
                export class C {
                  async find(n: number): Promise<void> {
                    «await this.db.query(`SELECT ${n}`)»;
                  }
                }
                """),
            id="a parameter of nobody's known",
        ),
    ],
)
def test_what_is_not_shown_stays_unsure(rule: tuple[str, str], path: str, code: str) -> None:
    verdict = verdict_on(code, rule, path)

    assert verdict is Verdict.UNSURE
