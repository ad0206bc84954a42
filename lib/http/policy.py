"""Where a host that a person typed may lead: schemes, ports, and every address that its name stands for.

The check and the connection use one and the same answer of the name server (lib.http.guard), so that a name which
answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from lib.environment import SettingError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2000
ANY_PORT = "*"
HOW_TO_ALLOW = "the operator can allow it by the setting OUTBOUND_ALLOWED_NETWORKS"

# Where clouds tell a machine its own secrets. A wide network in the operator's list does not open them; only the
# address itself does. 168.63.129.16 is Azure's, and public by its number.
METADATA_ADDRESSES = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"))
)
# Not told apart by `is_global`, or not by every Python 3.11.
NEVER_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# `2130706433`, `0x7f.1` and `0177.0.0.1` are 127.0.0.1 to the system's resolver: a name never ends in a number.
ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)$", re.IGNORECASE)


class OutboundError(Exception):
    """A request that was not made, or whose answer was not taken; the text tells an Admin what to do.

    `permanent`: trying again will not help until somebody changes something.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class NameUnknown(OutboundError):
    """The host's name has no address, as far as the name server says now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The host {host[:100]} is not known. Check its name.", permanent=False)


@dataclass(frozen=True)
class Target:
    """Where a checked address leads."""

    scheme: str
    host: str
    port: int

    @property
    def is_plain(self) -> bool:
        """Whether everybody on the way can read along."""
        return self.scheme == "http"


def system_resolver(host: str, port: int) -> list[str]:
    """Return every address of a host, as the machine's resolver tells them; OSError where there is none.

    How long that may take is the resolver's own setting (`options timeout` in resolv.conf); no deadline ends it.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Policy:
    """What the operator allows beyond public addresses.

    `hosts` are names (`.example.org`: all below it) whose addresses may be private; `ports` is None for any.
    """

    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    ports: frozenset[int] | None = frozenset({80, 443, 8080, 8443})
    resolve: Resolver = system_resolver

    @classmethod
    def of(cls, *, allowed: Iterable[str], ports: Iterable[str], resolve: Resolver = system_resolver) -> Policy:
        """Return the policy of the operator's words, or raise SettingError."""
        networks: list[Network] = []
        hosts: list[str] = []
        for entry in allowed:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError as error:
                name = entry.lower().rstrip(".")
                if not re.fullmatch(r"\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", name) or ENDS_IN_A_NUMBER.search(name):
                    raise SettingError(
                        f"OUTBOUND_ALLOWED_NETWORKS has {entry!r}: use networks such as 10.0.0.0/8 and names of hosts"
                    ) from error
                hosts.append(name)
        return cls(networks=tuple(networks), hosts=tuple(hosts), ports=_ports(tuple(ports)), resolve=resolve)

    def allows_host(self, host: str) -> bool:
        """Tell whether the operator named this host."""
        return any(host == entry or (entry.startswith(".") and host.endswith(entry)) for entry in self.hosts)

    def allows_address(self, address: Address) -> bool:
        """Tell whether the operator named this address, or a network around it."""
        return any(
            address.version == network.version
            and address in network
            and (address not in METADATA_ADDRESSES or network.num_addresses == 1)
            for network in self.networks
        )

    def addresses_of(self, target: Target) -> list[str]:
        """Return the addresses to connect to, or raise OutboundError where even one of them is not allowed."""
        literal = _literal(target.host)
        if literal is None:
            try:
                answers = self.resolve(target.host, target.port)
            except (OSError, UnicodeError) as error:
                raise NameUnknown(target.host) from error
        else:
            answers = [str(literal)]
        if not answers:
            raise NameUnknown(target.host)
        for answer in answers:
            self._check_address(target, answer)
        return answers

    def _check_address(self, target: Target, answer: str) -> None:
        address = _unwrapped(ipaddress.ip_address(answer.partition("%")[0]))
        is_named = self.allows_address(address) or (self.allows_host(target.host) and address not in METADATA_ADDRESSES)
        if not is_named and not is_public(address):
            # Not which one: an internal address is the operator's matter.
            raise OutboundError(
                f"The host {target.host[:100]} is at a private or reserved address. Give a public one; {HOW_TO_ALLOW}.",
                permanent=True,
            )
        if target.is_plain and not is_named:
            raise OutboundError(f"Use https:// for {target.host[:100]}; for http:// {HOW_TO_ALLOW}.", permanent=True)


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet, and of nothing else."""
    if address in METADATA_ADDRESSES or any(address in network for network in NEVER_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in GLOBAL_UNICAST_V6 and address.is_global
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def check_url(url: str, policy: Policy | None = None) -> Target:
    """Return where an address leads, or raise OutboundError; asks no name server."""
    policy = policy or policy_in_force()
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OutboundError("This is no address. It looks like https://host.example/path.", permanent=True) from error
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise OutboundError("The address must begin with https:// and name a host.", permanent=True)
    if len(url) > LONGEST_URL or re.search(r"[\s\\\x00-\x1f\x7f]", url.strip()):
        raise OutboundError("The address is too long, or has characters that none has.", permanent=True)
    if parts.username is not None or parts.password is not None:
        raise OutboundError("Leave user name and password out of the address.", permanent=True)
    target = Target(parts.scheme, _plain_name(host), DEFAULT_PORTS[parts.scheme] if port is None else port)
    if policy.ports is not None and target.port not in policy.ports:
        allowed = ", ".join(map(str, sorted(policy.ports)))
        raise OutboundError(
            f"Port {target.port} is not allowed. Use one of {allowed}; the operator can allow others by the setting "
            "OUTBOUND_ALLOWED_PORTS.",
            permanent=True,
        )
    if _literal(target.host) is not None:
        policy.addresses_of(target)
    return target


def check_reachable(url: str, policy: Policy | None = None) -> Target:
    """Return where an address leads after asking the name server too; for a form that keeps what was typed."""
    policy = policy or policy_in_force()
    target = check_url(url, policy)
    policy.addresses_of(target)
    return target


# --- The operator's policy, handed down when the process starts -------------------------------------------------------

_in_force = Policy()


def configure(policy: Policy) -> None:
    """Put a policy in force for this process; until then the strictest is."""
    global _in_force  # noqa: PLW0603  (one operator, one policy; adapters know no Django to ask it from)
    _in_force = policy


def policy_in_force() -> Policy:
    """Return the operator's policy."""
    return _in_force


@contextmanager
def in_force(policy: Policy) -> Iterator[None]:
    """Put a policy in force for a while, for all threads."""
    before = policy_in_force()
    configure(policy)
    try:
        yield
    finally:
        configure(before)


# --- Names and numbers ------------------------------------------------------------------------------------------------


def _ports(words: tuple[str, ...]) -> frozenset[int] | None:
    if ANY_PORT in words:
        return None
    try:
        ports = frozenset(map(int, words))
    except ValueError as error:
        raise SettingError(f"OUTBOUND_ALLOWED_PORTS is {','.join(words)!r}: use numbers, or * for any port") from error
    if not ports <= frozenset(range(1, 65536)):
        raise SettingError("OUTBOUND_ALLOWED_PORTS has a port that is none: use 1 to 65535")
    return ports


def _plain_name(host: str) -> str:
    """Return a host as name servers know it: lower case, ASCII, without the last dot."""
    name = host.removesuffix(".")
    if _literal(name) is not None:
        return name
    try:
        name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise OutboundError(f"{host[:100]} is no name of a host.", permanent=True) from error
    if not name or ENDS_IN_A_NUMBER.search(name) or "%" in name:
        raise OutboundError(
            f"{host[:100]} is no name of a host, and no address as it is usually written.", permanent=True
        )
    return name


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address only wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
