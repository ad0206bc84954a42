"""What a SARIF run says outside its results: its tool, rules, files and notifications, kept compactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from findings.ingest import cleaning
from findings.ingest.base import Complaints, ReportedRule, ReportUnreadable, ScanError, Severity
from findings.ingest.reading import JsonSource

RESULTS = "runs.item.results.item"
SEMGREP = "Semgrep"

MAX_MESSAGE_STRINGS = 50
CATEGORIES = (
    "security",
    "correctness",
    "maintainability",
    "performance",
    "best-practice",
    "portability",
    "compatibility",
)

_RUN = "runs.item"
_DRIVER = "runs.item.tool.driver"
_EXTENSION = "runs.item.tool.extensions.item"
_INVOCATION = "runs.item.invocations.item"
_BUILT = frozenset(
    {
        "version",
        f"{_DRIVER}.name",
        f"{_DRIVER}.version",
        f"{_DRIVER}.semanticVersion",
        f"{_DRIVER}.rules.item",
        f"{_DRIVER}.globalMessageStrings",
        f"{_EXTENSION}.name",
        f"{_EXTENSION}.guid",
        f"{_EXTENSION}.rules.item",
        f"{_INVOCATION}.executionSuccessful",
        f"{_INVOCATION}.workingDirectory",
        f"{_INVOCATION}.toolExecutionNotifications.item",
        f"{_INVOCATION}.toolConfigurationNotifications.item",
        "runs.item.originalUriBaseIds",
        "runs.item.artifacts.item",
    }
)

_CONFIDENCE_TAG = re.compile(r"(HIGH|MEDIUM|LOW) CONFIDENCE")


@dataclass(frozen=True)
class Descriptor:
    """A rule of a run, with what only SARIF has: message templates, precision, and whether its severity is a score."""

    rule: ReportedRule
    has_score: bool
    precision: str
    messages: Mapping[str, str]


@dataclass
class Component:
    """A tool's driver, or one of its extensions, with its rules in their order."""

    name: str = ""
    guid: str = ""
    descriptors: list[Descriptor] = field(default_factory=list)
    by_identifier: dict[str, Descriptor] = field(default_factory=dict)

    def add(self, raw: object) -> None:
        """Keep one rule; one without a name stays in its place, for the results that count."""
        descriptor = _descriptor(cleaning.mapping_of(raw))
        self.descriptors.append(descriptor)
        self.by_identifier.setdefault(descriptor.rule.identifier, descriptor)

    def at(self, index: object) -> Descriptor | None:
        """Return the rule at an index of the report, None where there is none."""
        is_inside = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self.descriptors)
        return self.descriptors[index] if is_inside else None  # type: ignore[call-overload]  # is_inside says it is an int


@dataclass
class Run:
    """One run: the tool, its rules, where its files are, how many results follow."""

    driver: Component = field(default_factory=Component)
    extensions: list[Component] = field(default_factory=list)
    version: str = ""
    global_messages: Mapping[str, str] = field(default_factory=dict)
    bases: dict[str, tuple[str, str]] = field(default_factory=dict)
    artifacts: list[tuple[str, str]] = field(default_factory=list)
    result_count: int = 0
    has_failed: bool = False

    @property
    def is_semgrep(self) -> bool:
        """Whether Semgrep, or what came of it, wrote this run; it has habits of its own."""
        return self.driver.name.lower().startswith(("semgrep", "opengrep"))

    @property
    def tool_name(self) -> str:
        """The tool, by the same name whatever the format: Semgrep adds its edition in SARIF only."""
        return SEMGREP if self.driver.name.lower().startswith("semgrep") else self.driver.name

    @property
    def roots(self) -> list[str]:
        """The absolute folders that paths of this run may begin with, the shortest first."""
        absolute = (path_of_file_uri(uri) for uri, _ in self.bases.values() if uri.startswith(("file:", "/")))
        return sorted({f"{path.rstrip('/')}/" for path in absolute}, key=len)


@dataclass
class Outline:
    """A whole SARIF file but for its results."""

    version: str = ""
    runs: list[Run] = field(default_factory=list)
    complaints: Complaints = field(default_factory=Complaints)

    def add_error(self, raw: object) -> None:
        """Keep a notification that says warning or error; scanners also note every file they read."""
        notification = cleaning.mapping_of(raw)
        level = notification.get("level", "warning")
        if level not in ("warning", "error"):
            return
        self.complaints.add(_error(notification, level))


def outline_of(source: JsonSource) -> Outline:
    """Read a SARIF file but for its results, and check it as a whole. Raise `ReportUnreadable`."""
    outline = Outline()
    begun = frozenset({_RUN, _EXTENSION})
    for prefix, value in source.parts(built=_BUILT, begun=begun, skipped=frozenset({RESULTS})):
        if prefix == "version":
            outline.version = cleaning.text_of(value, limit=cleaning.MAX_WORD)
        elif prefix == _RUN:
            outline.runs.append(Run())
        elif not outline.runs:
            continue
        elif prefix == RESULTS:
            outline.runs[-1].result_count += 1
        elif prefix.endswith("Notifications.item"):
            outline.add_error(value)
        else:
            _add_to_run(outline.runs[-1], prefix, value)
    _refuse_unusable(outline)
    return outline


def _add_to_run(run: Run, prefix: str, value: Any) -> None:  # Any: as JSON has it
    if prefix.startswith(_DRIVER):
        _add_to_driver(run, prefix.removeprefix(f"{_DRIVER}."), value)
    elif prefix == _EXTENSION:
        run.extensions.append(Component())
    elif prefix.startswith(_EXTENSION):
        _add_to_extension(run.extensions[-1], prefix.removeprefix(f"{_EXTENSION}."), value)
    elif prefix == f"{_RUN}.originalUriBaseIds":
        run.bases |= {name: _uri_and_base(base) for name, base in cleaning.mapping_of(value).items()}
    elif prefix == f"{_RUN}.artifacts.item":
        run.artifacts.append(_uri_and_base(cleaning.mapping_of(value).get("location")))
    elif prefix == f"{_INVOCATION}.workingDirectory":
        run.bases["(working directory)"] = _uri_and_base(value)
    elif prefix == f"{_INVOCATION}.executionSuccessful":
        run.has_failed = run.has_failed or value is False


def _add_to_driver(run: Run, part: str, value: Any) -> None:  # Any: as JSON has it
    match part:
        case "name":
            run.driver.name = cleaning.text_of(value, limit=cleaning.MAX_WORD)
        case "semanticVersion":
            run.version = cleaning.text_of(value, limit=cleaning.MAX_TERM)
        case "version":
            run.version = run.version or cleaning.text_of(value, limit=cleaning.MAX_TERM)
        case "rules.item":
            run.driver.add(value)
        case "globalMessageStrings":
            run.global_messages = _message_strings(value)


def _add_to_extension(extension: Component, part: str, value: Any) -> None:  # Any: as JSON has it
    match part:
        case "name":
            extension.name = cleaning.text_of(value, limit=cleaning.MAX_WORD)
        case "guid":
            extension.guid = cleaning.text_of(value, limit=cleaning.MAX_WORD)
        case "rules.item":
            extension.add(value)


def _refuse_unusable(outline: Outline) -> None:
    if not outline.version.startswith("2.1"):
        found = f"version {outline.version}" if outline.version else "a file without a version"
        raise ReportUnreadable(
            f"This is SARIF, but {found}; only 2.1.0 is read. Let the scanner write SARIF 2.1.0.", json_path="version"
        )
    if not outline.runs:
        raise ReportUnreadable(
            "The SARIF file holds no run, so nothing was scanned. Check the scanner's own output.", json_path="runs"
        )
    if any(run.result_count for run in outline.runs):
        return
    has_rules = any(run.driver.descriptors or run.extensions for run in outline.runs)
    fatal = [error for error in outline.complaints.kept if error.level == "error"]
    if any(run.has_failed for run in outline.runs) or (fatal and not has_rules):
        # Taken for a scan without findings, it would close every finding of the project.
        reason = fatal[0].message[:500].rstrip(".") if fatal else "it gave no reason"
        raise ReportUnreadable(f"The scan failed before it had results: {reason}. Correct that and scan again.")


def path_of_file_uri(uri: str) -> str:
    """Return the path of a `file:` URI, still percent-encoded; a path is returned as it is."""
    # Not urlsplit, which takes `#` and `?` for more than characters of a name and raises on `file://[`.
    if not uri.startswith("file:"):
        return uri
    rest = uri.removeprefix("file:")
    return "/" + rest.removeprefix("//").partition("/")[2] if rest.startswith("//") else rest


def _uri_and_base(raw: object) -> tuple[str, str]:
    location = cleaning.mapping_of(raw)
    limit = cleaning.MAX_PATH * 3  # percent-encoded
    uri = cleaning.text_of(location.get("uri"), limit=limit)
    return uri, cleaning.text_of(location.get("uriBaseId"), limit=cleaning.MAX_WORD)


def _descriptor(raw: Mapping[str, Any]) -> Descriptor:
    identifier = cleaning.text_of(raw.get("id"), limit=cleaning.MAX_IDENTIFIER).strip()
    properties = cleaning.mapping_of(raw.get("properties"))
    tags = cleaning.texts_of(properties.get("tags"))
    score = cleaning.severity_of_score(properties.get("security-severity"))
    level = cleaning.mapping_of(raw.get("defaultConfiguration")).get("level")
    cwe = cleaning.cwe_in([*tags, *cleaning.texts_of(properties.get("cwe")), *_related_weaknesses(raw)])
    category = next((tag for tag in tags if tag.lower() in CATEGORIES), "") or properties.get("category")
    rule = ReportedRule(
        identifier=identifier,
        name=_name(raw, identifier),
        message=_first_text(raw, "fullDescription", "shortDescription", "help"),
        severity=score or cleaning.severity_of(level) or Severity.MEDIUM,
        cwe=cwe,
        owasp=cleaning.owasp_in([*tags, *cleaning.texts_of(properties.get("owasp"))]),
        category=cleaning.text_of(category, limit=cleaning.MAX_TERM).lower() or ("security" if cwe or score else ""),
        technology=cleaning.texts_of(properties.get("technology"), limit=cleaning.MAX_TERM),
        confidence=next((found[1].lower() for found in map(_CONFIDENCE_TAG.fullmatch, tags) if found), ""),
        help_uri=cleaning.text_of(raw.get("helpUri"), limit=cleaning.MAX_LINK),
        tags=tags,
    )
    return Descriptor(
        rule=rule,
        has_score=score is not None,
        precision=cleaning.confidence_of(properties.get("precision")),
        messages=_message_strings(raw.get("messageStrings")),
    )


def _name(raw: Mapping[str, Any], identifier: str) -> str:
    name = cleaning.text_of(raw.get("name"), limit=cleaning.MAX_WORD)
    # Semgrep repeats the identifier; people call a rule by its last part.
    return name if name and name != identifier else identifier.rsplit(".", 1)[-1]


def _first_text(raw: Mapping[str, Any], *names: str) -> str:
    texts = (cleaning.mapping_of(raw.get(name)).get("text") for name in names)
    return next((text for text in (cleaning.text_of(t, limit=cleaning.MAX_MESSAGE) for t in texts) if text), "")


def _related_weaknesses(raw: Mapping[str, Any]) -> list[str]:
    targets = (
        cleaning.mapping_of(cleaning.mapping_of(r).get("target")) for r in cleaning.list_of(raw.get("relationships"))
    )
    return weaknesses_named(targets)


def weaknesses_named(references: Any) -> list[str]:  # Any: an iterable of JSON's objects
    """Return the entries of the CWE taxonomy that reporting descriptor references point at, as `CWE-79`."""
    named = []
    for reference in references:
        component = cleaning.mapping_of(reference.get("toolComponent")).get("name")
        identifier = reference.get("id")
        if isinstance(identifier, str) and isinstance(component, str) and component.upper() == "CWE":
            named.append(f"CWE-{identifier.upper().removeprefix('CWE-')}")
    return named


def _message_strings(raw: object) -> dict[str, str]:
    entries = list(cleaning.mapping_of(raw).items())[:MAX_MESSAGE_STRINGS]
    texts = {name: cleaning.mapping_of(entry) for name, entry in entries}
    return {
        name: cleaning.text_of(entry.get("text") or entry.get("markdown"), limit=cleaning.MAX_MESSAGE)
        for name, entry in texts.items()
    }


def _error(notification: Mapping[str, Any], level: str) -> ScanError:
    message = cleaning.mapping_of(notification.get("message")).get("text")
    descriptor = cleaning.mapping_of(notification.get("descriptor")).get("id")
    locations = cleaning.list_of(notification.get("locations"))
    physical = cleaning.mapping_of(cleaning.mapping_of(locations[0] if locations else None).get("physicalLocation"))
    uri = cleaning.mapping_of(physical.get("artifactLocation")).get("uri")
    path = cleaning.path_or_none(unquote(uri)) if isinstance(uri, str) else ""
    # Semgrep names the file in its sentence only. An absolute one is told in the sentence, and looked for there.
    words = message if path or not isinstance(uri, str) else f"{message or descriptor} ({uri})"
    return ScanError(
        message=cleaning.text_of(words or descriptor, limit=cleaning.MAX_MESSAGE) or "The scanner gave no reason.",
        level=level,
        path=path,
    )
