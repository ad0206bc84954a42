"""The servers from wheels: what they refuse, what they leave behind, and how they come back."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from assistant_platform.embedded import guardian, ports, roles, state
from assistant_platform.embedded.account import private_folder, server_account
from assistant_platform.embedded.children import Children, open_log
from assistant_platform.embedded.ephemeral import Urls, ephemeral_servers
from assistant_platform.embedded.errors import StartError
from assistant_platform.embedded.supervisor import Errand, Service, Supervisor

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def servers() -> Iterator[Urls]:
    with ephemeral_servers() as urls:
        yield urls


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()


def acting_as(urls: Urls, role: str) -> psycopg.Connection:
    return psycopg.connect(urls.database_url, options=f"-c role={role}", autocommit=True)


def wait_for(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 60  # a busy machine; on an idle one it takes tenths of a second
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return condition()


# --- Roles ------------------------------------------------------------------------------------------------------------


def test_the_application_reads_and_writes_what_the_owner_makes(servers: Urls) -> None:
    with acting_as(servers, roles.OWNER_ROLE) as owner:
        owner.execute("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, body text)")

    with acting_as(servers, roles.APPLICATION_ROLE) as application:
        application.execute("INSERT INTO notes (body) VALUES ('kept')")
        rows = application.execute("SELECT body FROM notes").fetchall()

    assert rows == [("kept",)]


@pytest.mark.parametrize("role", [roles.APPLICATION_ROLE, roles.SYSTEM_ROLE])
def test_a_serving_role_makes_no_tables(servers: Urls, role: str) -> None:
    with acting_as(servers, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE public.mine (id int)")


def test_the_application_may_copy_into_a_temporary_table(servers: Urls) -> None:
    with acting_as(servers, roles.APPLICATION_ROLE) as application:
        application.execute("CREATE TEMPORARY TABLE upload (line text)")
        with application.cursor().copy("COPY upload FROM STDIN") as copy:
            copy.write_row(["one"])
        count = application.execute("SELECT count(*) FROM upload").fetchone()

    assert count == (1,)


def test_row_level_security_binds_the_application_and_not_the_owner(servers: Urls) -> None:
    with acting_as(servers, roles.OWNER_ROLE) as owner:
        owner.execute("CREATE TABLE secrets_of_one (id int)")
        owner.execute("INSERT INTO secrets_of_one VALUES (1)")
        owner.execute("ALTER TABLE secrets_of_one ENABLE ROW LEVEL SECURITY")
        seen_by_owner = owner.execute("SELECT count(*) FROM secrets_of_one").fetchone()

    with acting_as(servers, roles.APPLICATION_ROLE) as application:
        seen_by_application = application.execute("SELECT count(*) FROM secrets_of_one").fetchone()

    assert (seen_by_owner, seen_by_application) == ((1,), (0,))


def test_a_login_that_takes_no_role_can_do_nothing(servers: Urls) -> None:
    with acting_as(servers, roles.OWNER_ROLE) as owner:
        owner.execute("CREATE TABLE out_of_reach (id int)")

    with psycopg.connect(servers.database_url) as login, pytest.raises(psycopg.errors.InsufficientPrivilege):
        login.execute("SELECT * FROM out_of_reach")


def test_roles_are_prepared_twice_without_harm(servers: Urls) -> None:
    database = servers.admin_database_url.rpartition("/")[0] + f"/{roles.DEFAULT_DATABASE}"

    with psycopg.connect(database, autocommit=True) as admin:
        roles.prepare_roles(admin)
        roles.prepare_roles(admin)

    with acting_as(servers, roles.APPLICATION_ROLE) as application:
        assert application.execute("SELECT current_user").fetchone() == (roles.APPLICATION_ROLE,)


def test_an_administrator_without_superuser_rights_can_prepare_a_database(servers: Urls) -> None:
    with psycopg.connect(servers.admin_database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE cloud_admin LOGIN CREATEROLE CREATEDB PASSWORD 'for-this-test'")
        for role in roles.ROLES:
            admin.execute(f"GRANT {role} TO cloud_admin WITH ADMIN TRUE")
    cloud = make_conninfo(servers.admin_database_url, user="cloud_admin", password="for-this-test")
    with psycopg.connect(cloud, autocommit=True) as administrator:
        roles.create_database(administrator, database="second")

    with psycopg.connect(cloud, dbname="second", autocommit=True) as administrator:
        roles.prepare_roles(administrator, login="second_login", password="also-for-this-test")

    login = make_conninfo(cloud, user="second_login", password="also-for-this-test", dbname="second")
    with psycopg.connect(login, options="-c role=assistant_owner") as owner:
        owner.execute("CREATE TABLE made (id int)")


def test_a_superuser_is_refused_as_the_application_login(servers: Urls) -> None:
    with (
        psycopg.connect(servers.admin_database_url, autocommit=True) as admin,
        pytest.raises(roles.RoleError, match="postgres"),
    ):
        roles.prepare_roles(admin, login="postgres")


# --- Servers ----------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_refused_by_both_servers(servers: Urls) -> None:
    address = servers.database_url.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://assistant:guess@{address}")

    host, _, port = servers.redis_url.rpartition("@")[2].partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")


def test_nothing_is_left_of_a_session_that_is_killed() -> None:
    script = (
        "import sys\n"
        "from assistant_platform.embedded.ephemeral import ephemeral_servers\n"
        "with ephemeral_servers() as urls:\n"
        "    print(urls.admin_database_url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    session = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True
    )
    with session:
        assert session.stdout is not None
        address = session.stdout.readline().strip()
        with psycopg.connect(address) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            port = connection.info.port
        session.kill()

    assert row is not None
    assert wait_for(lambda: ports.is_free(port))
    assert wait_for(lambda: not Path(row[0]).parent.exists())


# --- Children ---------------------------------------------------------------------------------------------------------


def test_a_grandchild_goes_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    grandchild_file = tmp_path / "grandchild"
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from assistant_platform.embedded.children import Children\n"
        "children = Children()\n"
        "command = ['/bin/sh', '-c', 'sleep 600 & echo $! > \"$0\"; wait', sys.argv[1]]\n"
        "children.start(command, log=Path(sys.argv[1] + '.log'))\n"
        "Path(sys.argv[1] + '.started').touch()\n"
        "time.sleep(600)\n"
    )
    started = tmp_path / "grandchild.started"  # killed before, the parent has not told the guardian yet
    parent = subprocess.Popen([sys.executable, "-c", script, grandchild_file], cwd=CHECKOUT)
    assert wait_for(lambda: started.exists() and grandchild_file.exists() and grandchild_file.read_text().strip() != "")
    grandchild = int(grandchild_file.read_text())

    parent.kill()
    parent.wait()

    assert wait_for(lambda: not guardian.is_alive(grandchild))


def test_a_child_that_ignores_the_request_to_stop_is_killed(children: Children, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = "trap '' TERM; touch \"$0\"; while :; do sleep 1; done"
    stubborn = children.start(["/bin/sh", "-c", script, ready], log=tmp_path / "log")
    assert wait_for(ready.exists)

    children.stop(stubborn, timeout_seconds=0.2)

    assert stubborn.returncode == -signal.SIGKILL


def test_a_service_that_ends_is_started_again_and_said(children: Children, tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(children=children, say=said.append)
    log = tmp_path / "service.log"
    service = Service("service", lambda: children.start(["/bin/sh", "-c", "echo no room; exit 3"], log=log), log)
    supervisor.run(service)
    first = service.process
    assert first is not None
    first.wait()

    supervisor.check()
    service.start_again_at = 0.0
    supervisor.check()

    assert service.process is not None
    assert service.process.pid != first.pid
    assert "exit code 3" in said[0]
    assert "no room" in said[0]
    supervisor.stop()


def test_each_failure_waits_longer_than_the_one_before(children: Children, tmp_path: Path) -> None:
    supervisor = Supervisor(children=children, say=lambda _text: None)
    log = tmp_path / "service.log"
    service = Service("service", lambda: children.start(["/bin/false"], log=log), log)
    supervisor.run(service)
    pauses = []

    for _ in range(7):
        assert service.process is not None
        service.process.wait()
        pauses.append(service.pause_seconds)
        supervisor.check()
        service.start_again_at = 0.0
        supervisor.check()

    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    supervisor.stop()


def test_an_errand_tells_its_exit_code_once(children: Children, tmp_path: Path) -> None:
    codes: list[int] = []
    supervisor = Supervisor(children=children, say=lambda _text: None)
    process = children.start(["/bin/sh", "-c", "exit 4"], log=tmp_path / "log")
    supervisor.run_beside(Errand("errand", process, codes.append))
    process.wait()

    supervisor.check()
    supervisor.check()

    assert codes == [4]


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("wb") as file:
        file.truncate(11 * 1024 * 1024)

    open_log(log).close()

    assert log.stat().st_size == 0
    assert (tmp_path / "web.old.log").stat().st_size == 11 * 1024 * 1024


# --- The data folder --------------------------------------------------------------------------------------------------


def test_the_state_is_kept_between_starts_and_private(tmp_path: Path) -> None:
    first = state.load_state(tmp_path)
    state.save_state(tmp_path, first)

    again = state.load_state(tmp_path)

    assert again == first
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    one, other = state.load_state(tmp_path), state.load_state(tmp_path)

    secrets = ("secret_key", "field_encryption_key", "postgres_password", "valkey_password", "demo_password")

    assert not [name for name in secrets if getattr(one, name) == getattr(other, name)]


def test_a_damaged_state_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{half of a fil")

    with pytest.raises(StartError, match="holds the keys"):
        state.load_state(tmp_path)

    assert (tmp_path / "state.json").read_text() == "{half of a fil"


def test_a_folder_is_claimed_by_one_process_only(tmp_path: Path) -> None:
    claim = state.lock(tmp_path)
    assert claim is not None

    with claim:
        assert state.lock(tmp_path) is None

    second = state.lock(tmp_path)
    assert second is not None
    second.close()


def test_the_servers_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "servers", server_account())
    mode = folder.stat().st_mode
    folder.rmdir()

    assert stat.S_IMODE(mode) == 0o700


def test_a_taken_port_leads_to_the_next_one() -> None:
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        number = taken.getsockname()[1]

        chosen = ports.free_port_from(number, host=ports.LOOPBACK)

    assert number < chosen <= number + ports.PORTS_TRIED
