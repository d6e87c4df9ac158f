"""Which addresses are public: where a request may go whose address somebody else wrote down.

IANA's registries of special-purpose addresses (RFC 6890,
https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry). Written
out, since what `ipaddress` calls global differs between versions of Python, and holds multicast.
"""

import socket
import threading
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from queue import Empty, SimpleQueue

from authn.errors import Unavailable

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local: a cloud's metadata
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
# Global unicast is 2000::/3; so loopback, IPv4-mapped and -compatible, NAT64, unique local,
# link-local, site-local and multicast addresses are outside.
_UNICAST_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether everybody on the Internet reaches the same machine by this IP address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_4)
    # `in` ignores a zone ("%eth0"), which no public address has.
    return (
        parsed.scope_id is None
        and parsed in _UNICAST_6
        and not any(parsed in network for network in _NOT_PUBLIC_6)
    )


def resolve_addresses(
    host: str, port: int, seconds: float, lookups: threading.BoundedSemaphore
) -> tuple[str, ...]:
    """The IP addresses of a host, best first; none when there is none, or not in these seconds.

    A look-up can't be ended: what waits for a slow name server goes on when nobody waits for it any
    more. `lookups` limits how many do; beyond it, `Unavailable`.
    """
    if not lookups.acquire(blocking=False):
        raise Unavailable(detail="too many look-ups of names")
    found: SimpleQueue[tuple[str, ...]] = SimpleQueue()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(tuple(dict.fromkeys(str(answer[4][0]) for answer in answers)))
        except (OSError, ValueError):  # ValueError: no name at all
            found.put(())
        finally:
            lookups.release()

    threading.Thread(target=look_up, daemon=True).start()
    try:
        return found.get(timeout=max(seconds, 0))
    except Empty:
        return ()
