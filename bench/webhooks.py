"""How soon a webhook is answered: two hundred a second, half of them good, at the web server that `up` starts.

Requests leave by the clock, whether or not earlier ones were answered, and are timed from when they were to leave.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from assistant_platform.embedded.ports import LOOPBACK, any_free_port
from assistant_platform.embedded.startup import web_command
from bench.measure import cpu_seconds_of
from bench.platform import ROOT, new_organization, running_worker

PER_SECOND = 200
SECONDS = 20
CONNECTIONS = 32
BODY_BYTES = 24_000  # of a pull request, as GitHub sends it
TARGET_P99_MS = 50.0
START_SECONDS = 60.0
GOOD, FORGED, REPEATED = "good", "forged", "repeated"
# What each is answered; a quarter is forged, a quarter was sent before.
ANSWERS = {GOOD: {200, 202}, FORGED: {401}, REPEATED: {200, 202}}
TAKEN = 202
TURNS = (GOOD, FORGED, GOOD, REPEATED)


@dataclass
class _Sent:
    """One webhook: how long it took from when it was to leave, and what came back."""

    sort: str
    milliseconds: float
    status: int


def bench() -> dict[str, Any]:
    """Send webhooks to the web server alone, and again while a worker on the same machine works on them."""
    alone = _measured()
    with running_worker(threads=2, environment={}, queues="interactive,pull_request"):
        beside = _measured()
    return {
        "per_second": PER_SECOND,
        "seconds": SECONDS,
        "target_p99_ms": TARGET_P99_MS,
        "web_alone": alone,
        "beside_a_worker": beside,
    }


def _measured() -> dict[str, Any]:
    path, secret = _new_code_host()
    with _running_web() as (port, web):
        target = _Target(port, path, secret)
        asyncio.run(_send(target, seconds=2))  # the first ones pay for imports and connections
        before = [_cpu_of_family(web.pid), time.perf_counter()]
        sent = asyncio.run(_send(target, seconds=SECONDS))
        cpu = (_cpu_of_family(web.pid) - before[0]) / (time.perf_counter() - before[1])
    # On a busy machine a repeated one may overtake itself: then the other of the two is the new one.
    wrong = Counter(f"{each.sort}: {each.status}" for each in sent if each.status not in ANSWERS[each.sort])
    return {
        "all": _figures(sent),
        **{sort: _figures([each for each in sent if each.sort == sort]) for sort in ANSWERS},
        "taken": sum(each.status == TAKEN for each in sent),
        "wrong_answers": dict(wrong),
        "web_processors_used": round(cpu, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }


def _figures(sent: Sequence[_Sent]) -> dict[str, float]:
    times = sorted(each.milliseconds for each in sent)
    hundredths = statistics.quantiles(times, n=100)
    return {
        "p50_ms": round(hundredths[49], 1),
        "p95_ms": round(hundredths[94], 1),
        "p99_ms": round(hundredths[98], 1),
        "most_ms": round(times[-1], 1),
        "count": len(times),
    }


# --- What is sent -----------------------------------------------------------------------------------------------------


class _Target:
    """An address of the platform, and the requests that are sent there."""

    def __init__(self, port: int, path: str, secret: str) -> None:
        self.port = port
        self.path = path
        self.secret = secret
        self.number = 0
        self.answered: deque[str] = deque(maxlen=PER_SECOND)  # ids of a second ago: none may overtake itself

    def next_request(self) -> tuple[str, bytes]:
        """Return the next turn's sort of request, and its bytes."""
        sort = TURNS[self.number % len(TURNS)]
        self.number += 1
        delivery = self.answered[0] if sort == REPEATED else secrets.token_hex(16)
        if sort == GOOD:
            self.answered.append(delivery)
        body = _pull_request(self.number)
        key = b"a guess" if sort == FORGED else self.secret.encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nUser-Agent: GitHub-Hookshot/bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-GitHub-Event: pull_request\r\n"
            f"X-GitHub-Delivery: {delivery}\r\n"
            f"X-Hub-Signature-256: sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}\r\n\r\n"
        )
        return sort, head.encode() + body


def _pull_request(number: int) -> bytes:
    """Return what GitHub says of a pull request of some repository, with the many addresses that it adds."""
    end = {"ref": "main", "sha": "b" * 40, "repo": {"id": 1}}
    body: dict[str, Any] = {
        "action": "synchronize",
        "pull_request": {
            "number": number % 500,
            "title": "Change something",
            "state": "open",
            "head": {**end, "ref": "feature", "sha": f"{number:040d}"},
            "base": end,
            "updated_at": "2026-11-20T10:00:00Z",
        },
        "repository": {"id": 1, "full_name": "acme/shop"},
    }
    address = "https://api.code.example/repos/acme/shop/pulls/comments{/number}"
    body["links"] = {f"link_{place}_url": f"{address}/{place}" for place in range(BODY_BYTES // 90)}
    return json.dumps(body).encode()


async def _send(target: _Target, *, seconds: float) -> list[_Sent]:
    """Send for a while by the clock, over a number of lasting connections."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(LOOPBACK, target.port))
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(sort: str, request: bytes, due: float) -> _Sent:
        reader, writer = await free.get()
        writer.write(request)
        status = await _answer(reader)
        free.put_nowait((reader, writer))
        return _Sent(sort, (loop.time() - due) * 1000, status)

    running = []
    for turn in range(int(PER_SECOND * seconds)):
        sort, request = target.next_request()
        due = began + turn / PER_SECOND
        await asyncio.sleep(max(due - loop.time(), 0))
        running.append(asyncio.create_task(one(sort, request, due)))
    sent = await asyncio.gather(*running)
    while not free.empty():
        free.get_nowait()[1].close()
    return sent


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


# --- Where it is sent -------------------------------------------------------------------------------------------------


def _new_code_host() -> tuple[str, str]:
    """Return the address and the secret of a new organization's code host, with a repository that was chosen."""
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    from orgs.models import Project  # noqa: PLC0415
    from scm.models import CodeHost, HostKind, Repository  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415
    from tenancy.sealing import seal_secrets  # noqa: PLC0415

    key, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
    with acting_for(new_organization().pk), transaction.atomic():
        host = CodeHost.objects.create(
            kind=HostKind.GITHUB,
            base_url="https://code.example",
            hook_key=key,
            sealed_secrets=seal_secrets({"webhook_secret": secret}),
        )
        project = Project.objects.create(name="acme/shop", primary_branch="main")
        Repository.objects.create(project=project, host=host, external_id="1", full_name="acme/shop")
    return f"/hooks/github/{key}", secret


@contextmanager
def _running_web() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the web server as `up` does: one process of eight threads, with its pool of connections."""
    port = any_free_port()
    with tempfile.TemporaryDirectory(prefix="assistant-bench-") as folder:
        environment = os.environ | {"ASSISTANT_MODE": "evaluation", "STATIC_ROOT": folder, "LOG_LEVEL": "INFO"}
        command = [sys.executable, "-m", *web_command(host=LOOPBACK, port=port)]
        web = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            asyncio.run(_until_it_answers(port))
            yield port, web
        finally:
            web.terminate()
            web.wait()


async def _until_it_answers(port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
            if b" 200 " in await reader.readline():
                return
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the web server did not start")


def _cpu_of_family(pid: int) -> float:
    """Return the processor seconds of a process and its children, where the system tells."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as names:
            children = [int(name) for name in names.read().split()]
    except OSError:
        children = []
    return cpu_seconds_of(pid) + sum(cpu_seconds_of(child) for child in children)
