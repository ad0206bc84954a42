"""Cookies with the flags that the rule misses; only those, since a script may have to read a cookie."""

from __future__ import annotations

import re

from tree_sitter import Node

from findings.context import RuleContext
from remediation.recipes.code import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    added_arguments,
    arguments_of,
    keyword_of,
    named,
    recipe,
    replaced,
    scope_of,
    statement_of,
    text_of,
    within,
)
from remediation.recipes.imports_javascript import javascript_full_name
from remediation.recipes.objects import property_of, with_properties

FLAG_OF_CWE = {614: "secure", 1004: "httponly", 1275: "samesite"}
# The double-submit protection needs a script that reads its cookie.
READ_BY_SCRIPTS = re.compile(r"csrf|xsrf", re.IGNORECASE)
EXPLANATION = {
    "secure": "Secure keeps the cookie off plain HTTP, so the site must be reached over HTTPS",
    "httponly": "HttpOnly hides it from scripts, so check that none reads it",
    "samesite": "SameSite=Lax keeps it out of requests that other sites make, so check pages embedded elsewhere",
}


def wanted_flags(rule: RuleContext) -> tuple[str, ...]:
    """Return the cookie flags a rule is about: by its CWE numbers, and by the words of its identifier and message."""
    flags = {flag for number, flag in FLAG_OF_CWE.items() if number in rule.cwe_numbers}
    name, message = (re.sub(r"[^a-z]", "", text.lower().replace("insecure", "")) for text in (rule.name, rule.message))
    flags |= {flag for flag in ("httponly", "samesite") if flag in name + message}
    # "Secure" is a word of many a sentence: in a message it counts where nothing else is named.
    if "secure" in name or (not flags and "secure" in message):
        flags.add("secure")
    return tuple(flag for flag in EXPLANATION if flag in flags)


def explained(flags: tuple[str, ...]) -> str:
    """Say what each flag does and what to check for it."""
    return "; ".join(EXPLANATION[flag] for flag in flags) + "."


def python_cookie(case: Case) -> Draft | None:
    """Add the missing flags to `response.set_cookie(…)` of Flask, Django and their kin."""
    flags = wanted_flags(case.context.rule)
    for call in case.nodes("call"):
        method = text_of(named(named(call, "function") or call, "attribute"))
        if method not in {"set_cookie", "set_signed_cookie"} or any(
            argument.type in {"dictionary_splat", "list_splat"} for argument in arguments_of(call)
        ):
            continue
        arguments = arguments_of(call)
        if not arguments or ("httponly" in flags and READ_BY_SCRIPTS.search(text_of(arguments[0]))):
            continue
        changes: list[Change] = []
        missing = []
        for flag in flags:
            wanted = '"Lax"' if flag == "samesite" else "True"
            keyword = keyword_of(call, flag)
            value = named(keyword, "value") if keyword is not None else None
            if value is None:
                missing.append(f"{flag}={wanted}")
            elif text_of(value).strip("'\"") in {"False", "None", "none"}:
                changes.append(replaced(value, wanted))
        if missing:
            changes.append(added_arguments(case.code, call, *missing))
        if changes:
            return Draft(tuple(changes), explained(flags))
    return None


def express_cookie(case: Case) -> Draft | None:
    """Add the missing flags to `res.cookie(name, value, options)` and to the options of Express sessions."""
    flags = wanted_flags(case.context.rule)
    values = {"secure": ("secure", "true"), "httponly": ("httpOnly", "true"), "samesite": ("sameSite", '"lax"')}
    wanted = dict(values[flag] for flag in flags)
    for call in case.nodes("call_expression"):
        arguments = arguments_of(call)
        function = text_of(named(call, "function"))
        changes: list[Change] | None = None
        if (
            re.fullmatch(r"(?:res|resp|response|reply|\w*[rR]es)\.(?:status\(\d+\)\.)?cookie", function)
            and arguments[1:]
        ):
            if "httponly" in flags and READ_BY_SCRIPTS.search(text_of(arguments[0])):
                continue
            changes = _options(case, call, arguments, wanted)
        elif javascript_full_name(case.code, function) in {"express-session", "cookie-session"} and arguments:
            changes = _session(
                case, arguments[0], wanted, own=javascript_full_name(case.code, function) == "cookie-session"
            )
        if changes:
            return Draft(tuple(changes), explained(flags))
    return None


def _options(case: Case, call: Node, arguments: list[Node], wanted: dict[str, str]) -> list[Change] | None:
    if len(arguments) == 2:  # noqa: PLR2004 - the cookie's name and value
        written = ", ".join(f"{name}: {value}" for name, value in wanted.items())
        return [added_arguments(case.code, call, f"{{ {written} }}")]
    return with_properties(case.code, arguments[2], wanted) if arguments[2].type == "object" else None


def _session(case: Case, options: Node, wanted: dict[str, str], *, own: bool) -> list[Change] | None:
    if options.type != "object":
        return None
    if own:  # cookie-session takes the flags beside its other options
        return with_properties(case.code, options, wanted)
    cookie = property_of(options, "cookie")
    held = named(cookie, "value") if cookie is not None else None
    if held is not None:
        return with_properties(case.code, held, wanted) if held.type == "object" else None
    written = ", ".join(f"{name}: {value}" for name, value in wanted.items())
    return with_properties(case.code, options, {"cookie": f"{{ {written} }}"})


def java_cookie(case: Case) -> Draft | None:
    """Call `setSecure(true)` and `setHttpOnly(true)` on a cookie before it is added to the response."""
    setters = {"secure": "setSecure", "httponly": "setHttpOnly"}
    flags = tuple(flag for flag in wanted_flags(case.context.rule) if flag in setters)
    for cookie, scope in _java_cookies(case):
        adding = [call for call in within(scope, "method_invocation") if _adds(call, cookie)]
        if len(adding) != 1:
            continue
        changes: list[Change] = []
        missing = []
        for flag in flags:
            calls = [call for call in within(scope, "method_invocation") if _is_call(call, cookie, setters[flag])]
            given = arguments_of(calls[0]) if calls else []
            if not calls:
                missing.append(f"{cookie}.{setters[flag]}(true);")
            elif len(given) == 1 and text_of(given[0]) == "false":
                changes.append(replaced(given[0], "true"))
        statement = statement_of(adding[0])
        if missing and statement.parent is not None and statement.parent.type == "block":
            indent = case.code.indent_at(statement)
            start = statement.start_byte
            changes.append(Change(start, start, "".join(f"{line}\n{indent}" for line in missing)))
        if changes:
            return Draft(tuple(changes), explained(flags))
    return None


def _java_cookies(case: Case) -> list[tuple[str, Node]]:
    """Return the variables of cookies the finding points at, each with its method."""
    found = [
        (text_of(named(declarator, "name")), scope_of(declarator))
        for declarator in case.nodes("variable_declarator")
        if re.match(r"new\s+(?:[\w.]+\.)?Cookie\s*\(", text_of(named(declarator, "value")))
    ]
    for call in case.nodes("method_invocation"):
        arguments = arguments_of(call)
        if text_of(named(call, "name")) == "addCookie" and len(arguments) == 1 and arguments[0].type == "identifier":
            found.append((text_of(arguments[0]), scope_of(call)))
        if text_of(named(call, "name")) in {"setSecure", "setHttpOnly"}:
            found.append((text_of(named(call, "object")), scope_of(call)))
    return found


def _adds(call: Node, cookie: str) -> bool:
    return text_of(named(call, "name")) == "addCookie" and [text_of(each) for each in arguments_of(call)] == [cookie]


def _is_call(call: Node, receiver: str, method: str) -> bool:
    return text_of(named(call, "object")) == receiver and text_of(named(call, "name")) == method


CWES = {614, 1004, 1275}
RECIPES = (
    recipe(python_cookie, languages=PYTHON, cwes=CWES, words="cookie cookies"),
    recipe(express_cookie, languages=JAVASCRIPT, cwes=CWES, words="cookie cookies session"),
    recipe(java_cookie, languages=JAVA, cwes=CWES, words="cookie cookies"),
)
