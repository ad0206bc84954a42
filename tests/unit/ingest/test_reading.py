from __future__ import annotations

import codecs
import gzip
import io
import json
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findings.ingest import check_report, open_report, reading, unpacking
from findings.ingest.base import ReportUnreadable
from tests.unit.ingest.reports import PAYLOADS, opened, sarif_report, sarif_result, semgrep_report, semgrep_result

SEMGREP = (PAYLOADS / "semgrep/signed_in.json").read_bytes()


def refusal(content: bytes) -> ReportUnreadable:
    with pytest.raises(ReportUnreadable) as caught:
        list(open_report(io.BytesIO(content)))
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("semgrep/signed_in.json", "semgrep"),
        ("semgrep/withheld.json", "semgrep"),
        ("sarif/semgrep.sarif", "sarif"),
        ("sarif/extension.sarif", "sarif"),
        ("sarif/two_tools.sarif", "sarif"),
    ],
)
def test_a_format_is_told_by_its_content(name: str, expected: str) -> None:
    assert check_report(io.BytesIO((PAYLOADS / name).read_bytes())) == expected


def test_a_report_without_results_is_told_by_the_keys_around_them() -> None:
    assert list(opened(semgrep_report())) == []


@pytest.mark.parametrize(
    "written",
    [
        SEMGREP,
        codecs.BOM_UTF8 + SEMGREP,
        SEMGREP.decode().encode("utf-16"),
        SEMGREP.decode().encode("utf-32"),
        gzip.compress(SEMGREP),
        gzip.compress(codecs.BOM_UTF8 + SEMGREP),
        gzip.compress(SEMGREP[:500]) + gzip.compress(SEMGREP[500:]),
        b"\n\n  " + SEMGREP,
    ],
    ids=["plain", "mark", "utf-16", "utf-32", "gzip", "gzip of mark", "gzip in two parts", "blank lines"],
)
def test_packing_and_encoding_make_no_difference(written: bytes) -> None:
    with open_report(io.BytesIO(written)) as report, open_report(io.BytesIO(SEMGREP)) as plain:
        assert list(report) == list(plain)


def test_a_file_that_cannot_seek_is_read_all_the_same() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    pipe: BinaryIO = Pipe(SEMGREP)

    with open_report(pipe) as report:
        assert len(list(report)) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"<?xml version='1.0'?><testsuites/>", "XML"),
        (b"[1, 2]", "list"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"Scanning 3 files\n{}", "begins with 'Scanning 3 files"),
        (b'{"a": 1}', "neither Semgrep's nor SARIF"),
        (b'{"vulnerabilities": [], "version": "15"}', "GitLab"),
        (b'{"generated_at": "now", "metrics": {}, "results": [], "errors": []}', "Bandit"),
        (b'{"results": [NaN]}', "not valid JSON"),
        (b'{"version": "1", "results": [1 2]}', "not valid JSON"),
        (b"\x1f\x8bnot gzip at all", "gzip"),
        (gzip.compress(SEMGREP)[:-20], "cut off"),
        (b'{"runs": [], "version": "2.1.0"}', "holds no run"),
        (b'{"runs": [{}], "version": "2.0.0"}', "only 2.1.0"),
        (b'{"runs": [{}], "$schema": "sarif"}', "without a version"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_words(content: bytes, words: str) -> None:
    assert words in str(refusal(content))


@pytest.mark.parametrize("kept", [30, 500, 2_000, len(SEMGREP) - 3])
def test_a_truncated_report_is_refused_before_its_first_finding(kept: int) -> None:
    error = refusal(SEMGREP[:kept])

    assert "cut off" in str(error)
    assert error.offset == kept


def test_a_break_is_located_to_the_byte_and_the_result() -> None:
    content = json.dumps(semgrep_report(semgrep_result(), semgrep_result(path="b.py"), semgrep_result(path="c.py")))
    broken = content.replace('"b.py"', "b.py")

    error = refusal(broken.encode())

    assert error.offset is not None
    assert abs(error.offset - broken.index("b.py")) <= 1
    assert error.json_path == "results[1]"


def test_a_break_beyond_the_first_chunk_is_located_too() -> None:
    content = json.dumps(semgrep_report(*(semgrep_result(path=f"{n}.py") for n in range(3_000))))
    broken = content.replace('"2900.py"', "@2900.py")

    error = refusal(broken.encode())

    assert error.offset == broken.index("@2900.py")
    assert error.json_path == "results[2900]"


def test_bytes_that_are_not_utf_8_are_located() -> None:
    content = json.dumps(semgrep_report(semgrep_result(path="XX"))).encode().replace(b'"XX"', b'"caf\xe9.py"')

    error = refusal(content)

    assert "UTF8" in str(error)
    assert error.offset is not None
    assert abs(error.offset - content.index(b"\xe9")) <= 1


def test_an_absurdly_nested_report_is_refused() -> None:
    nested = '{"results": [{"check_id": "a", "extra": ' + "[" * 5_000 + "]" * 5_000 + '}], "errors": [], "paths": {}}'

    assert "levels deep" in str(refusal(nested.encode()))


def test_an_object_of_endless_keys_is_refused() -> None:
    endless = {f"key {n}": n for n in range(5_000)}

    assert "neither Semgrep's nor SARIF" in str(refusal(json.dumps(endless).encode()))


def test_an_absurdly_large_result_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_VALUES_PER_PART", 1_000)
    huge = semgrep_report(semgrep_result(extra={"metavars": list(range(2_000))}))

    assert "in one entry" in str(refusal(json.dumps(huge).encode()))


@pytest.mark.parametrize("number", ["9" * 5_000, "1e99999", "-" + "9" * 40])
def test_a_number_out_of_all_range_is_an_error_and_no_crash(number: str) -> None:
    content = json.dumps(semgrep_report(semgrep_result(start={"line": 77777}))).replace("77777", number)

    assert "overflow" in str(refusal(content.encode()))


def test_a_gzip_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "RATIO_FREE_BYTES", 100_000)
    bomb = gzip.compress(b" " * 5_000_000)

    assert "times its size" in str(refusal(bomb))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_report_over_the_limit_is_refused(pack: type[bytes]) -> None:
    with pytest.raises(ReportUnreadable, match="larger than"):
        open_report(io.BytesIO(pack(SEMGREP)), max_bytes=2_000)


def test_a_long_line_is_no_obstacle() -> None:
    report = semgrep_report(semgrep_result(extra={"lines": "x" * 5_000_000}))

    (finding,) = opened(report)

    assert len(finding.lines) == 20_000


def test_rules_after_the_results_are_found() -> None:
    report = sarif_report(sarif_result(), rule={"properties": {"tags": ["CWE-79"]}})
    report["runs"][0] = {key: report["runs"][0][key] for key in ("results", "tool")}

    (finding,) = opened(report)

    assert finding.cwe == ("CWE-79",)


def test_a_report_can_be_read_again() -> None:
    report = opened(semgrep_report(semgrep_result(), semgrep_result()))

    first, second = list(report), list(report)

    assert first == second
    assert report.duplicates == 1


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    assert str(refusal(content))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"a\udC00\uD83D", "a\ufffd\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud800", r"\ud800"),
        (r"\\\ud800\n", "\\\ufffd\n"),
    ],
)
@pytest.mark.parametrize("padding", [0, 65_530, 65_531, 65_532, 65_533, 65_534, 65_535])
def test_half_a_character_is_replaced_wherever_it_stands(written: str, read: str, padding: int) -> None:
    text = json.dumps(semgrep_report(semgrep_result(extra={"message": "WRITTEN"})))
    before = text.index("WRITTEN")
    padded = " " * max(padding - before, 0) + text.replace("WRITTEN", f"{written}.")

    (finding,) = open_report(io.BytesIO(padded.encode()))

    assert finding.message == f"{read}."


@given(st.text(alphabet="\\ud8D0cCfF9aé😀\ud800\udfff", max_size=40))
@settings(deadline=None)
def test_no_text_in_escapes_breaks_a_report(text: str) -> None:
    (finding,) = opened(semgrep_report(semgrep_result(extra={"message": f"m{text}"})))

    assert finding.message.startswith("m")
