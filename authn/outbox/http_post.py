"""Delivers content by an HTTP POST to the address of another system."""

from collections.abc import Collection, Mapping
from typing import Final

import httpx2

from authn.errors import Unavailable
from authn.outbox.outbox import DeliveryNotBegun, DestinationUnreachable
from authn.web.outgoing import NoAnswer, OutgoingClient

LARGEST_ANSWER: Final = 16 * 1024
REFUSED: Final = range(400, 429)  # 429 and beyond would meet the next row as well


def post(
    outgoing: OutgoingClient,
    address: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    accepted: Collection[int],
    private_hosts: Collection[str],
) -> None:
    """The content was posted, and answered with one of the statuses `accepted`.

    Raises `DeliveryNotBegun` when this content is refused, `DestinationUnreachable` when any would
    be. `private_hosts` are those of `OutgoingClient.documents`.
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
    if status in REFUSED:
        raise DeliveryNotBegun(f"status {status}")
    if status not in accepted:
        raise DestinationUnreachable(f"status {status}")
