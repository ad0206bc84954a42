"""Where a SARIF result points: paths out of URIs and bases, regions, code flows and fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from findings.context import Span, TraceRole, TraceStep
from findings.ingest import cleaning
from findings.ingest.base import ResultUnusable
from findings.ingest.sarif.runs import Run, path_of_file_uri

MAX_BASES = 10

WHOLE_FILE = Span(1, 1, 1, 1)  # nothing at the file's beginning: a finding about a file matches no text of it


def physical_location_of(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first physical location of a result. Raise `ResultUnusable` where it has none."""
    for location in cleaning.list_of(raw.get("locations")):
        physical = cleaning.mapping_of(cleaning.mapping_of(location).get("physicalLocation"))
        if physical:
            return physical
    raise ResultUnusable("it points at no file")


def path_in(run: Run, physical: Mapping[str, Any]) -> str:
    """Return the path of a physical location, relative to the repository. Raise `ResultUnusable`."""
    location = cleaning.mapping_of(physical.get("artifactLocation"))
    uri, base = location.get("uri"), location.get("uriBaseId")
    index = location.get("index")
    if not uri and isinstance(index, int) and 0 <= index < len(run.artifacts):
        uri, base = run.artifacts[index]
    if not isinstance(uri, str) or not uri:
        raise ResultUnusable("it points at no file")
    return _relative(run, uri, base)


def span_in(region: object) -> Span:
    """Return a region as a span; a region without a line is about the whole file."""
    place = cleaning.mapping_of(region)
    start_line = place.get("startLine")
    if start_line is None:
        return WHOLE_FILE
    return cleaning.span_of(
        start_line=start_line,
        start_column=place.get("startColumn"),
        end_line=place.get("endLine"),
        end_column=place.get("endColumn"),
    )


def lines_in(physical: Mapping[str, Any], span: Span) -> str:
    """Return the matched lines: cut from the wider snippet where it covers them, else the snippet as it is."""
    context = cleaning.mapping_of(physical.get("contextRegion"))
    first, around = context.get("startLine"), _snippet(context)
    if isinstance(first, int) and 1 <= first <= span.start_line and around:
        lines = around.split("\n")[span.start_line - first : span.end_line - first + 1]
        if len(lines) > span.end_line - span.start_line:
            return "\n".join(lines)
    return _snippet(cleaning.mapping_of(physical.get("region")))


def trace_in(run: Run, raw: Mapping[str, Any]) -> tuple[TraceStep, ...]:
    """Return the first code flow as steps from source to sink; empty where there is none."""
    flow = _first(raw.get("codeFlows"))
    locations = cleaning.list_of(_first(flow.get("threadFlows")).get("locations"))
    found = [step for step in (_step_in(run, location) for location in locations) if step is not None]
    steps = [TraceStep(TraceRole.INTERMEDIATE, *step) for step in found]
    if steps:
        steps[0] = TraceStep(TraceRole.SOURCE, *found[0])
        steps[-1] = TraceStep(TraceRole.SINK, *found[-1])
    return cleaning.within_limit(steps)


def fix_in(run: Run, raw: Mapping[str, Any], *, path: str, span: Span) -> str:
    """Return the text that a rule would put in place of the span; empty where its fix does anything else."""
    changes = cleaning.list_of(_first(raw.get("fixes")).get("artifactChanges"))
    change = _first(changes)
    replacements = cleaning.list_of(change.get("replacements"))
    if len(changes) != 1 or len(replacements) != 1:
        return ""
    replacement = _first(replacements)
    try:
        is_here = span_in(replacement.get("deletedRegion")) == span and path_in(run, change) == path
    except ResultUnusable:
        return ""
    text = cleaning.mapping_of(replacement.get("insertedContent")).get("text")
    fix = cleaning.text_of(text, limit=cleaning.MAX_CODE + 1)
    return fix if is_here and len(fix) <= cleaning.MAX_CODE else ""  # half a fix is none


def _relative(run: Run, uri: str, base: object) -> str:
    """Resolve a URI against the bases of its run, then take away the folder that the repository was in."""
    resolved = uri
    for _ in range(MAX_BASES):
        if _is_absolute(resolved) or not isinstance(base, str) or base not in run.bases:
            break
        base_uri, base = run.bases[base]
        if base_uri:
            resolved = f"{base_uri.rstrip('/')}/{resolved}"
    if "://" in resolved and not resolved.startswith("file:"):
        raise ResultUnusable(f"it points at something that is no file ({uri[:80]})")
    path = path_of_file_uri(resolved)
    path = next((path.removeprefix(root) for root in run.roots if path.startswith(root)), path)
    # Semgrep writes paths as they are, where others write them as URIs: `a%20b.py` is a real name there.
    decoded = path if run.is_semgrep else unquote(path)
    return cleaning.path_of(decoded)


def _is_absolute(uri: str) -> bool:
    return uri.startswith(("/", "file:")) or "://" in uri


def _step_in(run: Run, raw: object) -> tuple[str, Span, str] | None:
    location = cleaning.mapping_of(cleaning.mapping_of(raw).get("location"))
    physical = cleaning.mapping_of(location.get("physicalLocation"))
    region = cleaning.mapping_of(physical.get("region"))
    try:
        path, span = path_in(run, physical), span_in(region)
    except ResultUnusable:
        return None
    text = cleaning.mapping_of(region.get("snippet")).get("text")
    text = text or cleaning.mapping_of(location.get("message")).get("text")
    return path, span, cleaning.code_of(text, limit=cleaning.MAX_STEP_TEXT)


def _snippet(region: Mapping[str, Any]) -> str:
    return cleaning.code_of(cleaning.mapping_of(region.get("snippet")).get("text"))


def _first(value: object) -> Mapping[str, Any]:
    entries = cleaning.list_of(value)
    return cleaning.mapping_of(entries[0]) if entries else {}
