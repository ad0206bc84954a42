"""The platform under measurement: real PostgreSQL and Valkey with durable writes, the tables, an organization."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assistant_platform.embedded.ephemeral import ephemeral_servers

if TYPE_CHECKING:
    from tenancy.models import Organization

ROOT = Path(__file__).resolve().parent.parent
QUEUES = "interactive,pull_request,backlog,deliver"
WORKER_READY_SECONDS = 60.0


@contextmanager
def running_platform() -> Iterator[None]:
    """Start the servers, load Django and make the tables, for the rest of this process."""
    with ephemeral_servers(fsync=True) as urls:
        os.environ.update(
            DATABASE_URL=urls.database_url,
            REDIS_URL=urls.redis_url,
            SECRET_KEY=secrets.token_hex(16),
            ASSISTANT_MODE="test",  # no collected static files; the pool of connections is left out with it
            ALLOWED_HOSTS="testserver,localhost",
            PUBLIC_URL="http://testserver",
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="assistant_platform.settings",
        )
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
            os.environ.pop(name, None)
        import django  # noqa: PLC0415  (the settings are in the environment now)

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connections  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


def new_organization() -> Organization:
    """Return a new organization with an Admin, empty but for them."""
    import orgs.services  # noqa: PLC0415  (Django is loaded by then)

    slug = f"bench-{secrets.token_hex(6)}"
    admin = orgs.services.person(f"{slug}@example.org")
    return orgs.services.create_organization(slug=slug, name="Bench", admin=admin)


@contextmanager
def running_worker(
    *, threads: int, environment: dict[str, str], queues: str = QUEUES
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one real Celery worker process beside us."""
    name = f"bench-{queues.replace(',', '-')}"
    command = [
        sys.executable, "-m", "celery", "--app", "assistant_platform", "worker", "--pool", "threads",
        "--concurrency", str(threads), "--queues", queues, "--hostname", f"{name}@%h", "--loglevel", "ERROR",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    worker = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=sys.stderr)
    try:
        _wait_for(worker, name)
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _wait_for(worker: subprocess.Popen[bytes], name: str) -> None:
    from assistant_platform.celery import app  # noqa: PLC0415  (Django is loaded by then)

    give_up_at = time.monotonic() + WORKER_READY_SECONDS
    while not any(host.startswith(f"{name}@") for host in app.control.inspect(timeout=1).ping() or {}):
        if worker.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError("the worker did not start")
