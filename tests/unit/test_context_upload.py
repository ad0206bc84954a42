from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scm import context_upload
from scm.context_upload import ContextRefused, ContextUpload, read_context

FILES = {"src/gate.py": "import shelf\n", "web/größe.js": "const größe = 1;\r\n", "empty.txt": ""}


def zipped(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return written.getvalue()


def lines(*entries: Any) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def upload(content: bytes) -> ContextUpload:
    return read_context(io.BytesIO(content))


def refusal(content: bytes) -> str:
    with pytest.raises(ContextRefused) as caught:
        list(upload(content))
    return str(caught.value)


AS_LINES = lines(*({"path": path, "text": text} for path, text in FILES.items()))


@pytest.mark.parametrize(
    "content",
    [
        zipped({**FILES}),
        zipped({**FILES}, zipfile.ZIP_STORED),
        AS_LINES,
        gzip.compress(AS_LINES),
        AS_LINES.replace(b"\n", b"\n\n"),
        b"\xef\xbb\xbf" + AS_LINES,
        lines(*({"path": p, "text": t, "sha256": hashlib.sha256(t.encode()).hexdigest()} for p, t in FILES.items())),
    ],
    ids=["zip", "stored zip", "lines", "gzip", "blank lines", "mark", "with hashes"],
)
def test_every_way_of_packing_gives_the_same_files(content: bytes) -> None:
    assert dict(upload(content)) == FILES


def test_folders_and_dots_are_no_part_of_a_path() -> None:
    assert dict(upload(zipped({"src/": "", "./src/gate.py": "x"}))) == {"src/gate.py": "x"}


@pytest.mark.parametrize("path", ["/etc/gate", "../gate", "a/../../gate", "a\\gate.py", "C:/gate.py", "a/.."])
@pytest.mark.parametrize("pack", [lambda path: zipped({path: "x"}), lambda path: lines({"path": path, "text": "x"})])
def test_a_path_outside_the_repository_is_refused(path: str, pack: Any) -> None:
    assert "no path inside the repository" in refusal(pack(path))


@pytest.mark.parametrize("path", [".", "a\nb", "d/" * 600 + "gate.py"])
def test_a_name_that_no_file_should_have_is_refused(path: str) -> None:
    assert "usable name" in refusal(lines({"path": path, "text": "x"}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip_are_refused(kind: int) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        entry = zipfile.ZipInfo("gate")
        entry.external_attr = (kind | 0o644) << 16
        archive.writestr(entry, "/etc/passwd")

    assert "link or a device" in refusal(written.getvalue())


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zipped({"gate.py": "x"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "password" in refusal(bytes(content))


def test_a_zip_bomb_is_refused_before_it_unpacks() -> None:
    assert "times its size" in refusal(zipped({"zeros.txt": "0" * 1_900_000}))


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_upload, "MAX_FILES", 3)

    assert "more than 3 files" in refusal(zipped({f"{n}.py": "x" for n in range(4)}))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_too_many_bytes_are_refused(method: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_upload, "MAX_TOTAL_BYTES", 1_000)

    assert "unpacked" in refusal(zipped({f"{n}.py": "xyz " * 100 for n in range(4)}, method))


def test_a_gzip_of_endless_blank_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_upload, "MAX_TOTAL_BYTES", 100_000)

    assert "unpacked" in refusal(gzip.compress(b"\n" * 1_000_000))


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_upload, "MAX_LINE_BYTES", 1_000)

    assert "longer than" in refusal(b"[" * 5_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not json\n", "Line 1"),
        (lines({"path": "a", "text": "x"}) + b"{\n", "Line 2"),
        (lines(["path"]), "lacks"),
        (lines({"path": "a"}), "lacks"),
        (lines({"path": "a", "text": 5}), "lacks"),
        (zipped({"a.py": "x"})[:-10], "ZIP that cannot be read"),
        (gzip.compress(AS_LINES)[:-9], "cut off"),
        (lines({"path": "a", "text": "x"}, {"path": "./a", "text": "y"}), "twice"),
        (b"[" * 100_000 + b"\n", "Line 1"),
    ],
    ids=lambda value: "upload" if isinstance(value, bytes) else None,  # zip writes the time down
)
def test_an_upload_that_cannot_be_read_is_refused_in_words(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_a_damaged_entry_is_refused() -> None:
    content = bytearray(zipped({"a.py": os.urandom(300)}, zipfile.ZIP_STORED))
    content[60] ^= 0xFF

    assert "ZIP that cannot be read" in refusal(bytes(content))


def test_binary_files_are_counted_and_left_out() -> None:
    given = upload(zipped({"logo.png": b"\x89PNG\x00\x01", "old.txt": b"caf\xe9", "gate.py": "x"}))

    assert dict(given) == {"gate.py": "x"}
    assert given.skipped_binary == 2


@pytest.mark.parametrize("pack", [zipped, lambda files: lines(*({"path": p, "text": t} for p, t in files.items()))])
def test_large_files_are_counted_and_left_out(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_upload, "MAX_FILE_BYTES", 100)

    given = upload(pack({"bundle.js": "x = 1;" * 50, "gate.py": "x"}))

    assert dict(given) == {"gate.py": "x"}
    assert given.skipped_large == 1


def test_a_file_that_is_not_what_its_hash_says_is_left_out() -> None:
    given = upload(lines({"path": "gate.py", "text": "x", "sha256": "0" * 64}))

    assert dict(given) == {}
    assert given.skipped_changed == 1


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b", b"{"]))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused_or_read_and_nothing_else(content: bytes, start: bytes) -> None:
    try:
        read = list(upload(start + content))
    except ContextRefused as error:
        read = [("", str(error))]

    assert all(isinstance(text, str) for _, text in read)
