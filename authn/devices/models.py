"""What is guessed of a new device: its kind, and a first name.

From what its model is called (`webauthn.models`) and how it was reached: good for a picture and a
name, never for trust (decisions 2.4).
"""

from authn.devices.tables import Kind, NewCredential
from authn.web.user_agent import UserAgent

_PLUGGED_OR_TAPPED = frozenset({"usb", "nfc", "ble", "smart-card"})


def guess_kind(credential: NewCredential, agent: UserAgent) -> Kind:
    """What the holder would call it, from how it was reached and where; a picture, not a policy."""
    transports = frozenset(credential.transports)
    if transports & _PLUGGED_OR_TAPPED and not transports & {"internal", "hybrid"}:
        return "security-key"
    if credential.attachment == "cross-platform" or agent.hand_held:
        return "phone"
    return "keyring" if credential.backup_eligible else "laptop"


def default_name(credential: NewCredential, kind: Kind, agent: UserAgent, model: str | None) -> str:
    """A first name that its holder recognises; "" when nothing is known to make one of.

    `model` is what the authenticator's model is called, if it is known, and never longer than a
    device's name may be.
    """
    if credential.attachment == "cross-platform":
        return model or ""  # this browser is not where the key is
    if kind == "phone":
        return agent.system
    return model or agent.system or agent.browser
