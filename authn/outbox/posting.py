"""Something is posted to an address of others: it was taken, or why not."""

from collections.abc import Collection, Mapping
from typing import Final

import httpx2

from authn.errors import Unavailable
from authn.outbox.failures import DeliveryNotBegun, DestinationUnreachable
from authn.web.outgoing import NoAnswer, OutgoingClient

LARGEST_ANSWER: Final = 16 * 1024
NOT_THIS_ONE: Final = range(400, 429)  # of 429 and what follows, the next one would fare no better


def post(
    outgoing: OutgoingClient,
    address: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    taken: Collection[int],
    private_hosts: Collection[str],
) -> None:
    """Whoever is at this address has taken it: has answered with one of the statuses `taken`.

    Raises `DeliveryNotBegun` when they refuse this one, `DestinationUnreachable` when they take
    none. `private_hosts` are those of `Outgoing.documents`.
    """
    try:
        request = httpx2.Request("POST", address, headers=dict(headers), content=content)
        with outgoing.documents(private_hosts=private_hosts, largest=LARGEST_ANSWER) as transport:
            status = transport.handle_request(request).status_code
    except NoAnswer as failure:
        raise DestinationUnreachable(str(failure)) from None
    except (httpx2.InvalidURL, ValueError):
        raise DestinationUnreachable("an address that may not be called") from None
    except Unavailable as failure:
        raise DeliveryNotBegun(failure.detail) from None
    if status in NOT_THIS_ONE:
        raise DeliveryNotBegun(f"status {status}")
    if status not in taken:
        raise DestinationUnreachable(f"status {status}")
