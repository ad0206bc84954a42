"""Values in HTML are escaped where escaping suffices; scripts, links and unquoted attributes are left to people."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.recipes.patching import patched

EVIL = "<script>alert('x')</script>"


@pytest.mark.parametrize(
    "text",
    [
        'f"<h1>Hello {name}</h1>"',
        '"<h1>Hello " + name + "</h1>"',
        '"<h1>Hello %s</h1>" % name',
        '"<h1>Hello {}</h1>".format(name)',
        '"<h1>Hello {n}</h1>".format(n=name)',
        "f\"<input value='{name}'>\"",
        'f"<h1>Hello {name}</h1>", 404',
    ],
)
@pytest.mark.parametrize("head", ["import markupsafe", "import json"])
def test_python_pages_show_the_value_as_text(text: str, head: str) -> None:
    after = patched(f"{head}\n\n\ndef page(name):\n    return {text}\n", f"return {text}", cwe=79)
    names: dict[str, Any] = {}

    assert after is not None
    exec(compile(after, "patched.py", "exec"), names)
    assert EVIL not in str(names["page"](EVIL))
    assert "&lt;script&gt;" in str(names["page"](EVIL))
    assert "&amp;" not in str(names["page"](EVIL))


@pytest.mark.parametrize(
    "text",
    [
        'f"<script>var a = {name}</script>"',
        "f\"<a href='{name}'>x</a>\"",
        'f"<p class={name}>x</p>"',
        "f\"<p onclick='{name}'>x</p>\"",
        'f"<p>{escape(name)}</p>"',
        'f"<p>{render(name)}</p>"',
        'f"<div>{table_html}</div>"',
        'f"Hello {name}"',
        '"<p>Hello</p>"',
    ],
)
def test_python_pages_where_escaping_does_not_suffice_are_left_alone(text: str) -> None:
    source = f"from markupsafe import escape\n\n\ndef page(name):\n    return {text}\n"

    assert patched(source, f"return {text}", cwe=79) is None


def test_the_escape_of_the_framework_is_used() -> None:
    source = (
        "from django.http import HttpResponse\n\n\ndef view(request):\n"
        "    return HttpResponse(f\"<p>{request.GET['q']}</p>\")\n"
    )

    after = patched(source, "HttpResponse(f", cwe=79)

    assert after is not None
    assert "from django.utils.html import escape\n" in after
    assert "HttpResponse(f\"<p>{escape(request.GET['q'])}</p>\")" in after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('f"<b>{name}</b>"', 'format_html("<b>{}</b>", name)'),
        ('"<b>" + name + "</b>"', 'format_html("<b>{}</b>", name)'),
        ("\"<b style='a{}'>%s</b>\" % name", "format_html(\"<b style='a{{}}'>{}</b>\", name)"),
    ],
)
def test_mark_safe_becomes_format_html(text: str, expected: str) -> None:
    source = f"from django.utils.safestring import mark_safe\n\n\ndef bold(name):\n    return mark_safe({text})\n"

    after = patched(source, f"mark_safe({text})", cwe=79)

    assert after is not None
    assert f"return {expected}\n" in after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('f"<b>{name}</b>"', 'render_template_string("<b>{{ name }}</b>", name=name)'),
        (
            "'<b>%s</b>' % request.args.get('who')",
            "render_template_string('<b>{{ who }}</b>', who=request.args.get('who'))",
        ),
        ('"<b>" + name + "</b>" + name', 'render_template_string("<b>{{ name }}</b>{{ name }}", name=name)'),
    ],
)
def test_a_template_is_given_its_values(text: str, expected: str) -> None:
    source = f"from flask import render_template_string, request\n\n\ndef view(name):\n    return render_template_string({text})\n"

    after = patched(source, f"render_template_string({text})", cwe=1336)

    assert after is not None
    assert f"return {expected}\n" in after


@pytest.mark.parametrize(
    ("head", "before", "after"),
    [
        (
            "const escapeHtml = require('escape-html');",
            "res.send(`<h1>${req.body.name}</h1>`);",
            "res.send(`<h1>${escapeHtml(req.body.name)}</h1>`);",
        ),
        (
            "const _ = require('lodash');",
            "res.send('<h1>' + name + '</h1>');",
            "res.send('<h1>' + _.escape(name) + '</h1>');",
        ),
        (
            "import { encode } from 'he';",
            "res.status(404).send(`<p>${path}</p>`);",
            "res.status(404).send(`<p>${encode(path)}</p>`);",
        ),
    ],
)
def test_javascript_answers_use_the_library_that_is_there(head: str, before: str, after: str) -> None:
    assert patched(f"{head}\n\n{before}\n", before, cwe=79, path="a.js") == f"{head}\n\n{after}\n"


@pytest.mark.parametrize(
    "call",
    [
        "res.send(`<h1>${name}</h1>`)",
        "res.send(`<script>${name}</script>`)",
        "box.innerHTML = renderCard(name)",
        "box.innerHTML = html",
    ],
)
def test_javascript_without_a_library_or_with_html_in_mind_is_left_alone(call: str) -> None:
    assert patched(f"{call};\n", call, cwe=79, path="a.js") is None


@pytest.mark.parametrize(
    "value", ["name", "`Hello ${name}`", "'Hello ' + user.name", "new URLSearchParams(location.search).get('q')"]
)
def test_a_text_is_shown_as_text(value: str) -> None:
    assert (
        patched(f"box.innerHTML = {value};\n", f"box.innerHTML = {value}", cwe=79, path="a.js")
        == f"box.textContent = {value};\n"
    )


@pytest.mark.parametrize(
    ("imports", "escape"),
    [
        ("org.owasp.encoder.Encode", "Encode.forHtml"),
        ("org.springframework.web.util.HtmlUtils", "HtmlUtils.htmlEscape"),
        ("org.apache.commons.text.StringEscapeUtils", "StringEscapeUtils.escapeHtml4"),
    ],
)
def test_java_uses_the_library_that_is_there(imports: str, escape: str) -> None:
    call = 'out.println("<p>" + request.getParameter("q") + "</p>");'
    source = f"import {imports};\n\nclass A {{ void f() {{\n    {call}\n}} }}\n"

    after = patched(source, call, cwe=79, path="A.java")

    assert after is not None
    assert f'out.println("<p>" + {escape}(request.getParameter("q")) + "</p>");' in after
