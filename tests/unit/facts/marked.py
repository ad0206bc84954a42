"""Findings from small pieces of code in which « and » stand around what the rule matched."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from _pytest.mark import ParameterSet

from findings.context import FindingContext, RuleContext, Span
from triage.answers import Verdict
from triage.facts import Fact, FactKind, Leaning, Strength, gather, verdict_by_place, verdict_without_model

SQL = ("sql-built-by-hand", "CWE-89")
COMMAND = ("command-injection", "CWE-78")
XSS = ("reflected-xss", "CWE-79")
PATH = ("path-traversal", "CWE-22")
CODE = ("eval-detected", "CWE-95")
SSRF = ("server-side-request", "CWE-918")
REDIRECT = ("open-redirect", "CWE-601")
PICKLE = ("avoid-unsafe-yaml", "CWE-502")
MD5 = ("insecure-hash-md5", "CWE-328")
RANDOM = ("weak-random", "CWE-330")
DES = ("des-is-deprecated", "CWE-327")
SECURE_COOKIE = ("cookie-missing-secure", "CWE-614")
SCRIPT_COOKIE = ("cookie-missing-httponly", "CWE-1004")
SECRET = ("hardcoded-secret", "CWE-798")
CERTIFICATE = ("disabled-cert-validation", "CWE-295")
DEBUG = ("debug-enabled", "CWE-489")
JWT = ("jwt-unverified", "CWE-347")
CORS = ("cors-misconfiguration", "CWE-942")
TEMPORARY = ("tempfile-insecure", "CWE-377")

Case = tuple[FactKind, tuple[str, str], str, str]


def finding(code: str, rule: tuple[str, str], path: str) -> FindingContext:
    """Return the finding whose match is marked in the code."""
    text = dedent(code).lstrip("\n")
    start, end = text.index("«"), text.index("»") - 1
    source = text.replace("«", "").replace("»", "")
    before, matched = source[:start], source[:end]
    span = Span(
        before.count("\n") + 1,
        start - (before.rfind("\n") + 1) + 1,
        matched.count("\n") + 1,
        end - (matched.rfind("\n") + 1) + 1,
    )
    name, cwe = rule
    return FindingContext(RuleContext(name, "", "ERROR", (cwe,)), path, span, source)


def facts_in(code: str, rule: tuple[str, str], path: str) -> tuple[Fact, ...]:
    """Return what is known about the marked finding."""
    return gather(finding(code, rule, path))


def kinds_in(code: str, rule: tuple[str, str], path: str) -> set[FactKind]:
    """Return the kinds of what is known."""
    return {fact.kind for fact in facts_in(code, rule, path)}


def strong_safe_kinds_in(code: str, rule: tuple[str, str], path: str) -> set[FactKind]:
    """Return the kinds of what speaks for a false positive with strength."""
    facts = facts_in(code, rule, path)
    return {fact.kind for fact in facts if fact.leaning is Leaning.SAFE and fact.strength is Strength.STRONG}


def verdict_on(code: str, rule: tuple[str, str], path: str, *, test_paths_decide: bool = False) -> Verdict:
    """Return the verdict without a model, by the place alone where that is to decide."""
    context = finding(code, rule, path)
    facts = gather(context)
    by_place = verdict_by_place(context, facts) if test_paths_decide else None
    return (by_place or verdict_without_model(context, facts)).verdict


def named(cases: list[Case]) -> list[ParameterSet]:
    """Return cases as parameters of a test, each under a name."""
    return [pytest.param(*case, id=f"{case[0]} in {case[2]}, {number}") for number, case in enumerate(cases, start=1)]


def flask_route(body: str, before: str = "") -> str:
    """Return a Flask route with a body."""
    imports = "from flask import Flask, make_response, request\nimport os, html, subprocess, re, sqlite3"
    head = f"{imports}\n\napp = Flask(__name__)\n"
    return f'{head}{before}\n\n@app.route("/x")\ndef handler():\n{indent(body, "    ")}\n'


def express_route(body: str, before: str = "") -> str:
    """Return an Express route with a body."""
    head = "const express = require('express');\nconst app = express();\n"
    return f"{head}{before}\napp.get('/x', (req, res) => {{\n{body}\n}});\n"


def servlet(body: str, before: str = "", imports: str = "") -> str:
    """Return a servlet whose method has a body."""
    head = f"import javax.servlet.http.*;\nimport java.util.*;\n{imports}\n"
    opening = f"public class Page extends HttpServlet {{\n{before}\n"
    method = "  protected void doGet(HttpServletRequest request, HttpServletResponse response) throws Exception {"
    return f"{head}{opening}{method}\n{body}\n  }}\n}}\n"
