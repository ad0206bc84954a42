"""The code of a project: what came with a scan, and a folder of the machine that the operator opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

import scm.services
from orgs.models import Project
from scm.models import Blob, CodeFile
from scm.selectors import reader
from tests import factories

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def project(in_acme: object) -> Project:
    return factories.a_project()


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that the operator opened."""
    settings.LOCAL_CODE_ROOTS = [tmp_path.resolve()]
    code = tmp_path / "shop"
    code.mkdir()
    (code / "a.py").write_text("in the folder\n")
    return code


def test_a_file_is_read_at_its_revision(project: Project) -> None:
    scm.services.keep_files(project=project, revision="one", files=[("a.py", "first")])
    scm.services.keep_files(project=project, revision="two", files=[("a.py", "second")])

    texts = [reader(project=project, revision=revision)("a.py") for revision in ("one", "two", "three")]

    assert texts == ["first", "second", None]


def test_a_text_is_kept_once_however_many_files_have_it(project: Project) -> None:
    files = [(f"{number}.py", "the same") for number in range(450)]

    count = scm.services.keep_files(project=project, revision="one", files=files)
    scm.services.keep_files(project=project, revision="two", files=files)

    assert (count, CodeFile.objects.count(), Blob.objects.count()) == (450, 900, 1)


def test_a_file_sent_again_for_a_revision_replaces_the_first(project: Project) -> None:
    for text in ("first", "second"):
        scm.services.keep_files(project=project, revision="one", files=[("a.py", text)])

    assert reader(project=project, revision="one")("a.py") == "second"


def test_text_that_the_database_refuses_is_kept_without_it(project: Project) -> None:
    scm.services.keep_files(project=project, revision="one", files=[("a.py", "a\0b")])

    assert reader(project=project, revision="one")("a.py") == "ab"


def test_projects_do_not_read_each_other_s_files(project: Project) -> None:
    scm.services.keep_files(project=project, revision="one", files=[("a.py", "ours")])

    assert reader(project=factories.a_project("other"), revision="one")("a.py") is None


def test_what_came_with_the_scan_is_read_before_the_folder(project: Project, folder: Path) -> None:
    scm.services.connect_folder(project=project, folder=folder)
    scm.services.keep_files(project=project, revision="one", files=[("a.py", "with the scan")])

    assert reader(project=project, revision="one")("a.py") == "with the scan"
    assert reader(project=project, revision="two")("a.py") == "in the folder\n"


def test_a_folder_that_the_operator_did_not_open_is_refused(project: Project, folder: Path, settings: Settings) -> None:
    settings.LOCAL_CODE_ROOTS = []

    with pytest.raises(scm.services.FolderNotAllowed, match="LOCAL_CODE_ROOTS"):
        scm.services.connect_folder(project=project, folder=folder)


def test_a_link_out_of_an_opened_folder_is_refused(project: Project, folder: Path) -> None:
    (folder / "out").symlink_to("/etc")

    with pytest.raises(scm.services.FolderNotAllowed):
        scm.services.connect_folder(project=project, folder=folder / "out")


def test_a_folder_that_the_operator_closed_since_is_not_read(
    project: Project, folder: Path, settings: Settings
) -> None:
    scm.services.connect_folder(project=project, folder=folder)
    settings.LOCAL_CODE_ROOTS = []

    assert reader(project=project, revision="one")("a.py") is None


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "missing.py", "out/passwd", ""])
def test_nothing_outside_the_folder_is_read(project: Project, folder: Path, path: str) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "out").symlink_to("/etc")
    scm.services.connect_folder(project=project, folder=folder)

    assert reader(project=project, revision="one")(path) is None
