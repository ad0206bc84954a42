"""The whole platform on one machine: servers, tables, web, worker, beat, demo, in the order they need each other."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from assistant_platform.embedded.account import private_folder, server_account
from assistant_platform.embedded.binaries import binaries_for
from assistant_platform.embedded.children import Children
from assistant_platform.embedded.claim import claimed, stop_signals_interrupt
from assistant_platform.embedded.environment import (
    CHECKOUT,
    address_settings,
    data_folder,
    database_url,
    fill_in,
    generated_settings,
    is_set,
    provider_in_use,
    redis_url,
)
from assistant_platform.embedded.ephemeral import prepare_database
from assistant_platform.embedded.errors import StartError, last_lines
from assistant_platform.embedded.ports import LOOPBACK, any_free_port, free_port_from, is_free
from assistant_platform.embedded.servers import Postgres, Valkey
from assistant_platform.embedded.state import load_state, save_state
from assistant_platform.embedded.static_files import static_files_stamp
from assistant_platform.embedded.supervisor import Errand, Service, Supervisor

# Two processes, so that what somebody waits for meets no backlog in the hands of the worker that it needs.
WORKERS = {"worker-urgent": "interactive,pull_request", "worker": "backlog,deliver"}
WORKER_THREADS = 32
WEB_THREADS = 8
WEB_SECONDS = 120.0
POLL_SECONDS = 0.05
EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  (compared with, not listened on)


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    host: str
    port: int
    folder: Path
    is_demo_wanted: bool
    web_processes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `up` to a parser."""
    parser.add_argument("--host", default=LOOPBACK, help="the address to listen on (default: this machine only)")
    parser.add_argument(
        "--port", type=int, default=8000, help="the port, or the first free one above it (default: 8000)"
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of all data (default: .data)")
    parser.add_argument("--no-demo", action="store_true", help="leave the demo organization out")
    parser.add_argument("--workers", type=int, default=1, help="web processes, of 8 threads each (default: 1)")


def options_from(values: Mapping[str, object]) -> Options:
    """Read the parsed options of `add_arguments`."""
    return Options(
        host=str(values["host"]),
        port=int(str(values["port"])),
        folder=Path(str(values["data"])).expanduser().resolve(),
        is_demo_wanted=not values["no_demo"],
        web_processes=max(int(str(values["workers"])), 1),
    )


def up(options: Options) -> int:
    """Run the platform until Ctrl-C or SIGTERM; return the exit code."""
    try:
        with claimed(options.folder) as claim, stop_signals_interrupt():
            if claim is None:
                running = load_state(options.folder)
                say(f"Already running at {running.url} (process {running.pid}), with the data in {options.folder}.")
                return 0
            Platform(options).run()
    except StartError as error:
        print(f"Could not start. {error}", file=sys.stderr, flush=True)  # noqa: T201  (the terminal is the page here)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def web_command(*, host: str, port: int, processes: int = 1) -> tuple[str, ...]:
    """Return the Python module that serves the pages, with its arguments; an empty host is every address."""
    return (
        "granian", "--interface", "wsgi", "--host", host or "0.0.0.0", "--port", str(port),  # noqa: S104  (asked for by --host "")
        "--workers", str(processes), "--blocking-threads", str(WEB_THREADS),
        "--respawn-failed-workers", "--no-ws", "--log-level", "warning",
        "assistant_platform.wsgi:application",
    )  # fmt: skip


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)  # noqa: T201  (the terminal is the page here)


class Platform:
    """One run of the platform over one data folder."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = options.folder
        self.logs = options.folder / "logs"
        self.state = load_state(options.folder)
        self.environment = dict(os.environ)
        self.is_running = False

    def run(self) -> None:
        """Start everything, say where it is, and keep it running until interrupted."""
        began = time.monotonic()
        with ExitStack() as stack:
            self.children = Children()
            stack.callback(self.children.close)
            self.supervisor = Supervisor(children=self.children, say=say)
            stack.callback(self._stop)
            say(f"Starting; data and logs are in {self.folder}")
            self._choose_address()
            self._start_servers()
            self._collect_static_files()
            migrating = self._manage("migrate", "--database", "owner", "--no-input", "--verbosity", "1")
            web = self._service("web", *self._web_command())
            self.supervisor.run(web)
            self._finish(migrating, "migrate", "The database's tables could not be made or changed")
            # The page answers first; what works behind it needs the same processors to start.
            self._wait_for_web(web)
            for name, queues in WORKERS.items():
                self.supervisor.run(self._service(name, *_worker_command(name, queues)))
            self.supervisor.run(self._service("beat", *self._beat_command()))
            self._load_demo()
            say(self._welcome(time.monotonic() - began))
            self.is_running = True
            self.supervisor.watch()

    def _stop(self) -> None:
        if self.is_running:
            say("\nStopping ...")
        self.supervisor.stop()
        self.state.pid, self.state.url = 0, ""
        self._save()
        if self.is_running:
            say("Stopped. Everything is kept; the next start continues from here.")

    def _save(self) -> None:
        save_state(self.folder, self.state)

    # --- What the processes are told ----------------------------------------------------------------------------------

    def _choose_address(self) -> None:
        host, wanted = self.options.host, self.options.port
        self.port = free_port_from(wanted, host=host)
        if self.port != wanted:
            say(f"Port {wanted} is in use; taking {self.port}.")
        self.host_shown = _own_address() if host in EVERY_ADDRESS else host
        self.url = f"http://{f'[{self.host_shown}]' if ':' in self.host_shown else self.host_shown}:{self.port}"
        self.state.url, self.state.pid = self.url, os.getpid()
        self._save()
        fill_in(self.environment, generated_settings(self.state, self.folder))
        fill_in(
            self.environment,
            address_settings(self.url, self.host_shown, listens_everywhere=host in EVERY_ADDRESS),
        )

    # --- Servers ------------------------------------------------------------------------------------------------------

    def _start_servers(self) -> None:
        """Start PostgreSQL and Valkey, each unless the environment names one."""
        wants_postgres = not is_set(self.environment, "DATABASE_URL")
        wants_valkey = not is_set(self.environment, "REDIS_URL")
        if not (wants_postgres or wants_valkey):
            return
        account = server_account()
        place = private_folder(self.folder / "servers", account)
        self.state.servers_folder = str(place)
        self.state.postgres_port = _kept_or_free(self.state.postgres_port)
        self.state.valkey_port = _kept_or_free(self.state.valkey_port)
        self._save()
        binaries = binaries_for(account)
        if wants_valkey:
            valkey = Valkey(
                folder=place,
                port=self.state.valkey_port,
                password=self.state.valkey_password,
                binaries=binaries,
                account=account,
                children=self.children,
                log=self.logs / "valkey.log",
            )
            self.supervisor.run(Service("Valkey", valkey.start, valkey.log, serves_others=True))
            self.environment["REDIS_URL"] = redis_url(port=valkey.port, password=valkey.password)
        if wants_postgres:
            postgres = Postgres(
                folder=place,
                port=self.state.postgres_port,
                password=self.state.postgres_admin_password,
                binaries=binaries,
                account=account,
                children=self.children,
                log=self.logs / "postgres.log",
            )
            postgres.initialize()
            self.supervisor.run(
                Service("PostgreSQL", postgres.start, postgres.log, stop_signal=signal.SIGINT, serves_others=True)
            )
            postgres.wait_until_ready()
            prepare_database(postgres, login_password=self.state.postgres_password)
            self.environment["DATABASE_URL"] = database_url(port=postgres.port, password=self.state.postgres_password)
        if wants_valkey:
            valkey.wait_until_ready()

    # --- Our own processes --------------------------------------------------------------------------------------------

    def _web_command(self) -> tuple[str, ...]:
        return web_command(host=self.options.host, port=self.port, processes=self.options.web_processes)

    def _beat_command(self) -> tuple[str, ...]:
        return (
            "celery", "--app", "assistant_platform", "beat", "--loglevel", "INFO",
            "--schedule", str(self.folder / "beat-schedule"), "--pidfile", "",
        )  # fmt: skip

    def _service(self, name: str, *module_and_arguments: str) -> Service:
        log = self.logs / f"{name}.log"
        return Service(
            name,
            lambda: self.children.start(
                [sys.executable, "-m", *module_and_arguments], log=log, environment=self.environment, folder=CHECKOUT
            ),
            log,
        )

    def _manage(self, *arguments: str) -> Errand:
        """Start a management command beside us; its log has its name."""
        name = arguments[0]
        (self.logs / f"{name}.log").unlink(missing_ok=True)  # of this run only, so that its end is this run's
        process = self.children.start(
            [sys.executable, CHECKOUT / "manage.py", *arguments],
            log=self.logs / f"{name}.log",
            environment=self.environment,
            folder=CHECKOUT,
        )
        return Errand(name, process, lambda _code: None)

    def _finish(self, errand: Errand, name: str, failure: str) -> None:
        try:
            code = errand.process.wait()
        finally:
            self.children.stop(errand.process)
        if code != 0:
            log = self.logs / f"{name}.log"
            raise StartError(f"{failure}; the end of {log}:\n{last_lines(log)}")

    def _collect_static_files(self) -> None:
        stamp = static_files_stamp(CHECKOUT)
        if self.state.static_files_stamp == stamp and (self.folder / "static").is_dir():
            return
        collecting = self._manage("collectstatic", "--no-input", "--clear", "--verbosity", "0")
        self._finish(collecting, "collectstatic", "The pages' styles and scripts could not be gathered")
        self.state.static_files_stamp = stamp
        self._save()

    def _wait_for_web(self, web: Service) -> None:
        give_up_at = time.monotonic() + WEB_SECONDS
        while not self._web_answers():
            self.supervisor.check()
            if web.failures or time.monotonic() > give_up_at:
                raise StartError(f"The web server does not answer; the end of {web.log}:\n{last_lines(web.log)}")
            time.sleep(POLL_SECONDS)

    def _web_answers(self) -> bool:
        host = LOOPBACK if self.options.host in EVERY_ADDRESS else self.options.host
        connection = http.client.HTTPConnection(host, self.port, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": f"localhost:{self.port}"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _load_demo(self) -> None:
        if not self.options.is_demo_wanted or self.state.is_demo_loaded:
            return
        errand = self._manage("demo")
        errand.when_done = self._note_demo
        self.supervisor.run_beside(errand)

    def _note_demo(self, code: int) -> None:
        log = self.logs / "demo.log"
        if code == 0:
            self.state.is_demo_loaded = True
            self._save()
            say("The demo is loaded.")
        else:
            say(f"The demo could not be loaded; the next start tries again. The end of {log}:\n{last_lines(log)}")

    def _welcome(self, seconds: float) -> str:
        lines = [f"\nThe Assistant runs in evaluation mode (started in {seconds:.1f} s).\n", f"  Open      {self.url}"]
        if self.options.is_demo_wanted:
            told = self.environment
            lines.append(f"  Sign in   {told['DEMO_EMAIL']}   password  {told['DEMO_PASSWORD']}")
            if not self.state.is_demo_loaded:
                lines.append("  Demo      is being loaded; its findings appear as they are read")
        lines += [
            f"  AI        {provider_in_use(self.environment)}",
            f"  Logs      {self.logs}",
            "  Stop      Ctrl-C\n",
        ]
        return "\n".join(lines)


def _worker_command(name: str, queues: str) -> tuple[str, ...]:
    return (
        "celery", "--app", "assistant_platform", "worker", "--pool", "threads", "--concurrency", str(WORKER_THREADS),
        "--queues", queues, "--hostname", f"{name}@%h", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",  # they have nothing to say to each other
    )  # fmt: skip


def _kept_or_free(port: int) -> int:
    return port if port and is_free(port) else any_free_port()


def _own_address() -> str:
    # Connecting a datagram socket sends nothing; it only chooses the address that others would see.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])
