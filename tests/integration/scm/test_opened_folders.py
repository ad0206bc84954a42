"""Code is read from folders that the operator opened, wherever their links lead."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

import scm.selectors
import scm.services
from orgs.models import Project
from scm.models import Repository
from scm.services import FolderNotAllowed
from tests import factories

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def opened(tmp_path: Path, settings: Settings) -> Path:
    root = tmp_path / "opened"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "app.py").write_text("print('shop')\n", encoding="utf-8")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "app.py").write_text("KEY = 'secret'\n", encoding="utf-8")
    settings.LOCAL_CODE_ROOTS = [root]
    return root


@pytest.fixture
def project(opened: Path) -> Project:
    project = factories.a_project()
    scm.services.connect_folder(project=project, folder=opened / "shop")
    return project


def read(project: Project, path: str) -> str | None:
    return scm.selectors.reader(project=project, revision="")(path)


def test_a_file_of_the_folder_is_read(project: Project) -> None:
    assert read(project, "app.py") == "print('shop')\n"


@pytest.mark.parametrize(
    "path",
    [
        "../../secret/app.py",
        "/etc/passwd",
        "..",
        "",
        ".",
        "app.py/..",
        "app.py\0",
        "..\\..\\secret\\app.py",
        "a/" * 5000,
    ],
)
def test_nothing_outside_the_folder_is_read(project: Project, path: str) -> None:
    assert read(project, path) is None


def test_a_link_out_of_the_folder_is_not_followed(project: Project, opened: Path) -> None:
    (opened / "shop" / "link.py").symlink_to(opened.parent / "secret" / "app.py")
    (opened / "shop" / "linked").symlink_to(opened.parent / "secret")

    assert (read(project, "link.py"), read(project, "linked/app.py")) == (None, None)


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(project: Project, opened: Path) -> None:
    (opened / "shop").rename(opened / "moved")
    (opened / "shop").symlink_to(opened.parent / "secret")

    assert read(project, "app.py") is None


@pytest.mark.parametrize("place", ["../secret", "shop/../../secret", "link"])
def test_a_folder_outside_is_not_connected(opened: Path, place: str) -> None:
    (opened / "link").symlink_to(opened.parent / "secret")

    with pytest.raises(FolderNotAllowed):
        scm.services.connect_folder(project=factories.a_project(), folder=opened / place)

    assert not Repository.objects.exists()


def test_a_folder_that_the_operator_closed_is_not_read_any_more(project: Project, settings: Settings) -> None:
    settings.LOCAL_CODE_ROOTS = []

    assert read(project, "app.py") is None
