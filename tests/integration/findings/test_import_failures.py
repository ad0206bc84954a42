"""An import is all or nothing, says what it could not use, and loses no upload."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

import findings.services
import findings.tasks
from events.kinds import SCANNER, Kind
from events.models import Event, Job
from events.tasks import claim, run_claimed
from findings import uploads
from findings.ingest import merging
from findings.models import Finding, Presence, Scan, ScanState, UploadChunk, UploadKind
from findings.services import ScanDescription
from findings.uploads import UploadRefused
from rules.models import Rule
from scm.models import CodeFile
from tests.integration.findings.importing import CODE, LOANS, context_of, imported, matches, received, report_of

pytestmark = pytest.mark.usefixtures("in_acme")

LOANS_JSON = (LOANS / "report.json").read_bytes()
PATH, NEEDLE = "park/gate.py", "gate.open(visitor)"
RESULT = matches(PATH, NEEDLE, NEEDLE)[0]


def is_kept(scan: Scan) -> bool:
    return UploadChunk.objects.filter(scan=scan, kind=UploadKind.REPORT).exists()


def test_a_scan_that_cannot_be_read_fails_with_words_and_keeps_its_upload() -> None:
    report = report_of({"check_id": "garden.rule", "path": "../outside.py", "start": {"line": 1}, "end": {"line": 1}})

    scan = imported(report)

    assert scan.state == ScanState.FAILED
    assert "None of the 1 results could be used" in scan.failure
    kept = uploads.open_upload(scan, UploadKind.REPORT)
    assert kept is not None
    with kept:
        assert json.load(kept) == report
    assert Event.objects.filter(kind=Kind.SCAN_FAILED).count() == 1


def test_a_failed_scan_is_another_scan_when_it_is_handed_in_again() -> None:
    report = report_of({"check_id": "garden.rule", "path": "/etc/hosts", "start": {"line": 1}, "end": {"line": 1}})

    assert imported(report).pk != imported(report).pk


def test_what_was_ingested_is_not_kept_a_second_time() -> None:
    imported(LOANS_JSON, files=CODE, rules=(LOANS / "rules.yaml").read_text())

    assert not UploadChunk.objects.exists()


def test_a_failure_in_the_middle_leaves_nothing_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = received(LOANS_JSON, files=CODE)
    monkeypatch.setattr(merging, "TELL_NEW", "SELECT 1 / 0")

    with pytest.raises(Exception, match="division by zero"):
        findings.services.ingest_scan(scan=scan)

    scan.refresh_from_db()
    assert [model.objects.count() for model in (Finding, Presence, Rule, CodeFile)] == [0, 0, 0, 0]
    assert (scan.state, is_kept(scan)) == (ScanState.RECEIVED, True)


def test_a_scan_that_fails_at_every_try_is_failed_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = received(LOANS_JSON)
    monkeypatch.setattr(merging, "TELL_NEW", "SELECT 1 / 0")
    job = Job.objects.get()
    Job.objects.update(attempt=job.max_attempts - 1)

    claimed = claim(job.pk)
    assert claimed is not None
    run_claimed(*claimed)

    scan.refresh_from_db()
    job.refresh_from_db()
    assert (scan.state, job.state) == (ScanState.FAILED, "failed")
    assert "The upload is kept" in scan.failure
    assert is_kept(scan)


def test_a_scan_is_ingested_once() -> None:
    scan = received(LOANS_JSON)

    findings.services.ingest_scan(scan=scan)
    again = findings.services.ingest_scan(scan=scan)

    assert again is None
    assert Event.objects.filter(kind=Kind.SCAN_INGESTED).count() == 1


def test_unusable_results_are_listed_and_the_others_imported() -> None:
    scan = imported(report_of(RESULT, {"check_id": "x"}, {**RESULT, "path": "/etc/passwd"}))

    assert scan.found_count == 1
    assert scan.problems == [
        "Result 2: it names no file.",
        "Result 3: its path is absolute (/etc/passwd); scan from inside the repository and name the folder relatively.",
    ]


def test_of_many_unusable_results_the_first_are_listed_and_the_rest_counted() -> None:
    scan = imported(report_of(RESULT, *[{"check_id": "x", "path": f"{n}"} for n in range(50)]))

    assert len(scan.problems) == 21
    assert scan.problems[-1] == "30 more results could not be used."


def test_results_repeated_word_for_word_are_one_finding() -> None:
    assert imported(report_of(RESULT, RESULT, RESULT)).found_count == 1


def test_the_scanner_s_own_complaints_are_listed() -> None:
    scan = imported(report_of(RESULT, errors=[{"level": "warn", "message": "Time\nout", "path": "park/pond.py"}]))

    assert scan.problems == ["The scanner said of park/pond.py: Time out"]


def test_findings_without_any_code_are_counted_with_the_remedy() -> None:
    result = {**RESULT, "extra": {**RESULT["extra"], "lines": "requires login"}}

    (problem,) = imported(report_of(result)).problems

    assert problem.startswith("1 findings came without any code")
    assert "`context`" in problem


LONG = "x" * 1_000


@pytest.mark.parametrize(
    "extra",
    [
        {"metadata": {"technology": [LONG], "category": LONG, "references": [LONG], "cwe": [LONG], "owasp": LONG}},
        {"fingerprint": LONG},
        {"message": "a\x00b\ud800c", "lines": "d\x00e\udfff"},
        {"metadata": {"technology": "\x00", "references": ["\ud800"]}},
        {"message": "m" * 50_000, "lines": "l" * 5_000_000},
        {"severity": 10**15, "metadata": {"category": 1e300}},
        {"fix": "f" * 5_000_000},
    ],
    ids=["long terms", "long fingerprint", "unstorable text", "unstorable terms", "long text", "numbers", "long fix"],
)
def test_no_text_of_a_result_breaks_an_import(extra: dict[str, Any]) -> None:
    scan = imported(report_of({**RESULT, "extra": {**RESULT["extra"], **extra}}))

    assert (scan.state, scan.found_count) == (ScanState.INGESTED, 1)


@pytest.mark.parametrize("line", [2**31, 10**18, -5, 0, 1.5, "3", None])
def test_no_line_number_breaks_an_import(line: object) -> None:
    scan = imported(
        report_of(RESULT, {**RESULT, "start": {"line": line, "col": line}, "end": {"line": line, "col": line}})
    )

    assert scan.state == ScanState.INGESTED


@pytest.mark.parametrize("path", ["a.unknown", "Makefile", "no extension", "über/é.py", "a" * 900 + ".py"])
def test_no_file_name_breaks_an_import(path: str) -> None:
    scan = imported(report_of({**RESULT, "path": path}), files={path: NEEDLE})

    assert (scan.state, Finding.objects.get().path) == (ScanState.INGESTED, path)


# --- What comes along -------------------------------------------------------------------------------------------------


def test_missing_files_are_no_obstacle() -> None:
    assert imported(LOANS_JSON, files={"other.py": "pass\n"}).found_count == 6


def test_a_file_of_one_line_of_two_megabytes_is_no_obstacle() -> None:
    text = "a=1;" * 500_000 + NEEDLE

    scan = imported(report_of(*matches("built/gate.js", text, NEEDLE)), files={"built/gate.js": text})

    assert scan.found_count == 1


def zipped(entries: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    packed.seek(0)
    return packed


def receive(*, context: io.BytesIO | None = None, rules: bytes | None = None) -> Scan:
    return findings.services.receive_scan(
        description=ScanDescription(project="shop", branch="main"),
        report=io.BytesIO(LOANS_JSON),
        context=context,
        rule_file=None if rules is None else io.BytesIO(rules),
        actor=SCANNER,
    )


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (zipped({"../../etc/cron.d/job": b"x"}), "no path inside the repository"),
        (zipped({"/etc/passwd": b"x"}), "no path inside the repository"),
        (zipped({"bomb.txt": b"\0" * 30_000_000}), "times its size"),
        (io.BytesIO(b"PK\x03\x04 and then nothing"), "cannot be read"),
        (io.BytesIO(b"not json"), "Line 1 of the context upload is not JSON"),
        (io.BytesIO(b""), "is empty"),
        (io.BytesIO(b"\x1f\x8bnonsense"), "gzip"),
        (context_of({"a/../../b": "x"}), "no path inside the repository"),
    ],
    ids=["escaping", "absolute", "bomb", "broken zip", "text", "empty", "broken gzip", "escaping line"],
)
def test_a_context_that_cannot_be_used_is_refused_at_once(context: io.BytesIO, words: str) -> None:
    with pytest.raises(UploadRefused, match=words):
        receive(context=context)

    assert not Scan.objects.exists()


def test_binary_files_in_the_context_are_left_out() -> None:
    scan = receive(context=zipped({"logo.png": b"\x89PNG\0\0", "desk/ledger.py": CODE["desk/ledger.py"].encode()}))

    findings.services.ingest_scan(scan=scan)

    assert list(CodeFile.objects.values_list("path", flat=True)) == ["desk/ledger.py"]


def merge_bomb() -> bytes:
    levels = [f"m{n}: &m{n}\n  <<: [*m{n - 1}, *m{n - 1}]" for n in range(1, 40)]
    return "\n".join(["m0: &m0 {a: b}", *levels, "rules:", "- <<: *m39\n  id: unbound-run\n"]).encode()


def alias_bomb() -> bytes:
    levels = [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    return "\n".join(["x:", "- &a0 lol", *levels, "rules:", "- id: unbound-run\n  pattern: *a29\n"]).encode()


@pytest.mark.parametrize(
    "rules",
    [
        b"{[",
        b"just words",
        b"\xff\xfe\x00",
        b"- " * 100_000,
        merge_bomb(),
        alias_bomb(),
        b"a: &a [*a]\nrules: *a\n",
        b"rules: []",
    ],
    ids=["no YAML", "words", "binary", "nested", "merge bomb", "alias bomb", "circle", "no rules"],
)
def test_a_rules_file_that_cannot_be_used_is_told_and_the_findings_imported(rules: bytes) -> None:
    scan = receive(rules=rules)

    findings.services.ingest_scan(scan=scan)

    scan.refresh_from_db()
    assert (scan.state, scan.found_count) == (ScanState.INGESTED, 6)
    assert any(problem.startswith("The rules file was not used") for problem in scan.problems)
    assert not Rule.objects.exclude(yaml="").exists()


def test_the_rules_of_a_report_are_kept_with_it() -> None:
    imported(LOANS_JSON, rules=(LOANS / "rules.yaml").read_text())

    rule = Rule.objects.get()
    assert "shelf.run" in rule.yaml


@pytest.fixture
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def test_the_number_of_statements_does_not_grow_with_the_report(statements: list[str]) -> None:
    text = f"{NEEDLE}\n" * 300
    imported(report_of(*matches("a.py", text, NEEDLE)[:3]))
    few = len(statements)

    imported(report_of(*matches("b.py", text, NEEDLE)), branch="topic")

    assert len(statements) - few <= few
