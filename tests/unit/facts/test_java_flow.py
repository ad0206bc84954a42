"""Verdicts without a model on Java: what flows, what is checked, what is not known."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.unit.facts.marked import COMMAND, SQL, XSS, servlet, verdict_on
from triage.answers import Verdict


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = request.getParameter("n");
                «stmt.executeQuery("SELECT " + n)»;
                """).strip()
            ),
            id="a parameter put into the query",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                PreparedStatement ps = connection.prepareStatement("SELECT " + request.getParameter("n"));
                «ps.executeQuery()»;
                """).strip()
            ),
            id="a prepared statement built from a parameter",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                StringBuilder sb = new StringBuilder("SELECT ");
                sb.append(request.getParameter("n"));
                «stmt.executeQuery(sb.toString())»;
                """).strip()
            ),
            id="a builder that takes a parameter",
        ),
        pytest.param(
            COMMAND,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                ProcessBuilder pb = new ProcessBuilder("sh", "-c", request.getParameter("c"));
                «pb.start()»;
                """).strip()
            ),
            id="a process built from a parameter",
        ),
        pytest.param(
            COMMAND,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                List<String> l = new ArrayList<>();
                ProcessBuilder pb = new ProcessBuilder(l);
                l.add(request.getParameter("c"));
                «pb.start()»;
                """).strip()
            ),
            id="a process built from a list that is filled later",
        ),
        pytest.param(
            XSS,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = request.getParameter("n");
                «response.getWriter().println("<b>" + n)»;
                """).strip()
            ),
            id="a parameter written into the page",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = Encode.forHtml(request.getParameter("n"));
                «stmt.executeQuery("SELECT " + n)»;
                """).strip(),
                imports="import org.owasp.encoder.Encode;",
            ),
            id="an HTML encoder before SQL",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = clean(request.getParameter("n"));
                «stmt.executeQuery("SELECT " + n)»;
                """).strip(),
                before="  private static String clean(String s) { return s.trim(); }",
            ),
            id="a method of the class that trims",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                Map<String,String> m = new HashMap<>();
                m.put("a", "x"); m.put("b", request.getParameter("n"));
                «stmt.executeQuery("SELECT " + m.get("b"))»;
                """).strip()
            ),
            id="the entry of a table that took the parameter",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = request.getParameter("n");
                switch (mode) { case 1: n = "x"; break; default: break; }
                «stmt.executeQuery("SELECT " + n)»;
                """).strip()
            ),
            id="a switch with one fixed case",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n;
                switch (mode) {
                  case 1: n = request.getParameter("n");
                  case 2: n = "x"; break;
                  default: n = request.getParameter("n");
                }
                «stmt.executeQuery("SELECT " + n)»;
                """).strip()
            ),
            id="a switch that falls through",
        ),
        pytest.param(
            SQL,
            "src/C.java",
            dedent("""
                @RestController
                class C {
                  @GetMapping("/x")
                  String x(@RequestParam String n) {
                    return «jdbc.queryForObject("SELECT " + n, String.class)»;
                  }
                }
                """),
            id="a text parameter of a Spring route",
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
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = "x";
                «stmt.executeQuery("SELECT " + n)»;
                """).strip()
            ),
            id="a value fixed in the code",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                int n = Integer.parseInt(request.getParameter("n"));
                «stmt.executeQuery("SELECT " + n)»;
                """).strip()
            ),
            id="a parameter made an integer",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                PreparedStatement ps = «connection.prepareStatement("SELECT ?")»;
                ps.setString(1, request.getParameter("n"));
                """).strip()
            ),
            id="a prepared text with bound values",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                PreparedStatement ps = connection.prepareStatement("SELECT ?");
                ps.setString(1, request.getParameter("n"));
                «ps.executeQuery()»;
                """).strip()
            ),
            id="a prepared statement run later",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                StringBuilder sb = new StringBuilder("SELECT ");
                sb.append("x").append("y");
                «stmt.executeQuery(sb.toString())»;
                """).strip()
            ),
            id="a builder of fixed texts",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String c = request.getParameter("c");
                if (!COLUMNS.contains(c)) { throw new IllegalArgumentException(); }
                «stmt.executeQuery("SELECT " + c)»;
                """).strip(),
                before='  private static final Set<String> COLUMNS = Set.of("a", "b");',
            ),
            id="a check against a list of the class",
        ),
        pytest.param(
            COMMAND,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                ProcessBuilder pb = new ProcessBuilder("ls", "-l");
                «pb.start()»;
                """).strip()
            ),
            id="a process with fixed arguments",
        ),
        pytest.param(
            XSS,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = Encode.forHtml(request.getParameter("n"));
                «response.getWriter().println("<b>" + n)»;
                """).strip(),
                imports="import org.owasp.encoder.Encode;",
            ),
            id="an encoded parameter written into the page",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String n = clean(request.getParameter("n"));
                «stmt.executeQuery("SELECT " + n)»;
                """).strip(),
                before="  private static String clean(String s) { return String.valueOf(Integer.parseInt(s)); }",
            ),
            id="a method of the class that makes a number",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                Map<String,String> m = new HashMap<>();
                m.put("a", "x"); m.put("b", request.getParameter("n"));
                «stmt.executeQuery("SELECT " + m.get("a"))»;
                """).strip()
            ),
            id="another entry of the table",
        ),
        pytest.param(
            SQL,
            "src/C.java",
            dedent("""
                @RestController
                class C {
                  @GetMapping("/x")
                  String x(@RequestParam Long n) {
                    return «jdbc.queryForObject("SELECT " + n, String.class)»;
                  }
                }
                """),
            id="a number parameter of a Spring route",
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
            "src/main/java/Page.java",
            servlet(
                dedent("""
                String c = request.getParameter("c");
                if (!COLUMNS.contains(c)) { throw new IllegalArgumentException(); }
                «stmt.executeQuery("SELECT " + c)»;
                """).strip(),
                before="  private static Set<String> COLUMNS = load();",
            ),
            id="a check against a list from elsewhere",
        ),
        pytest.param(
            COMMAND,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                ProcessBuilder pb = new ProcessBuilder("ls", "-l");
                tune(pb, request);
                «pb.start()»;
                """).strip()
            ),
            id="a builder handed to a method that is not here",
        ),
        pytest.param(
            COMMAND,
            "src/main/java/Page.java",
            servlet(
                dedent("""
                ProcessBuilder pb = new ProcessBuilder("ls", "-l");
                Tuner.tune(pb, request);
                «pb.start()»;
                """).strip()
            ),
            id="a builder handed to another class",
        ),
        pytest.param(
            SQL,
            "src/main/java/Page.java",
            servlet('«stmt.executeQuery("SELECT " + this.name)»;', before='  private String name = "x";'),
            id="a field that can be set",
        ),
        pytest.param(
            SQL,
            "src/C.java",
            dedent("""
                class C {
                  String x(String n) {
                    return «jdbc.queryForObject("SELECT " + n, String.class)»;
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
