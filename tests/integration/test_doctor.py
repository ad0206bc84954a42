"""`manage.py doctor`: what is well is said in a line, what is not with its remedy."""

from __future__ import annotations

import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django.fixtures import Settings

import assistant_platform.management.commands.doctor as command
from assistant_platform.diagnosis import CHECKS, code_hosts, database, machine, outside, queue
from assistant_platform.diagnosis.check import Check, CheckEach, Unwell
from rules import engine
from scm.models import CodeHost, HostKind
from tenancy.models import Organization
from tenancy.scope import acting_for
from tenancy.sealing import seal_secrets
from tests import factories
from tests.vendors.gitlab_server import GitLabServer
from tests.vendors.openai_server import OpenAIServer, completion, error

NOBODY_LISTENS = "redis://127.0.0.1:9/0"


def well() -> str:
    return "as it should be"


def unwell() -> str:
    raise Unwell("it is broken", remedy="mend it")


def surprised() -> str:
    raise ValueError("two\nlines")


def doctor(monkeypatch: pytest.MonkeyPatch, *checks: Check | CheckEach) -> tuple[list[str], int]:
    monkeypatch.setattr(command, "CHECKS", checks)
    output = StringIO()
    try:
        call_command("doctor", stdout=output)
    except SystemExit as ended:
        return output.getvalue().splitlines(), int(str(ended.code))
    return output.getvalue().splitlines(), 0


# --- The command ------------------------------------------------------------------------------------------------------


def test_each_part_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, code = doctor(monkeypatch, Check("Roof", well), Check("Floor", well))

    assert [line.split()[:2] for line in lines] == [["OK", "Roof"], ["OK", "Floor"]]
    assert code == 0


def test_a_part_that_is_unwell_is_told_with_its_remedy_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, code = doctor(monkeypatch, Check("Roof", unwell), Check("Floor", well))

    assert lines[0].split(maxsplit=1)[0] == "FAIL"
    assert lines[0].endswith("it is broken -> mend it")
    assert lines[1].startswith("OK")
    assert code == 1


def test_a_surprise_fails_its_own_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, code = doctor(monkeypatch, Check("Roof", surprised), Check("Floor", well))

    assert len(lines) == 2
    assert "ValueError: two lines" in lines[0]
    assert code == 1


def test_every_part_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_parts_of_any_number_are_a_line_each_or_one_that_says_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    some = CheckEach("Windows", lambda: [Check("Window 1", well), Check("Window 2", unwell)], without="there is none")
    none = CheckEach("Doors", list, without="there is none")
    lost = CheckEach("Stairs", surprised, without="there is none")  # type: ignore[arg-type]  # that it raises is the point

    lines, code = doctor(monkeypatch, some, none, lost)

    assert [line.split()[:2] for line in lines] == [
        ["OK", "Window"],
        ["FAIL", "Window"],
        ["OK", "Doors"],
        ["FAIL", "Stairs"],
    ]
    assert "there is none" in lines[2]
    assert code == 1


# --- Code hosts -------------------------------------------------------------------------------------------------------


def test_each_code_host_says_whether_it_lets_us_in(gitlab: GitLabServer, acme: Organization) -> None:
    assistant = gitlab.gitlab.add_user("group_12_bot")
    gitlab.gitlab.add_token("glpat-good", assistant)
    with acting_for(acme.pk):
        for token in ("glpat-good", "glpat-gone"):
            sealed = seal_secrets({"token": token})
            host = factories.a_code_host(HostKind.GITLAB, base_url=gitlab.url)
            CodeHost.objects.filter(pk=host.pk).update(sealed_secrets=sealed)

    good, gone = [part.answer() for part in code_hosts.parts()]

    assert good.text == f"GitLab at {gitlab.url} of acme lets us in as group_12_bot"
    assert (good.is_ok, gone.is_ok) == (True, False)
    assert "401" in gone.text
    assert gone.text.endswith("an Admin tests and changes it under Settings > Code hosts")
    assert "glpat" not in gone.text


# --- This machine -----------------------------------------------------------------------------------------------------


def test_the_packages_of_the_project_are_installed() -> None:
    assert "packages installed" in machine.python_packages()


def test_a_missing_package_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["django", "no-such-thing>=2"]\n')
    settings.BASE_DIR = tmp_path

    with pytest.raises(Unwell, match="packages are missing: no-such-thing"):
        machine.python_packages()


def test_page_assets_that_were_not_gathered_are_missed(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path

    with pytest.raises(Unwell) as missing:
        machine.page_assets()

    assert "collectstatic" in missing.value.remedy


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100 * machine.MEGABYTE))

    with pytest.raises(Unwell, match="100 MB left"):
        machine.disk_space()


# --- The database -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["server", "roles", "row_level_security", "migrations", "clock"])
def test_the_database_of_the_tests_is_well(name: str) -> None:
    assert getattr(database, name)()


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "9")

    with pytest.raises(Unwell, match="cannot be reached") as away:
        database.server()

    assert "DATABASE_URL" in away.value.remedy


@pytest.mark.django_db
def test_a_role_that_owns_tables_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        connections["default"].settings_dict, "OPTIONS", dict(connections["owner"].settings_dict["OPTIONS"])
    )
    monkeypatch.setitem(connections["default"].settings_dict, "IS_SCHEMA_OWNER", True)  # past the backend's own refusal

    with pytest.raises(Unwell, match="owns") as wrong:
        database.roles()

    assert "prepare_database" in wrong.value.remedy


def test_a_table_without_a_fence_is_named(committed: None) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE findings_note DISABLE ROW LEVEL SECURITY")

    with pytest.raises(Unwell, match="not on findings_note"):
        database.row_level_security()

    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE findings_note ENABLE ROW LEVEL SECURITY")


def test_a_migration_that_was_not_applied_is_named(committed: None) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'triage')"
            " RETURNING app, name, applied"
        )
        last = owner.fetchone()

    with pytest.raises(Unwell, match=f"the first is {last[0]}.{last[1]}"):
        database.migrations()

    with connections["owner"].cursor() as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", last)


# --- Broker, workers, beat --------------------------------------------------------------------------------------------


def test_the_broker_says_what_it_is() -> None:
    assert queue.broker().startswith(("Valkey", "Redis"))


@pytest.mark.parametrize("ask", [queue.broker, queue.workers, queue.beat])
def test_without_a_broker_nothing_is_waited_for(settings: Settings, ask: object) -> None:
    settings.REDIS_URL = NOBODY_LISTENS

    with pytest.raises(Unwell, match=r"cannot be (reached|told)"):
        ask()  # type: ignore[operator]  # one of the three above


def test_no_worker_is_told_with_the_command_that_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ANSWER_WITHIN_SECONDS", 0.2)

    with pytest.raises(Unwell, match="none answers") as nobody:
        queue.workers()

    assert "celery --app assistant_platform worker" in nobody.value.remedy


# --- Engine and provider ----------------------------------------------------------------------------------------------


def test_the_engine_runs_a_rule() -> None:
    assert "Semgrep" in outside.engine_runs()


def test_an_engine_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> object:
        raise engine.EngineMissing

    monkeypatch.setattr(engine, "scan", missing)

    with pytest.raises(Unwell, match="Semgrep is not installed"):
        outside.engine_runs()


def test_without_a_key_built_in_answers() -> None:
    assert outside.provider().startswith("Built-in")


def test_a_key_is_tried(settings: Settings) -> None:
    with OpenAIServer().running() as model:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-test", model.url
        model.answer(completion({"ready": True}))

        assert outside.provider().endswith("answered")


def test_a_key_that_is_refused_is_told(settings: Settings) -> None:
    with OpenAIServer().running() as model:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-test", model.url
        model.answer(error(401, "Incorrect API key provided.", code="invalid_api_key"))

        with pytest.raises(Unwell, match="401") as refused:
            outside.provider()

    assert "OPENAI_API_KEY" in refused.value.remedy
