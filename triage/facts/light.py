"""Facts for languages whose data flow is not followed: what the matched code and plain settings before it show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from findings.context import FindingContext
from triage.answers import EvidenceRole
from triage.facts.families import INJECTIONS, Family
from triage.facts.flow.analysis import TRANSLATORS
from triage.facts.shapes import Fact, FactKind, Leaning, Strength, match_quote, quotes
from triage.facts.wording import Surroundings, matched_code, without_comments, without_texts

REQUEST_DATA = {
    "php": r"\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\s*\[[^\]]*\]",
    "ruby": r"\b(?:params|cookies)\s*\[[^\]]*\]|\brequest\.(?:headers|query_string|fullpath|body|path)\b",
    "go": r"\b\w+\.(?:FormValue|PostFormValue|PathValue|DefaultQuery|QueryParam|GetHeader)\(\"[^\"]*\"[^()]*\)"
    r"|\b\w+\.URL\.(?:Query\(\)\.Get\(\"[^\"]*\"\)|RawQuery|Path)|\b\w+\.Header\.Get\(\"[^\"]*\"\)|\b[cC](?:tx)?\.(?:Query|Param|PostForm)\(\"[^\"]*\"\)",
    "csharp": r"\bRequest\.(?:QueryString|Form|Query|Headers|Cookies|Params)\s*\[[^\]]*\]",
    "kotlin": r"\bcall\.parameters\s*\[[^\]]*\]|\brequest\.getParameter\(\"[^\"]*\"\)"
    r"|\bcall\.request\.queryParameters\s*\[[^\]]*\]",
}
VARIABLE = {"php": r"\$[A-Za-z_]\w*"}
PLAIN_VARIABLE = r"(?<![\w.$])[A-Za-z_]\w*(?![\w(.])"
CLEANERS = {  # encoders of text, makers of numbers, and others
    "php": (
        "htmlspecialchars htmlentities strip_tags",
        "intval floatval abs",
        "escapeshellarg escapeshellcmd basename addslashes real_escape_string quote filter_var",
    ),
    "go": (
        "html.EscapeString template.HTMLEscapeString url.QueryEscape",
        "strconv.Atoi strconv.ParseInt strconv.ParseUint",
        "filepath.Base",
    ),
    "ruby": (
        "ERB::Util.html_escape CGI.escapeHTML html_escape",
        "to_i to_f Integer",
        "Shellwords.escape File.basename sanitize_sql quote",
    ),
    "csharp": (
        "HttpUtility.HtmlEncode WebUtility.HtmlEncode HtmlEncoder",
        "int.Parse Convert.ToInt32 int.TryParse",
        "Path.GetFileName",
    ),
    "kotlin": ("htmlEscape forHtml escapeHtml4", "toInt toLong toIntOrNull", "File.name"),
}
CONDITION = re.compile(r"\b(?:if|unless|switch|case|match|when|guard|while)\b|\?\s*[^:?]+:|&&|\|\|")
PRESENCE = re.compile(
    r"\b(?:isset|empty|is_null|nil\?|present\?|blank\?|array_key_exists)\b|[!=]=\s*(?:nil|null|\"\"|'')"
)
ARGUMENTS = re.compile(r"argument")
VALUE_LEAF = re.compile(r"identifier|variable|name|interpolation|call|index|subscript|element_reference|constant$")
DEEPEST_CHAIN = 4


@dataclass(frozen=True)
class _Way:
    """How request data came to the match: the lines it went through, and a test on the way."""

    lines: tuple[int, ...]
    origin: str
    test_line: int | None


def facts_of_light_reading(context: FindingContext, family: Family) -> list[Fact]:
    """Return facts for languages without data flow, empty for the others."""
    if context.language in TRANSLATORS or family not in INJECTIONS:
        return []
    around = Surroundings(context)
    found = _cleaners(context, family)
    if context.language in REQUEST_DATA:
        found.extend(_request_data(context, around, bool(found)))
    if not found and around.node is not None and _only_literals(around.node):
        statement = "Everything handed over in the matched code is a literal."
        shown = match_quote(context, EvidenceRole.SINK)
        found.append(Fact(FactKind.CONSTANT_ARGUMENT, statement, shown, Leaning.SAFE, Strength.STRONG))
    return found


def _cleaners(context: FindingContext, family: Family) -> list[Fact]:
    code = without_texts(matched_code(context))
    groups = CLEANERS.get(context.language, ("", "", ""))
    kinds = (FactKind.KNOWN_ENCODER, FactKind.NUMERIC_CONVERSION, FactKind.KNOWN_ENCODER)
    found: list[Fact] = []
    for names, kind in zip(groups, kinds, strict=True):
        for name in names.split():
            if re.search(rf"(?<![\w]){re.escape(name)}\s*[(!]|\.{re.escape(name)}\b", code):
                statement = f"The matched code calls {name}; whether that is enough is not followed here."
                shown = match_quote(context, EvidenceRole.SANITIZER)
                found.append(Fact(kind, statement, shown, Leaning.SAFE, Strength.WEAK))
    return found


# Request data, straight or through variables set once


def _request_data(context: FindingContext, around: Surroundings, is_cleaned: bool) -> list[Fact]:
    code = without_comments(matched_code(context))
    first, before = around.code_before()
    pattern = re.compile(REQUEST_DATA[context.language])
    direct = pattern.search(code)
    if direct is not None:
        statement = f"Data of the request, {direct.group(0)}, stands in the matched code itself."
        shown = match_quote(context, EvidenceRole.SINK)
        danger = Fact(FactKind.USER_INPUT_IN_MATCH, statement, shown, Leaning.DANGEROUS, Strength.STRONG)
        tested = _test_of(direct.group(0), before, -1)
        return [danger] if tested is None else [danger, _guard(context, first + tested)]
    way = _way(code, first=first, before=before, pattern=pattern, language=context.language)
    if way is None or is_cleaned:
        return []
    shown = (
        *quotes(context, *((line, EvidenceRole.SOURCE) for line in way.lines)),
        *match_quote(context, EvidenceRole.SINK),
    )
    statement = f"Data of the request, {way.origin} (line {way.lines[0]}), is put into the matched code."
    found = [Fact(FactKind.TAINTED_INPUT, statement, shown, Leaning.DANGEROUS, Strength.STRONG)]
    if way.test_line is not None:
        found.append(_guard(context, way.test_line))
    return found


def _guard(context: FindingContext, line: int) -> Fact:
    statement = f"Line {line} tests the data before the match; whether that is enough is not followed here."
    return Fact(FactKind.GUARD, statement, quotes(context, (line, EvidenceRole.GUARD)), Leaning.SAFE, Strength.WEAK)


def _way(
    code: str, *, first: int, before: list[str], pattern: re.Pattern[str], language: str, depth: int = DEEPEST_CHAIN
) -> _Way | None:
    """Return how request data came into code through variables that are set once; None where that is not shown."""
    if depth == 0:
        return None
    for variable in dict.fromkeys(_variables(code, language)):
        settings = [
            (number, found.group(1))
            for number, line in enumerate(before)
            if (found := re.search(rf"(?<![\w.]){re.escape(variable)}\s*:?=(?![=~>])\s*(.+)$", without_comments(line)))
        ]
        if len(settings) != 1:
            continue
        number, value = settings[0]
        tested = _test_of(variable, before, number)
        direct = pattern.search(value)
        rest = pattern.sub("", value)
        if re.search(r"[A-Za-z_]\w*\s*\(", without_texts(rest)) and not re.match(r"\s*(?:fmt\.)?[Ss]printf\b", rest):
            continue  # a call may do anything to the data
        if direct is not None:
            tested = _test_of(direct.group(0), before, -1) if tested is None else tested
            return _Way((first + number,), direct.group(0), None if tested is None else first + tested)
        inner = _way(value, first=first, before=before[:number], pattern=pattern, language=language, depth=depth - 1)
        if inner is not None:
            test_line = inner.test_line if tested is None else first + tested
            return _Way((*inner.lines, first + number), inner.origin, test_line)
    return None


def _test_of(subject: str, before: list[str], start: int) -> int | None:
    """Return the index of a line after another one that tests a variable or a source, None where none does."""
    wanted = re.sub(r"\s", "", subject)
    for number, line in enumerate(before):
        if (
            number > start
            and wanted in re.sub(r"\s", "", line)
            and CONDITION.search(without_texts(line))
            and not PRESENCE.search(line)
        ):
            return number
    return None


def _variables(code: str, language: str) -> list[str]:
    if language == "php":  # PHP's double quotes put variables into text
        return re.findall(VARIABLE["php"], re.sub(r"'(?:\\.|[^'\\\n])*'(?![^\"\n]*\")", "''", code))
    interpolated = re.findall(r"#\{(\w+)\}|\$\{?(\w+)\}?", code) if language in {"ruby", "kotlin"} else []
    return [*re.findall(PLAIN_VARIABLE, without_texts(code)), *(name for pair in interpolated for name in pair if name)]


# Literals only


def _only_literals(node: Node) -> bool:
    """Say whether a matched call is handed literals only, at least one of them a text."""
    current: Node | None = node
    while current is not None and "call" not in current.type and "invocation" not in current.type:
        if current.type.endswith(("block", "body", "program", "source_file", "compilation_unit")):
            return False
        current = current.parent
    if current is None:
        return False
    given = [child for child in current.named_children if ARGUMENTS.search(child.type)]
    if len(given) != 1:
        return False
    leaves = list(_leaves(given[0]))
    return bool(leaves) and not any(VALUE_LEAF.search(leaf.type) for leaf in leaves) and any("string" in leaf.type or
        "content" in leaf.type for leaf in leaves)  # fmt: skip


def _leaves(node: Node) -> list[Node]:
    if node.named_child_count == 0:
        return [node]
    found: list[Node] = []
    for child in node.named_children:
        if VALUE_LEAF.search(child.type) and child.type != "name":
            found.append(child)
        found.extend(_leaves(child))
    return found
