"""SQL in Java: a Statement becomes a PreparedStatement, its values are set by their declared types."""

from __future__ import annotations

import pytest

from tests.unit.recipes.patching import patched

IMPORTS = "package shop;\n\nimport java.sql.*;\n\n"


def method(body: str, parameters: str = "Connection connection, String name, int age", imports: str = IMPORTS) -> str:
    return f"{imports}class Store {{\n    void find({parameters}) throws Exception {{\n{body}\n    }}\n}}\n"


def test_a_statement_is_prepared_and_its_values_are_set_by_type() -> None:
    source = method(
        "        Statement query = connection.createStatement();\n"
        '        ResultSet rows = query.executeQuery("SELECT * FROM t WHERE name = \'" + name + "\' AND age > " + age);'
    )

    after = patched(source, "query.executeQuery", cwe=89, path="Store.java")

    assert after == method(
        '        PreparedStatement query = connection.prepareStatement("SELECT * FROM t WHERE name = ? AND age > ?");\n'
        "        query.setString(1, name);\n"
        "        query.setInt(2, age);\n"
        "        ResultSet rows = query.executeQuery();"
    )


def test_the_class_is_imported_in_alphabetical_order() -> None:
    imports = "package shop;\n\nimport java.sql.Connection;\nimport java.sql.Statement;\nimport java.util.List;\n\n"
    body = (
        "        Statement s = connection.createStatement();\n"
        '        s.executeUpdate("DELETE FROM t WHERE name = \'" + name + "\'");'
    )

    after = patched(method(body, imports=imports), "s.executeUpdate", cwe=89, path="Store.java")

    assert after is not None
    assert "import java.sql.Connection;\nimport java.sql.PreparedStatement;\nimport java.sql.Statement;\n" in after
    assert "s.setString(1, name);\n        s.executeUpdate();" in after


def test_a_query_declared_above_stays_where_it_is() -> None:
    source = method(
        '        String sql = "SELECT * FROM t"\n'
        '            + " WHERE name LIKE \'%" + name + "%\'";\n'
        "        try (Statement s = connection.createStatement()) {\n"
        "            ResultSet rows = s.executeQuery(sql);\n"
        "        }"
    )

    after = patched(source, "s.executeQuery(sql)", cwe=89, path="Store.java")

    assert after is not None
    assert '" WHERE name LIKE ?";' in after
    assert "try (PreparedStatement s = connection.prepareStatement(sql)) {" in after
    assert 's.setString(1, "%" + name + "%");\n            ResultSet rows = s.executeQuery();' in after


def test_a_chained_call_becomes_three_statements() -> None:
    source = method(
        '        return connection.createStatement().executeQuery("SELECT 1 FROM t WHERE a = \'" + name + "\'");'
    )

    after = patched(source, "connection.createStatement().executeQuery", cwe=89, path="Store.java")

    assert after is not None
    assert (
        '        PreparedStatement statement = connection.prepareStatement("SELECT 1 FROM t WHERE a = ?");\n'
        "        statement.setString(1, name);\n"
        "        return statement.executeQuery();"
    ) in after


def test_values_in_the_text_of_a_prepared_statement_are_bound() -> None:
    source = method(
        '        PreparedStatement s = connection.prepareStatement("SELECT 1 FROM t WHERE a = \'" + name + "\'");\n'
        "        ResultSet rows = s.executeQuery();"
    )

    after = patched(source, "connection.prepareStatement", cwe=89, path="Store.java")

    assert after is not None
    assert (
        '        PreparedStatement s = connection.prepareStatement("SELECT 1 FROM t WHERE a = ?");\n'
        "        s.setString(1, name);\n"
        "        ResultSet rows = s.executeQuery();"
    ) in after


def test_spring_gets_its_values_last() -> None:
    imports = "import org.springframework.jdbc.core.JdbcTemplate;\n\n"
    source = method(
        '        jdbcTemplate.queryForObject("SELECT id FROM t WHERE name = \'" + name + "\'", Integer.class);',
        imports=imports,
    )

    after = patched(source, "jdbcTemplate.queryForObject", cwe=89, path="Store.java")

    assert after is not None
    assert 'jdbcTemplate.queryForObject("SELECT id FROM t WHERE name = ?", Integer.class, name);' in after


def test_jpa_sets_its_values_on_the_query() -> None:
    imports = "import jakarta.persistence.EntityManager;\n\n"
    source = method(
        '        manager.createQuery("FROM Person p WHERE p.name = \'" + name + "\'").getResultList();', imports=imports
    )

    after = patched(source, "manager.createQuery", cwe=564, path="Store.java")

    assert after is not None
    assert 'manager.createQuery("FROM Person p WHERE p.name = ?1").setParameter(1, name).getResultList();' in after


@pytest.mark.parametrize(
    ("body", "at"),
    [
        pytest.param(
            '        Statement s = connection.createStatement();\n        s.executeQuery("SELECT * FROM " + name);',
            's.executeQuery("SELECT * FROM " + name)',
            id="a table",
        ),
        pytest.param(
            "        Statement s = connection.createStatement();\n"
            '        s.execute("SET x = 1");\n'
            '        s.executeQuery("SELECT * FROM t WHERE a = \'" + name + "\'");',
            "s.executeQuery",
            id="a statement that runs twice",
        ),
        pytest.param(
            "        try (Statement s = connection.createStatement();\n"
            '             ResultSet r = s.executeQuery("SELECT * FROM t WHERE a = \'" + name + "\'")) {\n        }',
            "s.executeQuery",
            id="a result among the resources",
        ),
        pytest.param(
            "        Statement s = connection.createStatement();\n"
            '        s.executeQuery("SELECT * FROM t WHERE a = " + lookup(name));',
            "s.executeQuery",
            id="a value of an unknown type",
        ),
        pytest.param(
            "        Statement s = connection.createStatement(1, 2);\n"
            '        s.executeQuery("SELECT * FROM t WHERE a = \'" + name + "\'");',
            "s.executeQuery",
            id="a statement with options",
        ),
        pytest.param(
            '        String sql = "SELECT * FROM t WHERE a = \'" + name + "\'";\n'
            "        name = name.trim();\n"
            "        Statement s = connection.createStatement();\n        s.executeQuery(sql);",
            "s.executeQuery(sql)",
            id="a value that changes in between",
        ),
        pytest.param("        query.executeQuery(name);", "query.executeQuery(name)", id="no text in sight"),
    ],
)
def test_what_cannot_be_prepared_for_sure_is_left_alone(body: str, at: str) -> None:
    assert patched(method(body), at, cwe=89, path="Store.java") is None
