"""The same finding in the next scan: an identity from the code that matched, not from where it stands."""

from __future__ import annotations

import hashlib
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from findings.context import Span
from findings.ingest.base import ReportedFinding
from lib.languages import language_of
from lib.syntax import enclosing_scopes

DIGEST_BYTES = 16

# Raise it, with a migration of what is stored, when anything below changes what is hashed.
VERSION = "1"

ABOUT_THE_FILE = Span(1, 1, 1, 1)  # what is reported where a result names no line

_ScopesOf = Callable[[str, str, Iterable[int]], dict[int, str]]


def fingerprints(findings: Sequence[ReportedFinding], text_of: Callable[[str], str | None]) -> list[bytes]:
    """Return the identity of each finding, 16 bytes; `text_of` gives a file's text at the scanned commit, or None.

    It is made of the rule, the path, the matched text without white space, the name of what surrounds it, and the
    position among findings equal in all of these, in the order of the file. So it outlives moved lines, edits
    elsewhere, new indentation, other line ends and reworded messages, and equal matches in a file are several findings.

    Give it *all* findings of a file at once, or the positions are wrong. For reports that do not fit in memory, call
    `content_keys` for a batch of whole files at a time and `numbered` at the end.

    Without the file, the lines of the report stand in for it and the surroundings are unknown: a finding inside a
    function then has another identity than with the file. Without any code (no file, and an engine that withholds it),
    only rule, path and position are left: a new match of the rule further up takes over the identity, and with it the
    triage, of the one below. Identities stay comparable as long as a project is always scanned with, or always without,
    the text of its files; `fallback_fingerprints` bridges the two.
    """
    keys = content_keys(findings, text_of)
    return numbered([(key, finding.span) for key, finding in zip(keys, findings, strict=True)])


def fallback_fingerprints(findings: Sequence[ReportedFinding], text_of: Callable[[str], str | None]) -> list[bytes]:
    """Return identities without the surroundings: the same whether a file was readable or only the report's lines.

    For finding last scan's findings again when its files could be read and this scan's cannot, or the other way round.
    Weaker than `fingerprints`: an equal match in another function further up takes over the identity of the one below.
    """
    keys = _keys(findings, text_of, scopes_of=_no_scopes)
    return numbered([(key, finding.span) for key, finding in zip(keys, findings, strict=True)])


def content_keys(findings: Sequence[ReportedFinding], text_of: Callable[[str], str | None]) -> list[bytes]:
    """Return what each finding is about, 16 bytes; findings that are alike share it."""
    return _keys(findings, text_of, scopes_of=enclosing_scopes)


def numbered(keys: Sequence[tuple[bytes, Span]]) -> list[bytes]:
    """Return identities: content keys told apart, where they are equal, by their order in the file."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for index, (key, _) in enumerate(keys):
        alike[key].append(index)
    identities = [b""] * len(keys)
    for key, indexes in alike.items():
        in_file_order = sorted(indexes, key=lambda index: _position(keys[index][1]))
        for ordinal, index in enumerate(in_file_order):
            identities[index] = _digest(key.hex(), str(ordinal))
    return identities


def _keys(
    findings: Sequence[ReportedFinding], text_of: Callable[[str], str | None], *, scopes_of: _ScopesOf
) -> list[bytes]:
    places: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        places[posixpath.normpath(finding.path)].append(index)
    keys = [b""] * len(findings)
    for path, indexes in places.items():
        text = text_of(path)
        lines = None if text is None else _lines(text)
        of_file = [findings[index] for index in indexes]
        start_lines = {finding.span.start_line for finding in of_file}
        scopes = {} if text is None else scopes_of(text, language_of(path), start_lines)
        for index, finding in zip(indexes, of_file, strict=True):
            scope = scopes.get(finding.span.start_line, "")
            keys[index] = _key(finding, path=path, scope=scope, matched=_matched_text(finding, lines))
    return keys


def _no_scopes(text: str, language: str, lines: Iterable[int]) -> dict[int, str]:
    return {}


def _key(finding: ReportedFinding, *, path: str, scope: str, matched: str | None) -> bytes:
    if matched is None:
        return _digest(VERSION, "place", finding.rule_identifier, path)
    return _digest(VERSION, "code", finding.rule_identifier, path, scope, "".join(matched.split()))


def _matched_text(finding: ReportedFinding, lines: Sequence[str] | None) -> str | None:
    """Return the code between the ends of a finding; None where nobody has it."""
    span = finding.span
    if lines is not None and span.end_line <= len(lines):
        return _cut(lines[span.start_line - 1 : span.end_line], span)
    if finding.lines:
        return _cut_of_report(_lines(finding.lines), span)
    return None


def _cut(lines: Sequence[str], span: Span) -> str:
    """Return what stands between the columns of whole lines. Semgrep counts columns in bytes of UTF-8."""
    if span == ABOUT_THE_FILE:
        return ""
    encoded = [line.encode(errors="replace") for line in lines]
    encoded[-1] = encoded[-1][: span.end_column - 1]
    encoded[0] = encoded[0][span.start_column - 1 :]
    cut = b"\n".join(encoded).decode(errors="ignore")
    return cut if cut.strip() else "\n".join(lines)  # no columns, or columns past the end


def _cut_of_report(lines: Sequence[str], span: Span) -> str:
    # Semgrep gives whole lines; the standard, and most others, only what matched, which must not be cut again.
    has_columns = len(lines[-1].encode(errors="replace")) >= span.end_column - 1
    is_whole = len(lines) == span.end_line - span.start_line + 1 and has_columns
    return _cut(lines, span) if is_whole else "\n".join(lines)


def _lines(text: str) -> list[str]:
    # Not splitlines: a form feed ends no line for a scanner.
    return text.removeprefix("\ufeff").split("\n")


def _position(span: Span) -> tuple[int, int, int, int]:
    return span.start_line, span.start_column, span.end_line, span.end_column


def _digest(*parts: str) -> bytes:
    text = "\0".join(part.replace("\0", "") for part in parts)
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=DIGEST_BYTES).digest()
