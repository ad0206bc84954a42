"""The same finding in the next scan: an identity from the code that matched, not from where it stands."""

from __future__ import annotations

import hashlib
import posixpath
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from findings.context import Span
from findings.ingest.base import ReportedFinding
from lib.languages import language_of
from lib.syntax import enclosing_scopes

DIGEST_BYTES = 16

# Raise it, with a migration of what is stored, when anything below changes what is hashed.
VERSION = "1"

ABOUT_THE_FILE = Span(1, 1, 1, 1)  # what is reported where a result names no line


@dataclass(frozen=True, slots=True)
class Keys:
    """What a finding is about, in 16 bytes each, from the most to the least exact; equal ones are told apart by order.

    `whole` is rule, path, matched code and the names of what surrounds it; `code` leaves the surroundings out, `place`
    the code too; `moved` is rule and code without the path. What is not known is left out: without the file `whole`
    knows no surroundings, and without any code all are the same. Where a scanner withholds the code, what it calls the
    match stands for it, and `has_code` is false.
    """

    whole: bytes
    code: bytes
    place: bytes
    moved: bytes
    has_code: bool


def keys_of(findings: Sequence[ReportedFinding], text_of: Callable[[str], str | None]) -> list[Keys]:
    """Return the keys of each finding; `text_of` gives a file's text at the scanned commit, or None.

    Matched code counts without white space. So a `whole` key outlives moved lines, edits elsewhere, new indentation,
    other line ends and reworded messages. It changes when the text of a file comes or goes with the upload, and when
    what surrounds the match is renamed: then `code` finds the finding again. Where nobody has the code (no file, and an
    engine that withholds it), `place` is all there is.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        places[posixpath.normpath(finding.path)].append(index)
    keys: dict[int, Keys] = {}
    for path, indexes in places.items():
        text = text_of(path)
        lines = None if text is None else _lines(text)
        of_file = [findings[index] for index in indexes]
        scopes = {} if text is None else enclosing_scopes(text, language_of(path), {f.span.start_line for f in of_file})
        for index, finding in zip(indexes, of_file, strict=True):
            scope = None if text is None else scopes.get(finding.span.start_line, "")
            keys[index] = _keys(finding, path=path, scope=scope, matched=_matched_text(finding, lines))
    return [keys[index] for index in range(len(findings))]


def _keys(finding: ReportedFinding, *, path: str, scope: str | None, matched: str | None) -> Keys:
    place = _digest(VERSION, "place", finding.rule_identifier, path)
    if matched is None:
        return _keys_of_withheld(finding, path=path, place=place)
    squeezed = "".join(matched.split())
    code = _digest(VERSION, "code", finding.rule_identifier, path, squeezed)
    # Not to know the surroundings is not the same as to have none.
    whole = code if scope is None else _digest(VERSION, "whole", finding.rule_identifier, path, scope, squeezed)
    moved = _digest(VERSION, "moved", finding.rule_identifier, squeezed)
    return Keys(whole=whole, code=code, place=place, moved=moved, has_code=True)


def _keys_of_withheld(finding: ReportedFinding, *, path: str, place: bytes) -> Keys:
    """Return the keys where the code is not known: by its hash and the scanner's own id, or else by the place alone."""
    if not finding.code_hash:
        return Keys(whole=place, code=place, place=place, moved=place, has_code=False)
    rule = finding.rule_identifier
    return Keys(
        whole=_digest(VERSION, "match", rule, path, finding.scanner_fingerprint or finding.code_hash),
        code=_digest(VERSION, "hash", rule, path, finding.code_hash),
        place=place,
        moved=_digest(VERSION, "moved hash", rule, finding.code_hash),
        has_code=False,
    )


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


def _digest(*parts: str) -> bytes:
    text = "\0".join(part.replace("\0", "") for part in parts)
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=DIGEST_BYTES).digest()
