"""SQL in Python: values are bound where SQL allows it, and nowhere else."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.unit.recipes.patching import patched

SHOP = """
import sqlite3


def find(connection, name, limit):
    cursor = connection.cursor()
    {call}
    return cursor.fetchall()
"""

CALLS = {
    "an f-string": """cursor.execute(f"SELECT title FROM goods WHERE title = '{name}'")""",
    "an f-string with the other quotes": """cursor.execute(f'SELECT title FROM goods WHERE title = "{name}"')""",
    "percent": """cursor.execute("SELECT title FROM goods WHERE title = '%s'" % name)""",
    "percent with a tuple": """cursor.execute("SELECT title FROM goods WHERE title = '%s' LIMIT %d" % (name, limit))""",
    "percent with names": """cursor.execute("SELECT title FROM goods WHERE title = '%(who)s'" % {"who": name})""",
    "format": """cursor.execute("SELECT title FROM goods WHERE title = '{}'".format(name))""",
    "format with names": """cursor.execute("SELECT title FROM goods WHERE title = '{t}'".format(t=name))""",
    "a sum": """cursor.execute("SELECT title FROM goods WHERE title = '" + name + "'")""",
    "a sum over lines": """cursor.execute(
        "SELECT title "
        + "FROM goods "
        + "WHERE title = '" + name + "'"
    )""",
    "three quotes": '''cursor.execute(
        f"""
        SELECT title
        FROM goods
        WHERE title = '{name}'
        LIMIT {limit}
        """
    )''',
    "adjacent literals": """cursor.execute(
        f"SELECT title FROM goods "
        f"WHERE title = '{name}' LIMIT {limit}",
    )""",
    "a variable above": """statement = f"SELECT title FROM goods WHERE title = '{name}'"
    print(statement)
    cursor.execute(statement)""",
}


def goods() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE goods (title TEXT)")
    connection.executemany("INSERT INTO goods VALUES (?)", [("tea",), ("coffee",), ("it's 100% tea",)])
    return connection


def run(source: str, **arguments: Any) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "patched.py", "exec"), names)
    return names["find"](goods(), **arguments)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_an_injection_finds_nothing_and_a_name_is_found(call: str) -> None:
    source = SHOP.format(call=call)
    at = "cursor.execute(statement)" if "statement" in call else call

    after = patched(source, at, cwe=89)

    assert after is not None
    assert run(after, name="x' OR '1'='1", limit=9) == []
    assert run(after, name='x" OR "1"="1', limit=9) == []
    assert run(after, name="tea", limit=9) == [("tea",)]
    assert run(after, name="it's 100% tea", limit=9) == [("it's 100% tea",)]


@pytest.mark.parametrize(
    "call",
    [
        """cursor.execute(f"SELECT title FROM goods WHERE title LIKE '%{name}%'")""",
        """cursor.execute("SELECT title FROM goods WHERE title LIKE '%" + name + "%'")""",
        """cursor.execute("SELECT title FROM goods WHERE title LIKE '%%%s%%'" % name)""",
        """cursor.execute("SELECT title FROM goods WHERE title LIKE '%{}%'".format(name))""",
    ],
)
def test_wildcards_move_into_the_value(call: str) -> None:
    after = patched(SHOP.format(call=call), call, cwe=89)

    assert after is not None
    assert run(after, name="off", limit=9) == [("coffee",)]
    assert run(after, name="' OR 1=1 --", limit=9) == []


@pytest.mark.parametrize(
    "call",
    [
        'cursor.execute(f"SELECT * FROM {name}")',
        'cursor.execute(f"SELECT {name} FROM goods")',
        'cursor.execute(f"SELECT * FROM goods ORDER BY {name}")',
        'cursor.execute(f"SELECT * FROM goods WHERE {name}")',
        'cursor.execute(f"SELECT * FROM goods WHERE {name} = 1")',
        'cursor.execute(f"SELECT * FROM goods WHERE id IN ({name})")',
        'cursor.execute(f"INSERT INTO goods VALUES ({name})")',
        'cursor.execute(f"SELECT * FROM goods WHERE id = {name}.id")',
        'cursor.execute(f"SELECT * FROM goods WHERE title = `{name}`")',
        'cursor.execute(f"SELECT * FROM goods WHERE price = {name:.2f}")',
        'cursor.execute(f"SELECT * FROM goods WHERE title = {name!r}")',
        'cursor.execute("SELECT * FROM goods WHERE price = %5.2f" % name)',
        """cursor.execute(f"SELECT * FROM goods WHERE title = '{name}' AND id = ?", (limit,))""",
        """cursor.execute(f"SELECT * FROM goods WHERE day > DATE '{name}'")""",
        """cursor.executescript(f"DELETE FROM goods WHERE title = '{name}'")""",
        'cursor.execute("SELECT * FROM goods")',
        "cursor.execute(name)",
        """statement = f"SELECT * FROM goods WHERE title = '{name}'"
    statement += " ORDER BY title"
    cursor.execute(statement)""",
        """statement = f"SELECT * FROM goods WHERE title = '{name}'"
    limit.send(statement)
    cursor.execute(statement)""",
        """statement = f"SELECT * FROM goods WHERE title = '{name}'"
    name = name.strip()
    cursor.execute(statement)""",
    ],
)
def test_what_cannot_be_bound_for_sure_is_left_alone(call: str) -> None:
    source = SHOP.format(call=call)
    at = call.rpartition("\n")[2].strip()

    assert patched(source, at, cwe=89) is None


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("import psycopg2", """db.execute("UPDATE t SET a = %s WHERE note LIKE %s AND p = '5%%'", (a, f"%{b}%"))"""),
        ("import psycopg", """db.execute("UPDATE t SET a = %s WHERE note LIKE %s AND p = '5%%'", (a, f"%{b}%"))"""),
        ("import MySQLdb", """db.execute("UPDATE t SET a = %s WHERE note LIKE %s AND p = '5%%'", (a, f"%{b}%"))"""),
        ("import sqlite3", """db.execute("UPDATE t SET a = ? WHERE note LIKE ? AND p = '5%'", (a, f"%{b}%"))"""),
        ("import pyodbc", """db.execute("UPDATE t SET a = ? WHERE note LIKE ? AND p = '5%'", (a, f"%{b}%"))"""),
    ],
)
def test_placeholders_follow_the_driver(driver: str, expected: str) -> None:
    call = """db.execute(f"UPDATE t SET a = {a} WHERE note LIKE '%{b}%' AND p = '5%'")"""

    after = patched(f"{driver}\n\n\ndef g(db, a, b):\n    {call}\n", call, cwe=89)

    assert after == f"{driver}\n\n\ndef g(db, a, b):\n    {expected}\n"


def test_an_unknown_driver_has_no_fix() -> None:
    call = "db.execute(f\"DELETE FROM t WHERE a = '{a}'\")"

    assert patched(f"import house\n\n\ndef g(db, a):\n    {call}\n", call, cwe=89) is None


def test_the_driver_is_found_in_the_module_that_gives_the_connection() -> None:
    call = "get_db().execute(f\"DELETE FROM t WHERE a = '{a}'\")"
    source = f"from .store import get_db\n\n\ndef g(a):\n    {call}\n"

    after = patched(source, call, cwe=89, path="shop/views.py", files={"shop/store.py": "import sqlite3\n"})

    assert after is not None
    assert 'get_db().execute("DELETE FROM t WHERE a = ?", (a,))' in after


def test_the_style_follows_the_statements_beside_it() -> None:
    call = "db.execute(f\"DELETE FROM t WHERE a = '{a}'\")"
    source = f'def f(db, b):\n    db.execute("DELETE FROM u WHERE b = %s", (b,))\n\n\ndef g(db, a):\n    {call}\n'

    after = patched(source, call, cwe=89)

    assert after is not None
    assert 'db.execute("DELETE FROM t WHERE a = %s", (a,))' in after


def test_sqlalchemy_gets_a_text_with_names() -> None:
    call = "session.execute(f\"SELECT * FROM t WHERE mail = '{form.mail}' AND age > {age}\")"
    source = f"from sqlalchemy.orm import Session\n\n\ndef g(session: Session, form, age):\n    return {call}\n"

    after = patched(source, call, cwe=89)

    assert after == (
        "from sqlalchemy import text\n"
        "from sqlalchemy.orm import Session\n\n\n"
        "def g(session: Session, form, age):\n"
        '    return session.execute(text("SELECT * FROM t WHERE mail = :mail AND age > :age"),'
        ' {"mail": form.mail, "age": age})\n'
    )


def test_a_text_that_is_there_already_is_kept() -> None:
    source = (
        "from sqlalchemy import create_engine, text\n\n\ndef g(connection, word):\n"
        "    query = text(f\"SELECT * FROM t WHERE word LIKE '{word}%'\")\n    return connection.execute(query)\n"
    )

    after = patched(source, "connection.execute(query)", cwe=89)

    assert after is not None
    assert 'query = text("SELECT * FROM t WHERE word LIKE :word")' in after
    assert 'connection.execute(query, {"word": f"{word}%"})' in after


def test_django_raw_takes_a_list_of_parameters() -> None:
    call = "Person.objects.raw(\"SELECT * FROM person WHERE last = '%s'\" % request.GET['last'])"
    source = f"from django.db import models\n\n\ndef g(request):\n    return {call}\n"

    after = patched(source, call, cwe=89)

    assert after is not None
    assert "Person.objects.raw(\"SELECT * FROM person WHERE last = %s\", (request.GET['last'],))" in after


def test_a_finding_at_the_assignment_is_fixed_too() -> None:
    source = SHOP.format(call=CALLS["a variable above"])

    after = patched(source, "statement = f\"SELECT title FROM goods WHERE title = '{name}'\"", cwe=89)

    assert after is not None
    assert run(after, name="x' OR '1'='1", limit=9) == []


def test_the_files_line_ends_are_kept() -> None:
    source = SHOP.format(call=CALLS["three quotes"]).replace("\n", "\r\n")

    after = patched(source, CALLS["three quotes"].replace("\n", "\r\n"), cwe=89)

    assert after is not None
    assert after.count("\r\n") == after.count("\n")


def test_equal_lines_elsewhere_do_not_confuse_the_edit() -> None:
    line = "db.execute(f\"DELETE FROM t WHERE a = '{a}'\")"
    source = f"import sqlite3\n\n\ndef f(db, a):\n    {line}\n    return 1\n\n\ndef g(db, a):\n    {line}  # here\n    return 2\n"

    after = patched(source, f"{line}  # here", cwe=89)

    assert after is not None
    assert after.count(line) == 1
    assert after.index(line) < after.index('"DELETE FROM t WHERE a = ?", (a,)')
