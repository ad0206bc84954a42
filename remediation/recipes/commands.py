"""Commands run without a shell: the program and its arguments are passed as a list, so that none is interpreted."""

from __future__ import annotations

import re

from tree_sitter import Node

from remediation.recipes import javascript_text, python_text
from remediation.recipes.code import (
    JAVASCRIPT,
    PYTHON,
    Case,
    Change,
    Draft,
    arguments_of,
    keyword_of,
    named,
    recipe,
    removed_argument,
    replaced,
    scope_of,
    text_of,
    within,
)
from remediation.recipes.imports_javascript import javascript_full_name, javascript_name
from remediation.recipes.imports_python import python_full_name, python_import_instead
from remediation.recipes.python_variables import GivenText, given_text, only_assignment
from remediation.recipes.shell_words import Word, shell_words
from remediation.recipes.sql_text import Literal, Value

SUBPROCESS = frozenset(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen"))
QUOTED = re.compile(r"(?:shlex\.|pipes\.)?quote\((.*)\)", re.DOTALL)
GIVES_TEXT = re.compile(
    r"""[fF]?["']|str\(|input\(|os\.environ\b|os\.getenv\(|sys\.argv\b|os\.path\.\w+\("""
    r"|(?:flask\.|self\.)?request\.(?:args|form|values|cookies|headers|GET|POST)\b|.*\.(?:strip|lower|upper|format|join)\("
)
EXPLANATION = (
    "The program is started without a shell and gets its arguments as a list, so that no value can add a command. "
    "Check that no value may start with a dash where the program would take it for an option."
)


def run_without_shell(case: Case) -> Draft | None:
    """Turn os.system, os.popen(…).read() and subprocess with `shell=True` into subprocess with a list."""
    for call in _python_calls(case):
        arguments = arguments_of(call)
        given = given_text(arguments[0]) if arguments else None
        words = shell_words(_unquoted(given)) if given is not None else None
        if given is None or words is None:
            continue
        function = python_full_name(case.code, text_of(named(call, "function")))
        command = "[" + ", ".join(_python_word(word, given) for word in words) + "]"
        if function in SUBPROCESS:
            draft = _without_shell_argument(case, call, given, command)
        else:
            draft = _instead_of_os(case, call, given, command, function)
        if draft is not None:
            return draft
    return None


def _python_calls(case: Case) -> list[Node]:
    """Return the calls to look at: those the finding points at, or those that are given the variable it assigns."""
    calls = list(case.nodes("call"))
    for assignment in case.nodes("assignment"):
        name = text_of(named(assignment, "left"))
        calls += [
            call
            for call in within(scope_of(assignment), "call")
            if [text_of(each) for each in arguments_of(call)][:1] == [name]
        ]
    runners = SUBPROCESS | {"os.system", "os.popen"}
    return [call for call in calls if python_full_name(case.code, text_of(named(call, "function"))) in runners]


def _unquoted(given: GivenText) -> list[Literal | Value]:
    """Take `shlex.quote(…)` off the values: a list needs no quoting."""
    parts: list[Literal | Value] = []
    for part in given.parts.parts:
        match = QUOTED.fullmatch(part.source) if isinstance(part, Value) else None
        parts.append(Value(match[1]) if match is not None else part)
    return parts


def _python_word(word: Word, given: GivenText) -> str:
    quote = _python_quote(given)
    if all(isinstance(part, Literal) for part in word):
        raw = "".join(part.raw for part in word if isinstance(part, Literal))
        return f"{quote}{raw}{quote}" if quote not in raw else repr(raw)
    if len(word) == 1 and isinstance(word[0], Value):
        source = word[0].source
        if source.isdecimal():
            return f"{quote}{source}{quote}"
        # Formatting made a text of any value; a list takes texts only.
        return source if _is_text(source, given) else f"str({source})"
    return python_text.python_value(word)


def _is_text(source: str, given: GivenText) -> bool:
    """Tell whether a value is a text for sure: as part of a sum, by its declaration, or by where it comes from."""
    is_operand = any(
        home is None and isinstance(part, Value) and part.source == source
        for part, home in zip(given.parts.parts, given.parts.homes, strict=True)
    )
    if is_operand or GIVES_TEXT.match(source):
        return True
    scope = scope_of(given.argument)
    assignment = only_assignment(scope, source)
    if assignment is not None:
        return bool(GIVES_TEXT.match(text_of(named(assignment, "right"))))
    parameters = within(named(scope, "parameters") or scope, "typed_parameter", "typed_default_parameter")
    return any(re.match(rf"{re.escape(source)}\s*:\s*str\b", text_of(parameter)) for parameter in parameters)


def _python_quote(given: GivenText) -> str:
    home = next((home for home in given.parts.homes if home is not None), None)
    return text_of(home.children[-1])[0] if home is not None else '"'


def _without_shell_argument(case: Case, call: Node, given: GivenText, command: str) -> Draft | None:
    shell = keyword_of(call, "shell")
    if shell is None or text_of(named(shell, "value")) != "True" or keyword_of(call, "executable") is not None:
        return None
    return Draft((replaced(given.parts.expression, command), removed_argument(case.code, shell)), EXPLANATION)


def _instead_of_os(case: Case, call: Node, given: GivenText, command: str, function: str) -> Draft | None:
    target = call
    ending = "" if call.parent is not None and call.parent.type == "expression_statement" else ".returncode"
    options = ""
    if function == "os.popen":
        read = call.parent.parent if call.parent is not None and call.parent.type == "attribute" else None
        if read is None or text_of(named(named(read, "function") or read, "attribute")) != "read" or arguments_of(read):
            return None
        target, ending, options = read, ".stdout", ", stdout={}.PIPE, text=True"
    if len(arguments_of(call)) != 1:
        return None
    known = python_import_instead(case.code, "subprocess", "os", call)
    if known is None:
        return None
    name = known.name
    changes: list[Change] = list(known.changes)
    if given.assignment is not None:
        changes.append(replaced(given.parts.expression, command))
        command = text_of(arguments_of(call)[0])
    changes.append(replaced(target, f"{name}.run({command}{options.format(name)}, check=False){ending}"))
    return Draft(tuple(changes), EXPLANATION)


def exec_file(case: Case) -> Draft | None:
    """Turn child_process.exec and execSync into execFile and execFileSync."""
    for call in _javascript_calls(case):
        function = named(call, "function")
        arguments = arguments_of(call)
        parts = javascript_text.given_text(arguments[0]) if arguments else None
        words = shell_words(parts.parts) if parts is not None else None
        old = javascript_full_name(case.code, text_of(function)).rpartition(".")[2]
        new = {"exec": "execFile", "execSync": "execFileSync"}[old]
        # The program and its arguments are two; a variable would have to become two as well.
        if parts is None or words is None or function is None or parts.declarator is not None:
            continue
        if any(named_options(argument) for argument in arguments[1:]):
            continue
        known = javascript_name(case.code, "child_process", new)
        if known is None:
            continue
        program, *others = [_javascript_word(word) for word in words]
        listed = f"{program}, [{', '.join(others)}]"
        return Draft((*known.changes, replaced(function, known.name), replaced(arguments[0], listed)), EXPLANATION)
    return None


def named_options(argument: Node) -> bool:
    """Tell whether options ask for a shell by name."""
    return argument.type == "object" and bool(re.search(r"\bshell\b", text_of(argument)))


def _javascript_calls(case: Case) -> list[Node]:
    runners = {"child_process.exec", "child_process.execSync"}
    return [
        call
        for call in case.nodes("call_expression")
        if javascript_full_name(case.code, text_of(named(call, "function"))) in runners
    ]


def _javascript_word(word: Word) -> str:
    if all(isinstance(part, Literal) for part in word):
        raw = "".join(part.raw for part in word if isinstance(part, Literal))
        return f'"{raw}"' if '"' not in raw else f"'{raw}'"
    if len(word) == 1 and isinstance(word[0], Value):
        return word[0].source
    return javascript_text.javascript_value(word)


CWES = {78, 77, 88}
RECIPES = (
    recipe(run_without_shell, languages=PYTHON, cwes=CWES, words="subprocess shell system popen command injection"),
    recipe(exec_file, languages=JAVASCRIPT, cwes=CWES, words="child process exec command"),
)
