"""A proxy on loopback that tunnels by CONNECT, and a certificate authority that nobody knows."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Proxy(ThreadingHTTPServer):
    """Leads to what `knows` says of a host, whatever any name server says; `asked` are the hosts that it was asked for.

    Where `wants` is given, it is the only `Proxy-Authorization` that is let through.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, knows: Mapping[str, int], *, wants: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.knows, self.wants = dict(knows), wants
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Tunnel(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0]
        self.server.asked.append(host)
        if self.server.wants and self.headers.get("Proxy-Authorization") != self.server.wants:
            self.send_error(407)
            return
        if host not in self.server.knows:
            self.send_error(502)
            return
        with socket.create_connection(("127.0.0.1", self.server.knows[host])) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pour, args=(there, self.connection), daemon=True)
            back.start()
            _pour(self.connection, there)
            back.join(5)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
        pass


def _pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


class Authority:
    """Signs certificates of hosts; `bundle` is its own in PEM."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Nobody's authority")])
        self._certificate = _signed(self._name, self._name, self._key, self._key, names=())
        self.bundle = _pem(self._certificate)

    def context(self, folder: Path, *names: str) -> ssl.SSLContext:
        """Return what a server of these names needs; files are put into `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        certificate = _signed(subject, self._name, key, self._key, names=names)
        shape = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, shape, serialization.NoEncryption()).decode()
        path = folder / f"{names[0]}.pem"
        path.write_text(private + _pem(certificate), encoding="ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    names: tuple[str, ...],
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    return builder.sign(by, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
