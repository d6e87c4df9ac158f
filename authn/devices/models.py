"""Names of well-known authenticators by their AAGUID, and what is guessed from them.

Without attestation an AAGUID is a claim: good for a name, never for trust (protocol 2.4).
"""

from uuid import UUID

from authn.devices.tables import Kind, NewCredential
from authn.devices.user_agent import UserAgent

MODELS: dict[UUID, str] = {
    UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"): "Apple Passwords",
    UUID("dd4ec289-e01d-41c9-bb89-70fa845d4bf2"): "Apple Passwords",
    UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"): "Google Password Manager",
    UUID("adce0002-35bc-c60a-648b-0b25f1f05503"): "Chrome",
    UUID("b5397666-4885-aa6b-cebf-e52262a439a2"): "Chromium",
    UUID("771b48fd-d3d4-4f74-9232-fc157ab0507a"): "Edge",
    UUID("08987058-cadc-4b81-b6e1-30de50dcbe96"): "Windows Hello",
    UUID("9ddd1817-af5a-4672-a2b9-3e3dd95000a9"): "Windows Hello",
    UUID("6028b017-b1d4-4c02-b4b3-afcdafc96bb2"): "Windows Hello",
    UUID("53414d53-554e-4700-0000-000000000000"): "Samsung Pass",
    UUID("bada5566-a7aa-401f-bd96-45619a55120d"): "1Password",
    UUID("d548826e-79b4-db40-a3d8-11116f7e8349"): "Bitwarden",
    UUID("531126d6-e717-415c-9320-3d9aa6981239"): "Dashlane",
    UUID("f3809540-7f14-49c1-a8b3-8f813b225541"): "Enpass",
    UUID("fdb141b2-5d84-443e-8a35-4698c205a502"): "KeePassXC",
    UUID("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6"): "Keeper",
    UUID("b84e4048-15dc-4dd0-8640-f4f60813c8af"): "NordPass",
    UUID("50726f74-6f6e-5061-7373-50726f746f6e"): "Proton Pass",
    UUID("ee882879-721c-4913-9775-3dfcce97072a"): "YubiKey",
    UUID("cb69481e-8ff7-4039-93ec-0a2729a154a8"): "YubiKey",
}

_PLUGGED_OR_TAPPED = frozenset({"usb", "nfc", "ble", "smart-card"})


def model_name(aaguid: UUID) -> str | None:
    """The name of the authenticator's model or provider, if it is one of the well-known."""
    return MODELS.get(aaguid)


def guess_kind(credential: NewCredential, agent: UserAgent) -> Kind:
    """What the holder would call it, from how it was reached and where; a picture, not a policy."""
    transports = frozenset(credential.transports)
    if transports & _PLUGGED_OR_TAPPED and not transports & {"internal", "hybrid"}:
        return "security-key"
    if credential.attachment == "cross-platform" or agent.hand_held:
        return "phone"
    return "keyring" if credential.backup_eligible else "laptop"


def default_name(credential: NewCredential, kind: Kind, agent: UserAgent) -> str:
    """A first name that its holder recognises; "" when nothing is known to make one of.

    Never longer than a name may be: it is put together from the words of our own tables.
    """
    model = model_name(credential.aaguid)
    if credential.attachment == "cross-platform":
        return model or ""  # this browser is not where the key is
    if kind == "phone":
        return agent.system
    return model or agent.system or agent.browser
