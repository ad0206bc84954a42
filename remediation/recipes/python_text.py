"""Python expressions that build a text (f-strings, %, format, +), taken apart into literals and values.

`TextParts.rebuilt` writes the expression again as plain literals, so that layout and quotes stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from remediation.recipes.code import Code, named, text_of
from remediation.recipes.sql_text import Literal, Part, Value

# What a template's marks say: a name, the sign itself written twice, or a format that is not understood here.
PERCENT_MARK = re.compile(r"(?P<escaped>%%)|%(?:\((?P<name>\w+)\))?[sd]|(?P<other>%)")
FORMAT_MARK = re.compile(r"(?P<escaped>\{\{|\}\})|\{(?P<name>\w*)\}|(?P<other>[{}])")


@dataclass
class TextParts:
    """The parts of a text, and for each the string node it stands in (None for an operand of `+`)."""

    expression: Node
    parts: list[Part] = field(default_factory=list)
    homes: list[Node | None] = field(default_factory=list)

    def add(self, part: Part, home: Node | None) -> None:
        """Append a part."""
        self.parts.append(part)
        self.homes.append(home)

    @property
    def has_values(self) -> bool:
        """Whether anything but constant text is in it."""
        return any(isinstance(part, Value) for part in self.parts)

    def rebuilt(self, code: Code, texts: Sequence[str]) -> str | None:
        """Return the expression as plain literals of the texts left of each part."""
        written: dict[int, str] = {}
        order: list[Node] = []
        carried = ""
        for text, home in zip(texts, self.homes, strict=True):
            if home is None:  # an operand of `+`: its mark moves into the literal beside it
                if order:
                    written[order[-1].id] += text
                else:
                    carried += text
                continue
            if home.id not in written:
                order.append(home)
                written[home.id], carried = carried, ""
            written[home.id] += text
        return self._joined(code, [(node, written[node.id]) for node in order])

    def _joined(self, code: Code, literals: list[tuple[Node, str]]) -> str | None:
        """Write literals of one line as one, and those of several lines below each other."""
        lines: list[list[tuple[Node, str]]] = []
        for node, text in literals:
            if lines and lines[-1][-1][0].end_point.row == node.start_point.row:
                lines[-1].append((node, text))
            else:
                lines.append([(node, text)])
        written = [_one_literal(line) for line in lines]
        if any(each is None for each in written):
            return None
        indent = code.indent_at(lines[-1][0][0])
        joined = f"\n{indent}".join(each for each in written if each is not None)
        outer = self.expression.parent
        needs_brackets = len(written) > 1 and (
            outer is None or outer.type not in {"argument_list", "parenthesized_expression"}
        )
        return f"({joined})" if needs_brackets else joined


def _one_literal(line: list[tuple[Node, str]]) -> str | None:
    delimiters = [_delimiter(node) for node, _ in line]
    prefixes = {_prefix(node) for node, _ in line}
    if len(prefixes) != 1 or (len({len(each) for each in delimiters}) != 1):
        return None
    delimiter = delimiters[0]
    raw = "".join(
        text if own == delimiter else re.sub(rf"(?<!\\){re.escape(delimiter)}", rf"\\{delimiter}", text)
        for own, (_, text) in zip(delimiters, line, strict=True)
    )
    return f"{prefixes.pop()}{delimiter}{raw}{delimiter}"


def _delimiter(string: Node) -> str:
    return text_of(string.children[-1])


def _prefix(string: Node) -> str:
    """Return a string's prefix without the `f`, which its literal no longer needs."""
    return re.sub("[fF]", "", text_of(string.children[0]).rstrip("'\""))


def text_parts(node: Node) -> TextParts | None:
    """Take a text apart; None for what is no text, or is formatted in a way that a parameter would not keep."""
    found = TextParts(expression=node)
    return found if _take(node, found) else None


def _take(node: Node, found: TextParts) -> bool:
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _take(node.named_children[0], found)
    if node.type == "string":
        return _take_string(node, found)
    if node.type == "concatenated_string":
        return all(child.type == "string" and _take_string(child, found) for child in node.named_children)
    if node.type == "binary_operator" and text_of(named(node, "operator")) == "+":
        return _take_sum(node, found)
    if node.type == "binary_operator" and text_of(named(node, "operator")) == "%":
        return _take_percent(node, found)
    if node.type == "call":
        return _take_format(node, found)
    return False


def _take_string(string: Node, found: TextParts) -> bool:
    prefix = text_of(string.children[0]).rstrip("'\"").lower()
    if "b" in prefix or "r" in prefix:
        return False
    for child in string.children[1:-1]:
        if child.type != "interpolation":
            raw = text_of(child)
            found.add(Literal(raw.replace("{{", "{").replace("}}", "}") if "f" in prefix else raw), string)
            continue
        expression = named(child, "expression") or child.named_children[0]
        conversion = text_of(next((each for each in child.named_children if each.type == "type_conversion"), None))
        # A format (`:>10`), a debugging `=` or `!r` changes the text in a way that a parameter would not.
        if conversion not in {"", "!s"} or any(each.type in {"format_specifier", "="} for each in child.children):
            return False
        found.add(Value(text_of(expression)), string)
    if len(string.children) == 2:  # noqa: PLR2004 - an empty string: two quotes and nothing between
        found.add(Literal(""), string)
    return True


def _take_sum(node: Node, found: TextParts) -> bool:
    left, right = named(node, "left"), named(node, "right")
    assert left is not None
    assert right is not None
    for side in (left, right):
        if is_text(side):
            if not _take(side, found):
                return False
        else:
            found.add(Value(text_of(side)), None)
    return True


def is_text(node: Node) -> bool:
    """Tell whether a node is a literal, or puts literals together."""
    if node.type in {"string", "concatenated_string"}:
        return True
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return is_text(node.named_children[0])
    if node.type == "binary_operator":
        left, right = named(node, "left"), named(node, "right")
        return (left is not None and is_text(left)) or (right is not None and is_text(right))
    return node.type == "call" and _format_template(node) is not None


def _literal_strings(node: Node) -> list[Node] | None:
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _literal_strings(node.named_children[0])
    strings = [node] if node.type == "string" else node.named_children if node.type == "concatenated_string" else []
    plain = [each for each in strings if each.type == "string" and _is_plain(each)]
    return plain if strings and len(plain) == len(strings) else None


def _is_plain(string: Node) -> bool:
    prefix = text_of(string.children[0]).rstrip("'\"").lower()
    return prefix in {"", "u"}


@dataclass
class _Given:
    """The values handed to a `%` or a `format`, taken one by one."""

    in_order: list[str] = field(default_factory=list)
    by_name: dict[str, str] = field(default_factory=dict)
    used: int = 0

    def take(self, name: str) -> str | None:
        """Return the value a mark asks for: the next one for a mark without a name."""
        if name:
            at_index = self.in_order[int(name)] if name.isdigit() and int(name) < len(self.in_order) else None
            return self.by_name.get(name, at_index)
        self.used += 1
        return self.in_order[self.used - 1] if self.used <= len(self.in_order) else None


def _take_percent(node: Node, found: TextParts) -> bool:
    left, right = named(node, "left"), named(node, "right")
    strings = _literal_strings(left) if left is not None else None
    if strings is None or right is None:
        return False
    given = _Given()
    if right.type == "dictionary":
        pairs = [child for child in right.named_children if child.type == "pair"]
        given.by_name = {text_of(named(pair, "key"))[1:-1]: text_of(named(pair, "value")) for pair in pairs}
    elif right.type in {"tuple", "parenthesized_expression"}:
        given.in_order = [text_of(child) for child in right.named_children if child.type != "comment"]
    else:
        given.in_order = [text_of(right)]
    if any(value.startswith("*") for value in given.in_order):
        return False
    return _fill(strings, PERCENT_MARK, given, found) and given.used == len(given.in_order)


def _fill(strings: list[Node], marks: re.Pattern[str], given: _Given, found: TextParts) -> bool:
    """Take literals apart at their marks; False where one has no value or is not understood."""
    for string in strings:
        for match, text in _split(marks, _body(string)):
            if match is None:
                found.add(Literal(text), string)
            elif match["escaped"]:
                found.add(Literal(match["escaped"][0]), string)
            else:
                value = given.take(match["name"] or "") if match["other"] is None else None
                if value is None:
                    return False
                found.add(Value(value), string)
    return True


def _format_template(call: Node) -> Node | None:
    function = named(call, "function")
    if function is None or function.type != "attribute" or text_of(named(function, "attribute")) != "format":
        return None
    template = named(function, "object")
    return template if template is not None and _literal_strings(template) is not None else None


def _take_format(call: Node, found: TextParts) -> bool:
    template, given = _format_template(call), named(call, "arguments")
    if template is None or given is None:
        return False
    values = _Given()
    for argument in given.named_children:
        if argument.type in {"list_splat", "dictionary_splat", "comment"}:
            return False
        if argument.type == "keyword_argument":
            values.by_name[text_of(named(argument, "name"))] = text_of(named(argument, "value"))
        else:
            values.in_order.append(text_of(argument))
    return _fill(_literal_strings(template) or [], FORMAT_MARK, values, found)


def _body(string: Node) -> str:
    return "".join(text_of(child) for child in string.children[1:-1])


def _split(pattern: re.Pattern[str], text: str) -> list[tuple[re.Match[str] | None, str]]:
    found: list[tuple[re.Match[str] | None, str]] = []
    position = 0
    for match in pattern.finditer(text):
        if match.start() > position:
            found.append((None, text[position : match.start()]))
        found.append((match, match[0]))
        position = match.end()
    if position < len(text) or not found:
        found.append((None, text[position:]))
    return found


def python_value(parameter: tuple[Part, ...]) -> str:
    """Write a parameter as one Python expression: the value itself, or an f-string with the text around it."""
    if len(parameter) == 1 and isinstance(parameter[0], Value):
        return parameter[0].source
    values = [part.source for part in parameter if isinstance(part, Value)]
    texts = [part.raw for part in parameter if isinstance(part, Literal)]
    quote = next((each for each in ('"', "'") if not any(each in part for part in values + texts)), "")
    if quote and not any("\\" in value or "\n" in value or "{" in value for value in values):
        body = "".join(
            f"{{{part.source}}}" if isinstance(part, Value) else part.raw.replace("{", "{{").replace("}", "}}")
            for part in parameter
        )
        return f"f{quote}{body}{quote}"
    body = "".join(
        "{}" if isinstance(part, Value) else part.raw.replace("{", "{{").replace("}", "}}") for part in parameter
    )
    body = re.sub(r'(?<!\\)"', r"\"", body)
    return f'"{body}".format({", ".join(values)})'
