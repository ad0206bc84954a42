"""Soundness on Java: code that a hasty reader could take for harmless, and that must not be called so."""

from __future__ import annotations

import pytest

from tests.unit.facts.marked import PATH, SQL, servlet, verdict_on
from triage.answers import Verdict

TEMPTING = [
    (SQL, servlet('String x = "a";\nif (request.getParameter("x") != null) { x = request.getParameter("x"); }\n'
     "«st.execute(x)»;")),
    (SQL, servlet('String[] p = {"a", "b"};\np[0] = request.getParameter("x");\n«st.execute(p[0])»;')),
    (SQL, servlet("String[] p = new String[2];\nfill(p, request);\n«st.execute(p[0])»;",
     before='  void fill(String[] q, HttpServletRequest r) { q[0] = r.getParameter("x"); }')),
    (SQL, servlet('List<String> l = new ArrayList<>();\nl.add("a");\n'
     'l.addAll(Arrays.asList(request.getParameterValues("x")));\n«st.execute(l.get(0))»;')),
    (SQL, servlet("Iterator<String> it = names.iterator();\n«st.execute(it.next())»;")),
    (SQL, servlet('StringBuilder a = new StringBuilder("a");\nStringBuilder b = a;\n'
     'b.append(request.getParameter("x"));\n«st.execute(a.toString())»;')),
    (SQL, servlet('StringBuilder a = new StringBuilder("a");\nmore(a, request);\n«st.execute(a.toString())»;',
     before='  void more(StringBuilder s, HttpServletRequest r) { s.append(r.getParameter("x")); }')),
    (SQL, servlet('String x = clean(request.getParameter("x"));\n«st.execute(x)»;',
     before='  protected String clean(String s) { return "a"; }\n'
            "  protected String clean(Object s) { return s.toString(); }")),
    (SQL, servlet('String x = other.clean(request.getParameter("x"));\n«st.execute(x)»;',
     before='  String clean(String s) { return "a"; }')),
    (SQL, servlet("«st.execute(TABLE)»;",
     before='  static String TABLE = "a";')),
    (SQL, servlet('Holder h = new Holder("a");\nh.set(request.getParameter("x"));\n«st.execute(h.get())»;',
     before="  static class Holder { String v; Holder(String s) { v = s; } "
     "void set(String s) { v = s; } String get() { return v; } }")),
    (SQL, servlet('Optional<String> o = Optional.ofNullable(request.getParameter("x"));\n'
     '«st.execute(o.orElse("a"))»;')),
    (SQL, servlet('String x = System.getProperty(request.getParameter("x"));\n«st.execute(x)»;')),
    (SQL, servlet('char c = request.getParameter("x").charAt(0);\n«st.execute("" + c)»;')),
    (SQL, servlet('int x = 0;\nString s = x > 0 ? "a" : request.getParameter("s");\n«st.execute(s)»;')),
    (SQL, servlet('for (int i = 0; i < 2; i++) { if (i == 1) { s = request.getParameter("s"); } }\n'
     "«st.execute(s)»;")),
    (SQL, servlet('String s = "a";\n'
     'for (int i = 0; i < 2; i++) { if (i == 1) { s = request.getParameter("s"); } }\n'
     "«st.execute(s)»;")),
    (SQL, servlet('String s = "a";\nint i = 0;\n'
     'while (i < 5) { i++; if (i == 4) s = request.getParameter("s"); }\n«st.execute(s)»;')),
    (SQL, servlet('String s = "a";\ndo { «st.execute(s)»; s = request.getParameter("s"); } while (s != null);')),
    (SQL, servlet('String s = "a";\nRunnable r = () -> { «st.execute(this.q)»; };')),
    (SQL, servlet('String s = switch (mode) { case 1 -> "a"; default -> request.getParameter("s"); };\n'
     "«st.execute(s)»;")),
    (PATH, servlet('File f = new File(System.getProperty("user.dir"), request.getParameter("s"));\n«f.delete()»;')),
    (PATH, servlet('String s = FilenameUtils.getName(request.getParameter("s"));\n'
     's = request.getParameter("d") + s;\n«new File(s)»;',
     imports="import org.apache.commons.io.FilenameUtils;")),
    (SQL,
     ("class C {\n  private final String t;\n  C(String t) { this.t = t; }\n"
      '  void x() { «jdbc.execute("S" + t)»; }\n}\n')),
    (SQL,
     ('class C extends Base {\n  void x() { String s = build(); «jdbc.execute("S" + s)»; }\n'
      '  String build() { return "a"; }\n}\n'
      'class D extends C { String build() { return req.getParameter("x"); } }\n')),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "code"), TEMPTING)
def test_what_is_not_shown_harmless_is_never_a_false_positive(rule: tuple[str, str], code: str) -> None:
    verdict = verdict_on(code, rule, "shop/Page.java")

    assert verdict is not Verdict.FALSE_POSITIVE
