"""The kind and the name of a device: guessed when it is added, and given by its holder.

The guess is made of the model's name (`webauthn.models`) and of how the device was reached: good
for a picture and a name, never for trust (decisions 2.4).
"""

import re
import unicodedata

from authn.devices.tables import LONGEST_DEVICE_NAME, Kind, NewCredential
from authn.errors import N_, InvalidRequest
from authn.web.user_agent import UserAgent

_JOINERS = frozenset("\u200c\u200d")  # inside words of some scripts, and inside one emoji
_PLUGGED_OR_TAPPED = frozenset({"usb", "nfc", "ble", "smart-card"})


def guess_kind(credential: NewCredential, agent: UserAgent) -> Kind:
    """The kind of device, guessed from how the device was reached and where; for a picture only."""
    transports = frozenset(credential.transports)
    if transports & _PLUGGED_OR_TAPPED and not transports & {"internal", "hybrid"}:
        return "security-key"
    if credential.attachment == "cross-platform" or agent.hand_held:
        return "phone"
    return "keyring" if credential.backup_eligible else "laptop"


def default_name(credential: NewCredential, kind: Kind, agent: UserAgent, model: str | None) -> str:
    """A first name that the holder recognises; "" when nothing is known to make a name of.

    `model` is the name of the authenticator's model, if known, and never longer than the name of a
    device may be.
    """
    if credential.attachment == "cross-platform":
        return model or ""  # this browser is not where the key is
    if kind == "phone":
        return agent.system
    return model or agent.system or agent.browser


def read_device_name(text: str) -> str:
    """The name of a device in its stored form: NFC, no space around it, 1 to 60 characters.

    Raises `InvalidRequest`. Characters that are not seen are refused: a name must not be able to
    turn the line around it, nor look empty.
    """
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text)).strip()
    if not name or len(name) > LONGEST_DEVICE_NAME:
        raise InvalidRequest("invalid_name", N_("Give a name of 1 to 60 characters."))
    if not all(_is_visible(character) for character in name) or not any(map(str.isprintable, name)):
        raise InvalidRequest("invalid_name", N_("Use letters, digits and signs that can be seen."))
    return name


def free_name(wanted: str, taken: set[str]) -> str:
    """The wanted name, with a number behind it when the name is taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        suffix = f" {number}"
        name = wanted[: LONGEST_DEVICE_NAME - len(suffix)] + suffix
    return name


def _is_visible(character: str) -> bool:
    """Whether a character is no control or formatting character and no separator of lines."""
    if character in _JOINERS:
        return True
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")
