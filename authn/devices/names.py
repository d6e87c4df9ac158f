"""The name that a person gives a device."""

import re
import unicodedata

from authn.devices.tables import LONGEST_DEVICE_NAME
from authn.errors import N_, InvalidRequest

_JOINERS = frozenset("\u200c\u200d")  # inside words of some scripts, and inside one emoji


def read_device_name(text: str) -> str:
    """The name as it is kept: NFC, without space around it, 1 to 60 characters.

    Raises `InvalidRequest`. Characters that are not seen are refused: a name must not be able to
    turn the line around it, nor look empty.
    """
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text)).strip()
    if not name or len(name) > LONGEST_DEVICE_NAME:
        raise InvalidRequest("invalid_name", N_("Give a name of 1 to 60 characters."))
    if not all(_visible(character) for character in name) or not any(map(str.isprintable, name)):
        raise InvalidRequest("invalid_name", N_("Use letters, digits and signs that can be seen."))
    return name


def free_name(wanted: str, taken: set[str]) -> str:
    """The wanted name, with a number behind it when another device has it already."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        suffix = f" {number}"
        name = wanted[: LONGEST_DEVICE_NAME - len(suffix)] + suffix
    return name


def _visible(character: str) -> bool:
    """Whether it is neither a control, a formatting character nor a line or paragraph separator."""
    if character in _JOINERS:
        return True
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")
