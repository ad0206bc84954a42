"""XML parsers that fetch what a document names, told not to."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    added_arguments,
    ancestors,
    arguments_of,
    keyword_of,
    named,
    recipe,
    replaced,
    same,
    scope_of,
    statement_of,
    text_of,
    within,
)
from remediation.recipes.imports_python import python_full_name, python_imports

# https://docs.oracle.com/en/java/javase/17/security/java-api-xml-processing-jaxp-security-guide.html
DISALLOW_DOCTYPE = 'setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);'
SAFE_SETTINGS = {
    "DocumentBuilderFactory": (DISALLOW_DOCTYPE, "{}.setExpandEntityReferences(false);"),
    "SAXParserFactory": (DISALLOW_DOCTYPE,),
    "XMLInputFactory": (
        'setProperty("javax.xml.stream.supportDTD", false);',
        'setProperty("javax.xml.stream.isSupportingExternalEntities", false);',
    ),
    "TransformerFactory": (
        'setAttribute("http://javax.xml.XMLConstants/property/accessExternalDTD", "");',
        'setAttribute("http://javax.xml.XMLConstants/property/accessExternalStylesheet", "");',
    ),
}
MAKERS = {"DocumentBuilderFactory": "newDocumentBuilder", "SAXParserFactory": "newSAXParser"}
# Someone has thought of it already; what is missing then is theirs to say.
CONFIGURED = re.compile(r"\.(?:setFeature|setProperty|setAttribute|setExpandEntityReferences|setXIncludeAware)\(")
EXPLANATION = (
    "The parser no longer follows what a document names outside itself. "
    "Check that no document you must read declares a DOCTYPE or external entities."
)


def secure_java_factory(case: Case) -> Draft | None:
    """Set the safe features on an XML factory right after it was made."""
    statement = case.statement()
    if statement is None:
        return None
    scope = scope_of(statement)
    for declaration in within(scope, "local_variable_declaration"):
        declarator = named(declaration, "declarator")
        value = named(declarator, "value") if declarator is not None else None
        if declarator is None or value is None or value.type != "method_invocation":
            continue
        kind = text_of(named(value, "object")).rpartition(".")[2]
        name = text_of(named(declarator, "name"))
        if kind not in SAFE_SETTINGS or text_of(named(value, "name")) not in {
            "newInstance",
            "newFactory",
            "newDefaultInstance",
        }:
            continue
        if not _is_about(case, declaration, name, scope) or CONFIGURED.search(text_of(scope)):
            continue
        if not _may_throw(declaration, name, kind, scope):
            continue
        indent = case.code.indent_at(declaration)
        lines = [line.format(name) if line.startswith("{}") else f"{name}.{line}" for line in SAFE_SETTINGS[kind]]
        added = "".join(f"\n{indent}{line}" for line in lines)
        return Draft((Change(declaration.end_byte, declaration.end_byte, added),), EXPLANATION)
    return None


def _is_about(case: Case, declaration: Node, name: str, scope: Node) -> bool:
    """Tell whether the finding points at the factory, or at something that was made with it."""
    if declaration.start_byte < case.end and case.start < declaration.end_byte:
        return True
    pointed = case.code.slice(case.start, case.end)
    if re.search(rf"\b{re.escape(name)}\b", pointed):
        return True
    made = [
        text_of(named(each, "name"))
        for each in within(scope, "variable_declarator")
        if re.match(rf"{re.escape(name)}\s*\.", text_of(named(each, "value")))
    ]
    return any(re.search(rf"\b{re.escape(each)}\b", pointed) for each in made)


def _may_throw(declaration: Node, name: str, kind: str, scope: Node) -> bool:
    """Tell whether setFeature's checked exceptions are caught or declared: they are the maker's, in the same place."""
    if kind not in MAKERS:
        return True
    makers = [
        call
        for call in within(scope, "method_invocation")
        if text_of(named(call, "object")) == name and text_of(named(call, "name")) == MAKERS[kind]
    ]
    return bool(makers) and same(_handler(declaration), _handler(makers[0]))


def _handler(node: Node) -> Node:
    """Return the innermost `try` block or function around a node."""
    for outer in ancestors(node):
        parent = outer.parent
        if parent is not None and parent.type == "try_statement" and same(named(parent, "body"), outer):
            return outer
    return scope_of(node)


def secure_chained_factory(case: Case) -> Draft | None:
    """Split `DocumentBuilderFactory.newInstance().newDocumentBuilder()`, so that the factory can be told."""
    for call in case.nodes("method_invocation"):
        made = named(call, "object")
        if made is None or made.type != "method_invocation" or text_of(named(made, "name")) != "newInstance":
            continue
        kind = text_of(named(made, "object"))
        statement = statement_of(call)
        parent = statement.parent
        short = kind.rpartition(".")[2]
        if text_of(named(call, "name")) != MAKERS.get(short) or parent is None or parent.type != "block":
            continue
        name = next((each for each in ("factory", "xmlFactory") if not re.search(rf"\b{each}\b", case.code.text)), None)
        if name is None or statement.type not in {
            "local_variable_declaration",
            "expression_statement",
            "return_statement",
        }:
            continue
        indent = case.code.indent_at(statement)
        lines = [f"{kind} {name} = {text_of(made)};"]
        lines += [line.format(name) if line.startswith("{}") else f"{name}.{line}" for line in SAFE_SETTINGS[short]]
        above = Change(statement.start_byte, statement.start_byte, "".join(f"{line}\n{indent}" for line in lines))
        return Draft((above, replaced(made, name)), EXPLANATION)
    return None


def secure_lxml(case: Case) -> Draft | None:
    """Give lxml a parser that resolves no entities and opens no connection."""
    for call in case.nodes("call"):
        name = python_full_name(case.code, text_of(named(call, "function")))
        if name == "lxml.etree.XMLParser":
            return _parser_settings(case, call)
        if name not in {"lxml.etree.parse", "lxml.etree.fromstring", "lxml.etree.XML"}:
            continue
        arguments = arguments_of(call)
        if len(arguments) != 1 or keyword_of(call, "parser") is not None:
            continue
        etree = _etree(case)
        if etree:
            parser = f"parser={etree}.XMLParser(resolve_entities=False, no_network=True)"
            return Draft((added_arguments(case.code, call, parser),), EXPLANATION)
    return None


def _etree(case: Case) -> str:
    return next((each.bound for each in python_imports(case.code) if (each.module, each.name) == ("lxml", "etree")), "")


def _parser_settings(case: Case, call: Node) -> Draft | None:
    changes: list[Change] = []
    missing = []
    safe = {
        "resolve_entities": "False",
        "no_network": "True",
        "load_dtd": "False",
        "dtd_validation": "False",
        "huge_tree": "False",
    }
    for name, wanted in safe.items():
        keyword = keyword_of(call, name)
        value = named(keyword, "value") if keyword is not None else None
        if value is None and name in {"resolve_entities", "no_network"}:
            missing.append(f"{name}={wanted}")
        elif value is not None and text_of(value) in {"True", "False"} and text_of(value) != wanted:
            changes.append(replaced(value, wanted))
    if any(argument.type == "dictionary_splat" for argument in arguments_of(call)):
        return None
    if missing:
        changes.append(added_arguments(case.code, call, *missing))
    return Draft(tuple(changes), EXPLANATION) if changes else None


def secure_sax(case: Case) -> Draft | None:
    """Switch off the external entities that a SAX parser was told to follow."""
    for call in case.nodes("call"):
        arguments = arguments_of(call)
        if text_of(named(named(call, "function") or call, "attribute")) != "setFeature" or len(arguments) != 2:  # noqa: PLR2004 - name and value
            continue
        if re.search(r"feature_external_[gp]es$", text_of(arguments[0])) and text_of(arguments[1]) in {"True", "1"}:
            return Draft((replaced(arguments[1], "False"),), EXPLANATION)
    return None


def keep_entities(case: Case) -> Draft | None:
    """Turn libxmljs' `noent: true`, which replaces entities by what they name, into false."""
    for pair in case.nodes("pair"):
        value = named(pair, "value")
        if (
            text_of(named(pair, "key")).strip("'\"") in {"noent", "dtdload", "replaceEntities"}
            and text_of(value) == "true"
        ):
            assert value is not None
            return Draft((replaced(value, "false"),), EXPLANATION)
    return None


CWES = {611, 776, 827}
WORDS = "xxe xml entity entities"
RECIPES = (
    recipe(secure_java_factory, languages=JAVA, cwes=CWES, words=WORDS),
    recipe(secure_chained_factory, languages=JAVA, cwes=CWES, words=WORDS),
    recipe(secure_lxml, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(secure_sax, languages=PYTHON, cwes=CWES, words=WORDS),
    recipe(keep_entities, languages=JAVASCRIPT, cwes=CWES, words=WORDS),
)
