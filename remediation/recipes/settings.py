"""Switches that must be off in production: debugging, and cookies sent in the clear, set by name."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes.code import PYTHON, Case, Draft, constant_text, keyword_of, named, recipe, replaced, text_of
from remediation.recipes.imports_python import python_import, python_packages

DEBUG_NAMES = frozenset({"DEBUG", "debug", "TEMPLATE_DEBUG"})
SAFE_SETTINGS = frozenset(
    {
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "CSRF_COOKIE_SECURE",
        "REMEMBER_COOKIE_SECURE",
        "REMEMBER_COOKIE_HTTPONLY",
        "LANGUAGE_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_CONTENT_TYPE_NOSNIFF",
    }
)


def debug_by_environment(case: Case) -> Draft | None:
    """Turn a constant `debug=True` or `DEBUG = True` into a switch of the environment that is off unless set."""
    value = _debug_value(case)
    known = python_import(case.code, "os") if value is not None else None
    if value is None or known is None:
        return None
    packages = python_packages(case.code)
    is_django = "django" in packages or re.search(r"(?m)^INSTALLED_APPS\b", case.code.text)
    prefix = "DJANGO" if is_django else "FLASK" if "flask" in packages else "APP"
    name = f"{prefix}_DEBUG"
    return Draft(
        (*known.changes, replaced(value, f'{known.name}.environ.get("{name}") == "1"')),
        f"Debugging is off unless the environment says {name}=1. Set that on developers' machines only.",
    )


def _debug_value(case: Case) -> Node | None:
    for node in case.nodes("keyword_argument", "assignment"):
        name = _last_name(named(node, "name") or named(node, "left"))
        value = named(node, "value") or named(node, "right")
        if name in DEBUG_NAMES and value is not None and text_of(value) == "True":
            return value
    for call in case.nodes("call"):
        keyword = keyword_of(call, "debug")
        value = named(keyword, "value") if keyword is not None else None
        if value is not None and text_of(value) == "True":
            return value
    return None


def _last_name(target: Node | None) -> str:
    """Return `X` for X, app.X, config["X"] and app.config["X"]."""
    if target is None:
        return ""
    if target.type == "subscript":
        return constant_text(named(target, "subscript")) or ""
    return text_of(named(target, "attribute")) if target.type == "attribute" else text_of(target)


def safe_setting(case: Case) -> Draft | None:
    """Turn a framework's safety setting that was set to False into True."""
    for node in case.nodes("assignment", "keyword_argument", "pair"):
        name = _last_name(named(node, "left") or named(node, "name"))
        if node.type == "pair":
            name = constant_text(named(node, "key")) or ""
        value = named(node, "right") or named(node, "value")
        if name in SAFE_SETTINGS and value is not None and text_of(value) == "False":
            return Draft(
                (replaced(value, "True"),),
                f"{name} is on. Check that the site is reached over HTTPS everywhere, also behind the load balancer.",
            )
    return None


RECIPES = (
    recipe(debug_by_environment, languages=PYTHON, cwes={489, 215, 11}, words="debug"),
    recipe(safe_setting, languages=PYTHON, cwes={614, 1004, 319, 311}, words="cookie cookies ssl settings"),
)
