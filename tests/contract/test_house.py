"""What holds for the whole house: layers, migrations, the API's document, and what no committed file may name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests import servers

ROOT = Path(settings.BASE_DIR)
OURS = [config.label for config in apps.get_app_configs() if (ROOT / config.label).is_dir()]

# Put together here, so that this file does not name them.
FORBIDDEN = {
    "a package registry's host": "|".join(
        re.escape(name + "." + top)
        for name, top in [("pypi", "org"), ("files.pythonhosted", "org"), ("registry.npmjs", "org"), ("npmjs", "com")]
    ),
    "a path of somebody's machine": r"(?<![\w.])/(?:" + "|".join(["work" + "/", "tmp/w" + "/", "root" + "/"]) + ")",
}


def test_imports_keep_to_their_layers() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_every_migration_can_be_undone() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)

    one_way = [
        f"{app}.{name}"
        for (app, name), migration in loader.disk_migrations.items()
        if app in OURS and not all(operation.reversible for operation in migration.operations)
    ]

    assert one_way == []


def test_migrations_import_nothing_of_our_apps() -> None:
    ours = re.compile(rf"^(?:from|import) (?:{'|'.join([*OURS, 'lib'])})\b", re.MULTILINE)
    allowed = re.compile(r"^import tenancy\.models$", re.MULTILINE)  # the base class that a model's state names

    found = [path.name for path in ROOT.glob("*/migrations/0*.py") if ours.search(allowed.sub("", path.read_text()))]

    assert found == []


def test_models_and_migrations_agree(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_all_migrations_are_undone_and_done_again(django_db_setup: None) -> None:
    """In a database of its own, by the command that an operator uses."""
    name = f"{connection.settings_dict['NAME']}_back"
    url = servers.clone_template(name)
    manage = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    environment = {**os.environ, "DATABASE_URL": url}
    try:
        # Everything rests on tenancy, so everything goes with it.
        for step in (["tenancy", "zero"], []):
            done = subprocess.run(
                [*manage, *step], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    finally:
        servers.drop_database(name)


def test_the_apis_document_is_complete() -> None:
    document = StringIO()

    call_command("spectacular", validate=True, fail_on_warn=True, stdout=document)

    assert "/api/v1/deployments/{slug}/scans" in document.getvalue()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names(what: str) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile(FORBIDDEN[what])

    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        text = path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
        found += [f"{name}: {match.group()}" for match in pattern.finditer(text)]

    assert found == []
