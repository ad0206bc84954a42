"""Reading what scanners write. A format is one module and one line in `PARSERS`."""

from __future__ import annotations

from contextlib import closing
from importlib import import_module
from typing import BinaryIO, cast

from findings.ingest.base import Report
from findings.ingest.reading import Glance, JsonSource
from findings.ingest.unpacking import MAX_REPORT_BYTES, ReportUnreadable

PARSERS = {
    "semgrep_ci": "findings.ingest.semgrep_ci.SemgrepCiReport",
    "semgrep": "findings.ingest.semgrep.SemgrepReport",
    "sarif": "findings.ingest.sarif.SarifReport",
    "gitlab": "findings.ingest.gitlab.GitlabReport",
}

# Formats people upload by mistake, by a key that only they have, and what their scanner offers instead.
OTHER_FORMATS = {
    "vulnerabilities": "a list of vulnerabilities, but not GitLab's report of version 14 or 15, which has a `scan`",
    "generated_at": "Bandit's JSON; run it with `-f sarif` (bandit-sarif-formatter)",
    "SchemaVersion": "Trivy's JSON; run it with `--format sarif`",
    "matches": "Grype's JSON; run it with `-o sarif`",
}


def open_report(file: BinaryIO, *, max_bytes: int = MAX_REPORT_BYTES) -> Report:
    """Return the report in a file, whatever its format, for a `with` block; `max_bytes` are those of its plain JSON.

    Raise `ReportUnreadable`, in words for whoever uploaded it.
    """
    source = JsonSource(file, max_bytes=max_bytes)
    try:
        return _parser(_format_of(source))(source)
    except BaseException:
        source.close()
        raise


def check_report(file: BinaryIO, *, max_bytes: int = MAX_REPORT_BYTES) -> str:
    """Return the name of a report's format, having read the file to its end; it is left at its start.

    What may still be wrong is in its results. Raise `ReportUnreadable`.
    """
    with closing(JsonSource(file, max_bytes=max_bytes)) as source:
        found = _format_of(source)
        _parser(found)(source)
    file.seek(0)
    return found


def _format_of(source: JsonSource) -> str:
    glance = Glance()
    for glance in source.glances():
        for name in PARSERS:
            if _parser(name).recognises(glance):
                return name
    other = next((other for key, other in OTHER_FORMATS.items() if key in glance.keys), "")
    found = other or f"an object with the keys {', '.join(sorted(glance.keys)[:8]) or '(none)'}"
    raise ReportUnreadable(
        f"This is JSON, but neither Semgrep's nor SARIF 2.1.0 nor a GitLab report: {found[:300]}. "
        "Upload what `semgrep scan --json` or `--sarif` writes."
    )


def _parser(name: str) -> type[Report]:
    module, _, class_name = PARSERS[name].rpartition(".")
    return cast(type[Report], getattr(import_module(module), class_name))
