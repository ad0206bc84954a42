"""Free ports on this machine."""

from __future__ import annotations

import errno
import socket

from assistant_platform.embedded.errors import StartError

PORTS_TRIED = 50
LOOPBACK = "127.0.0.1"


def any_free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def free_port_from(first: int, *, host: str) -> int:
    """Return `first`, or the next port above it that is free on `host`."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        if is_free(port, host=host):
            return port
    raise StartError(f"Ports {first} to {first + PORTS_TRIED - 1} are all in use: choose another with --port.")


def is_free(port: int, *, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on a port of a host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a connection closed a moment ago does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise StartError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    return True
