"""The parameter `authorization_details`, read and held against the registry of types.

RFC 9396 §2 and §5 (https://www.rfc-editor.org/rfc/rfc9396).
"""

from typing import Final, cast

from authn.consents.authorization_details import TYPES, Detail, DetailRequest, fault_of
from authn.consents.desk_acts import DESK_ACT_DETAIL
from authn.oidc.json_parameter import read_json_parameter

__all__ = ["TYPES", "InvalidAuthorizationDetails", "checked_details", "read_details"]

LONGEST: Final = 4096  # characters
DEPTH: Final = 4
MOST: Final = 10


class InvalidAuthorizationDetails(ValueError):
    """The parameter is refused (§5); the text says what is wrong, and not what came."""


def read_details(text: str) -> tuple[object, ...]:
    """What the array holds, not checked any further; none for "".

    Raises `InvalidAuthorizationDetails`.
    """
    if not text:
        return ()
    try:
        details = read_json_parameter(text, longest=LONGEST, depth=DEPTH)
    except ValueError:
        details = None
    if not isinstance(details, list) or not 0 < len(details) <= MOST:
        raise InvalidAuthorizationDetails(
            "The authorization_details are not a JSON array that we can read."
        )
    return tuple(details)


def checked_details(
    unchecked_details: tuple[object, ...], asking: DetailRequest
) -> tuple[Detail, ...]:
    """The same, once each is one that this client may ask; raises `InvalidAuthorizationDetails`."""
    for each in unchecked_details:
        fault = fault_of(each, asking)
        if fault is not None:
            raise InvalidAuthorizationDetails(fault)
    details = cast(tuple[Detail, ...], unchecked_details)  # objects, as was just checked
    if sum(each["type"] == DESK_ACT_DETAIL for each in details) > 1:
        raise InvalidAuthorizationDetails("One act at the desk is confirmed at a time.")
    return details
