from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from scm.adapters import local
from scm.adapters.base import FileMissing, FileUnreadable, ScmError
from scm.adapters.local import LocalFolder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repository = tmp_path / "repositories" / "garden"
    (repository / "src").mkdir(parents=True)
    (repository / "src" / "gate.py").write_text("open = True\n")
    (tmp_path / "outside.txt").write_text("secret")
    return tmp_path / "repositories"


def read(root: Path, path: str, repository: str = "garden") -> str:
    return LocalFolder(root).read_file(repository, path, "main")


def test_a_file_is_read(root: Path) -> None:
    assert read(root, "src/gate.py") == "open = True\n"


def test_the_folder_itself_may_be_the_repository(root: Path) -> None:
    assert read(root / "garden", "src/gate.py", repository="") == "open = True\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"a\r\nb\x0c\n", "a\r\nb\x0c\n"),
        (b"", ""),
    ],
    ids=["utf-8", "with mark", "latin-1", "line ends", "empty"],
)
def test_encodings_are_recognised_and_line_ends_kept(root: Path, content: bytes, text: str) -> None:
    (root / "garden/file").write_bytes(content)

    assert read(root, "file") == text


@pytest.mark.parametrize("path", ["src/fence.py", "lib/gate.py", "x" * 300, "src/gate.py.bak"])
def test_a_file_that_is_not_there_is_missing(root: Path, path: str) -> None:
    with pytest.raises(FileMissing):
        read(root, path)


@pytest.mark.parametrize(
    "path",
    [
        "../../outside.txt",
        "/etc/hostname",
        "src/../../../outside.txt",
        "src\\gate.py",
        "src/gate.py\0.txt",
        "",
        ".",
        "..",
    ],
)
def test_a_path_outside_the_repository_is_refused(root: Path, path: str) -> None:
    with pytest.raises(FileUnreadable):
        read(root, path)


@pytest.mark.parametrize("repository", ["..", "/etc", "garden/../..", "gar\0den"])
def test_a_repository_outside_the_folder_is_refused(root: Path, repository: str) -> None:
    with pytest.raises(FileUnreadable):
        read(root, "outside.txt", repository=repository)


def test_a_link_to_a_file_is_refused(root: Path) -> None:
    (root / "garden/link.txt").symlink_to(root.parent / "outside.txt")

    with pytest.raises(FileUnreadable, match="link"):
        read(root, "link.txt")


def test_a_link_among_the_folders_is_refused(root: Path) -> None:
    (root / "garden/up").symlink_to(root.parent)

    with pytest.raises(FileUnreadable, match="link"):
        read(root, "up/outside.txt")


def test_a_linked_repository_is_refused(root: Path) -> None:
    (root / "elsewhere").symlink_to(root.parent)

    with pytest.raises(FileUnreadable, match="link"):
        read(root, "outside.txt", repository="elsewhere")


def test_a_file_in_a_folders_place_is_refused(root: Path) -> None:
    with pytest.raises(FileUnreadable, match="no folder"):
        read(root, "src/gate.py/more")


@pytest.mark.parametrize("path", ["src", "pipe", "socket"])
def test_folders_pipes_and_sockets_are_refused(root: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "garden")  # a socket's name may have 107 characters
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")

    with pytest.raises(FileUnreadable, match="a folder, a device or a pipe"):
        read(root, path)


@pytest.mark.parametrize("device", ["null", "zero"])
def test_devices_are_refused(device: str) -> None:
    with pytest.raises(FileUnreadable, match="a folder, a device or a pipe"):
        read(Path("/dev"), device, repository="")


def test_binary_files_are_refused(root: Path) -> None:
    (root / "garden/logo.png").write_bytes(b"\x89PNG\0\1")

    with pytest.raises(FileUnreadable, match="not text"):
        read(root, "logo.png")


def test_large_files_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MAX_FILE_BYTES", 5)

    with pytest.raises(FileUnreadable, match="larger than"):
        read(root, "src/gate.py")


def test_a_folder_that_is_gone_may_come_back(root: Path) -> None:
    with pytest.raises(ScmError) as caught:
        read(root / "gone", "src/gate.py")

    assert not caught.value.permanent


def test_reading_leaves_no_file_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))

    read(root, "src/gate.py")
    with pytest.raises(FileMissing):
        read(root, "src/fence.py")

    assert len(os.listdir("/proc/self/fd")) == before
