"""A name server on loopback that knows some TXT records and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@contextmanager
def name_server(texts: dict[str, str] | None) -> Iterator[str]:
    """Serve TXT records by their names, None for a server that fails; yield it as the setting DNS_SERVERS names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer, args=(listener, texts), daemon=True)
        thread.start()
        host, port = listener.getsockname()
        yield f"{host}#{port}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (host, port))
        thread.join()


def _answer(listener: socket.socket, texts: dict[str, str] | None) -> None:
    while True:
        wire, sender = listener.recvfrom(4096)
        if not wire:
            return
        query = dns.message.from_wire(wire)
        question = query.question[0]
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        text = (texts or {}).get(question.name.to_text(omit_final_dot=True))
        if texts is None:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif text is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.TXT:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", f'"{text}"'))
        listener.sendto(response.to_wire(), sender)
