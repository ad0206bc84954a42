"""SQL in JavaScript: values go into the array of parameters, marked as the driver wants it."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

import pytest

from tests.unit.recipes.patching import patched


def handler(driver: str, call: str) -> str:
    return f"const db = require('{driver}');\n\nmodule.exports = async (req, res) => {{\n  {call}\n}};\n"


@pytest.mark.parametrize(
    ("driver", "before", "after"),
    [
        (
            "mysql",
            "pool.query(`SELECT * FROM cats WHERE name = '${req.query.name}' AND age > ${age}`, (err, rows) => res.json(rows));",
            "pool.query(`SELECT * FROM cats WHERE name = ? AND age > ?`, [req.query.name, age], (err, rows) => res.json(rows));",
        ),
        (
            "mysql2/promise",
            """const [rows] = await pool.execute("SELECT * FROM cats WHERE name = '" + req.body.name + "'");""",
            """const [rows] = await pool.execute("SELECT * FROM cats WHERE name = ?", [req.body.name]);""",
        ),
        (
            "pg",
            "await client.query(`UPDATE cats SET name = '${name}' WHERE id = ${id}`);",
            "await client.query(`UPDATE cats SET name = $1 WHERE id = $2`, [name, id]);",
        ),
        (
            "sqlite3",
            """db.all('SELECT * FROM cats WHERE name LIKE "%' + q + '%"', cb);""",
            """db.all('SELECT * FROM cats WHERE name LIKE ?', [`%${q}%`], cb);""",
        ),
        (
            "better-sqlite3",
            "const row = db.prepare(`SELECT * FROM cats WHERE id = ${id}`).get();",
            "const row = db.prepare(`SELECT * FROM cats WHERE id = ?`).get(id);",
        ),
        (
            "sequelize",
            "await sequelize.query(`SELECT * FROM cats WHERE owner = '${owner}'`);",
            "await sequelize.query(`SELECT * FROM cats WHERE owner = ?`, { replacements: [owner] });",
        ),
    ],
)
def test_placeholders_follow_the_driver(driver: str, before: str, after: str) -> None:
    assert patched(handler(driver, before), before, cwe=89, path="routes/cats.js") == handler(driver, after)


def test_a_statement_in_a_variable_above_is_bound_too() -> None:
    source = handler(
        "pg",
        'const sql = "DELETE FROM cats WHERE tag = \'" + tag + "\'";\n  console.log(sql);\n  return db.query(sql);',
    )

    after = patched(source, "db.query(sql)", cwe=89, path="cats.ts")

    assert after is not None
    assert 'const sql = "DELETE FROM cats WHERE tag = $1";' in after
    assert "db.query(sql, [tag])" in after


def test_a_statement_over_several_lines_keeps_its_lines() -> None:
    call = 'db.query("SELECT * " +\n    "FROM cats " +\n    "WHERE tag = \'" + tag + "\' " +\n    \'ORDER BY age\')'

    after = patched(handler("mysql", call), call, cwe=89, path="cats.js")

    assert after is not None
    assert 'db.query("SELECT * " +\n    "FROM cats " +\n    "WHERE tag = ? " +\n    \'ORDER BY age\', [tag])' in after


def test_a_typed_call_that_is_awaited_is_bound_too() -> None:
    call = "await this.pool.query<Row>(`SELECT * FROM cats WHERE tag = '${tag}'`)"
    source = f"import {{ Pool }} from 'pg';\n\nexport class Cats {{ async find(tag: string) {{ return {call}; }} }}\n"

    after = patched(source, call, cwe=89, path="cats.ts")

    assert after is not None
    assert "await this.pool.query<Row>(`SELECT * FROM cats WHERE tag = $1`, [tag])" in after


def test_the_driver_is_found_in_the_project_s_own_module() -> None:
    source = "import { pool } from '../db';\n\nexport const f = (tag) => pool.query(`SELECT 1 FROM cats WHERE tag = ${tag}`);\n"

    after = patched(
        source,
        "pool.query(`SELECT 1 FROM cats WHERE tag = ${tag}`)",
        cwe=89,
        path="src/api/cats.js",
        files={"src/db.js": "import { Pool } from 'pg';\nexport const pool = new Pool();\n"},
    )

    assert after is not None
    assert "pool.query(`SELECT 1 FROM cats WHERE tag = $1`, [tag])" in after


@pytest.mark.parametrize(
    ("driver", "call"),
    [
        ("mysql", "db.query(`SELECT * FROM ${table}`)"),
        ("mysql", "db.query(`SELECT * FROM cats ORDER BY ${column}`)"),
        ("mysql", "db.query(`SELECT * FROM cats WHERE id IN (${ids})`)"),
        ("mysql", "db.query(`SELECT * FROM cats WHERE id = ${id} AND tag = ?`, [tag])"),
        ("mysql", "db.query(`SELECT * FROM cats LIMIT ${limit}`)"),
        ("pg", 'db.query(`SELECT "${column}" FROM cats WHERE a = 1`)'),
        ("pg", "db.query(`SELECT * FROM cats WHERE ${where}`)"),
        ("mongodb", "db.query(`SELECT * FROM cats WHERE id = ${id}`)"),
        ("pg", "db.query('SELECT * FROM cats')"),
        ("pg", "db.query(statement)"),
        ("pg", "db.query(`hello ${name}`)"),
    ],
)
def test_what_cannot_be_bound_for_sure_is_left_alone(driver: str, call: str) -> None:
    assert patched(handler(driver, call), call, cwe=89, path="cats.js") is None
