"""Values that reach a page as HTML, escaped where the page is written."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes import java_text, javascript_text
from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    arguments_of,
    named,
    recipe,
    replaced,
    text_of,
    within,
)
from remediation.recipes.html_context import escaping_suffices, is_html
from remediation.recipes.imports import Imported
from remediation.recipes.imports_java import java_import
from remediation.recipes.imports_javascript import javascript_imports
from remediation.recipes.imports_python import python_full_name, python_name, python_packages
from remediation.recipes.python_text import TextParts, is_text, text_parts
from remediation.recipes.python_variables import given_text
from remediation.recipes.sql_text import Literal, Part, Value, decoded

SPEAKS_OF_HTML = re.compile(
    r"html|markup|template|tpl|svg|content|render|\bdom\b|purify|body|fragment|icon", re.IGNORECASE
)
ESCAPED = re.compile(
    r"(?:^|[._])(?:escape\w*|html_escape|htmlEscape|forHtml\w*|quote|urlencode|encode\w*|int|float|len|str\(escape)\(",
    re.IGNORECASE,
)
RESPONSES = frozenset(
    {"make_response", "Response", "HttpResponse", "HTMLResponse", "HttpResponseBadRequest", "HttpResponseNotFound"}
)
# Packages that bring an `escape` which takes any value, not texts only.
ESCAPE_ANYTHING = frozenset({"flask", "markupsafe", "jinja2", "django"})
EXPLANATION = (
    "The value is escaped where it is put into the page, so that it is shown as text and never read as HTML. "
    "Check that it is not escaped a second time elsewhere."
)


def escape_in_python(case: Case) -> Draft | None:
    """Escape the values that a returned or answered HTML text is put together from."""
    for node in _python_texts(case):
        given = given_text(node)
        found = given.parts if given is not None else None
        if found is None or not _may_be_escaped(found.parts):
            continue
        escape = _python_escape(case)
        if escape is None:
            return None
        changes = _escaped_in_place(
            found, escape.name, takes_texts_only=not python_packages(case.code) & ESCAPE_ANYTHING
        )
        if changes:
            return Draft((*escape.changes, *changes), EXPLANATION)
    return None


def _python_texts(case: Case) -> list[Node]:
    texts = [node.named_children[0] for node in case.nodes("return_statement") if node.named_children]
    for call in case.nodes("call"):
        if text_of(named(call, "function")).rpartition(".")[2] in RESPONSES:
            texts += arguments_of(call)[:1]
    # `return "…", 404`: the text is the first of several.
    return [
        node.named_children[0] if node.type in {"tuple", "expression_list"} and node.named_children else node
        for node in texts
    ]


def _python_escape(case: Case) -> Imported | None:
    packages = python_packages(case.code)
    if "django" in packages:
        return python_name(case.code, "django.utils.html", "escape")
    if packages & ESCAPE_ANYTHING:
        return python_name(case.code, "markupsafe", "escape")
    return python_name(case.code, "html", "escape")


def _escaped_in_place(found: TextParts, escape: str, *, takes_texts_only: bool) -> list[Change]:
    """Wrap each value where it stands; a value that is escaped already, or is a number, stays."""
    changes = []
    for node in _value_nodes(found.expression):
        if ESCAPED.search(text_of(node)):
            continue
        value = f"str({text_of(node)})" if takes_texts_only else text_of(node)
        # In a sum, what markupsafe returns would escape the tags beside it too.
        changes.append(replaced(node, f"str({escape}({value}))" if _is_operand(node) else f"{escape}({value})"))
    return changes


def _is_operand(node: Node) -> bool:
    return (
        node.parent is not None
        and node.parent.type == "binary_operator"
        and text_of(named(node.parent, "operator")) == "+"
    )


def _value_nodes(node: Node) -> list[Node]:
    """Return the expressions that stand for values in a text that `text_parts` could take apart."""
    if node.type == "parenthesized_expression":
        return _value_nodes(node.named_children[0])
    if node.type in {"string", "concatenated_string"}:
        return [each.named_children[0] for each in within(node, "interpolation")]
    if node.type == "call":
        given = arguments_of(node)
        return [named(each, "value") or each if each.type == "keyword_argument" else each for each in given]
    left, right = named(node, "left"), named(node, "right")
    if left is None or right is None:
        return []
    if text_of(named(node, "operator")) == "%":
        if right.type == "dictionary":
            return [value for value in (named(pair, "value") for pair in right.named_children) if value is not None]
        return list(right.named_children) if right.type in {"tuple", "parenthesized_expression"} else [right]
    return [each for side in (left, right) for each in (_value_nodes(side) if is_text(side) else [side])]


def format_html(case: Case) -> Draft | None:
    """Turn Django's `mark_safe` of a text with values into `format_html`, which escapes them."""
    for call in case.nodes("call"):
        function, arguments = named(call, "function"), arguments_of(call)
        if python_full_name(case.code, text_of(function)) != "django.utils.safestring.mark_safe" or len(arguments) != 1:
            continue
        found = text_parts(arguments[0])
        if found is None or function is None or not escaping_suffices(found.parts) or _holds_html(found.parts):
            continue
        texts = [
            part.raw.replace("{", "{{").replace("}", "}}") if isinstance(part, Literal) else "{}"
            for part in found.parts
        ]
        literal = found.rebuilt(case.code, texts)
        known = python_name(case.code, "django.utils.html", "format_html")
        if literal is None or known is None:
            return None
        values = [part.source for part in found.parts if isinstance(part, Value)]
        new = ", ".join([literal, *values])
        return Draft((*known.changes, replaced(function, known.name), replaced(arguments[0], new)), EXPLANATION)
    return None


def pass_to_template(case: Case) -> Draft | None:
    """Turn `render_template_string(f"… {value}")` into a constant template that is given the value."""
    for call in case.nodes("call"):
        arguments = arguments_of(call)
        if (
            python_full_name(case.code, text_of(named(call, "function"))) != "flask.render_template_string"
            or not arguments
        ):
            continue
        found = text_parts(arguments[0])
        if found is None or not escaping_suffices(found.parts) or _holds_html(found.parts):
            continue
        given: dict[str, str] = {}
        texts = []
        for part in found.parts:
            if isinstance(part, Literal):
                texts.append(part.raw)
                continue
            name = _template_name(part.source, given)
            given[name] = part.source
            texts.append(f"{{{{ {name} }}}}")
        literal = found.rebuilt(case.code, texts)
        taken = {text_of(named(each, "name")) for each in arguments[1:]}
        if literal is None or taken & given.keys():
            continue
        new = ", ".join([literal, *(f"{name}={value}" for name, value in given.items())])
        return Draft(
            (replaced(arguments[0], new),),
            "The template is constant and is given the value, which Flask escapes; no value can be a template. "
            "Check that it holds no HTML that is meant to be shown.",
        )
    return None


def _template_name(source: str, given: dict[str, str]) -> str:
    words = re.findall(r"[A-Za-z_]\w*", source) or ["value"]
    name = words[-1].lower()
    return name if given.get(name, source) == source else f"{name}_{len(given) + 1}"


def escape_in_javascript(case: Case) -> Draft | None:
    """Escape the values in the HTML of `res.send(…)`, by the library that the file imports for it."""
    escape = _javascript_escape(case)
    if not escape:
        return None
    for call in case.nodes("call_expression"):
        if not re.search(
            r"\b(?:res|resp|response)\.(?:status\(\d+\)\.)?(?:send|write|end)$", text_of(named(call, "function"))
        ):
            continue
        found = javascript_text.text_parts(arguments_of(call)[0]) if arguments_of(call) else None
        if found is None or not _may_be_escaped(found.parts):
            continue
        nodes = [each.named_children[0] for each in within(found.expression, "template_substitution")]
        nodes += _javascript_operands(found.expression)
        changes = [replaced(node, f"{escape}({text_of(node)})") for node in nodes if not ESCAPED.search(text_of(node))]
        if changes:
            return Draft(tuple(changes), EXPLANATION)
    return None


def _javascript_operands(node: Node) -> list[Node]:
    if node.type == "parenthesized_expression":
        return _javascript_operands(node.named_children[0])
    if node.type != "binary_expression":
        return []
    sides = [side for side in (named(node, "left"), named(node, "right")) if side is not None]
    return [
        each for side in sides for each in (_javascript_operands(side) if javascript_text.is_text(side) else [side])
    ]


def _javascript_escape(case: Case) -> str:
    """Return the call that escapes HTML, from a library that the file has; empty where it has none."""
    own = {"escape-html": "", "he": ".encode", "lodash": ".escape", "underscore": ".escape", "validator": ".escape"}
    for each in javascript_imports(case.code):
        if each.module in own and each.bound:
            return f"{each.bound}{own[each.module]}"
        if each.module in own and own[each.module].removeprefix(".") in each.names:
            return each.names[own[each.module].removeprefix(".")]
    return ""


def text_content(case: Case) -> Draft | None:
    """Turn `element.innerHTML = text` into `textContent`, where nothing says that the text is HTML."""
    for assignment in case.nodes("assignment_expression"):
        target, value = named(assignment, "left"), named(assignment, "right")
        part = named(target, "property") if target is not None else None
        if (
            part is None
            or value is None
            or text_of(part) not in {"innerHTML", "outerHTML"}
            or text_of(part) == "outerHTML"
        ):
            continue
        if _may_be_html(value):
            continue
        return Draft(
            (replaced(part, "textContent"),),
            "The value is shown as text and never read as HTML. Check that it holds no markup that is meant to work.",
        )
    return None


def _may_be_html(value: Node) -> bool:
    given = javascript_text.given_text(value)
    if given is not None:
        constant = "".join(decoded(part.raw) for part in given.parts if isinstance(part, Literal))
        source = " ".join(part.source for part in given.parts if isinstance(part, Value))
        return bool(re.search(r"[<&]", constant)) or _speaks_of_html(source)
    if value.type == "call_expression":
        # A function of the file's own may well build HTML; what reads the address or a field gives text.
        return not re.search(
            r"\b(?:location|searchParams|URLSearchParams|params|decodeURI\w*)\b", text_of(value)
        ) or _speaks_of_html(text_of(value))
    if value.type not in {"identifier", "member_expression", "subscript_expression"}:
        return True
    return _speaks_of_html(text_of(value))


def _speaks_of_html(source: str) -> bool:
    # The body of a request is no piece of HTML.
    return bool(SPEAKS_OF_HTML.search(re.sub(r"\breq(?:uest)?\.body\b", "", source)))


def _may_be_escaped(parts: list[Part]) -> bool:
    return is_html(parts) and escaping_suffices(parts) and not _holds_html(parts)


def _holds_html(parts: list[Part]) -> bool:
    """Tell whether the name of a value says that it is HTML itself, which escaping would show as text."""
    return any(_speaks_of_html(part.source) for part in parts if isinstance(part, Value))


def escape_in_java(case: Case) -> Draft | None:
    """Escape the texts that a servlet writes into HTML, by the library that the project is seen to have."""
    escape = _java_escape(case)
    if escape is None:
        return None
    for call in case.nodes("method_invocation"):
        if text_of(named(call, "name")) not in {"println", "print", "write", "append"} or len(arguments_of(call)) != 1:
            continue
        found = java_text.text_parts(arguments_of(call)[0])
        if found is None or not _may_be_escaped(found.parts):
            continue
        values = [node for part, node in zip(found.parts, found.nodes, strict=True) if isinstance(part, Value)]
        unescaped = [
            node for node in values if not ESCAPED.search(text_of(node)) and java_text.type_of(node) == "String"
        ]
        if unescaped:
            changes = [replaced(node, f"{escape.name}({text_of(node)})") for node in unescaped]
            return Draft((*escape.changes, *changes), EXPLANATION)
    return None


def _java_escape(case: Case) -> Imported | None:
    text = case.code.text
    libraries = (
        ("org.owasp.encoder", "org.owasp.encoder.Encode", "Encode.forHtml"),
        ("org.springframework.web", "org.springframework.web.util.HtmlUtils", "HtmlUtils.htmlEscape"),
        ("org.apache.commons.text", "org.apache.commons.text.StringEscapeUtils", "StringEscapeUtils.escapeHtml4"),
    )
    for package, name, call in libraries:
        if package in text:
            known = java_import(case.code, name)
            return Imported(call, known.changes) if known is not None else None
    return None


CWES = {79, 80, 116}
WORDS = "xss html injection innerhtml"
RECIPES = (
    recipe(format_html, languages=PYTHON, cwes=CWES, words="mark safe xss"),
    recipe(pass_to_template, languages=PYTHON, cwes=CWES | {94, 95, 96, 1336}, words="ssti template render"),
    recipe(escape_in_python, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(escape_in_javascript, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
    recipe(text_content, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
    recipe(escape_in_java, languages=JAVA, cwes=CWES, words=WORDS),
)
