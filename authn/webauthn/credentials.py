"""Credentials of a person as a browser gets them: to use, to exclude, and to forget if removed.

WebAuthn Level 3 §5.8.3 and, for the signal methods, §5.1.11
(https://www.w3.org/TR/webauthn-3/#sctn-signal-methods). The accepted list holds suspended and
dormant keys too: a browser may remove for good what is left out (decisions 2.7).
"""

from collections.abc import Iterable
from typing import Any

from authn.devices.tables import Device
from authn.settings import Settings
from authn.webauthn.relying_party import relying_party
from authn.webauthn.responses import base64url


def credential_descriptor(device: Device) -> dict[str, Any]:
    """PublicKeyCredentialDescriptorJSON (§5.8.3) of a device that has a key."""
    assert device.credential_id is not None
    return {
        "type": "public-key",
        "id": base64url(device.credential_id),
        "transports": device.transports.split(",") if device.transports else [],
    }


def accepted_credentials(settings: Settings, devices: Iterable[Device]) -> list[dict[str, Any]]:
    """AllAcceptedCredentialsOptions for each user handle of one person's devices.

    `devices` include removed ones: a handle whose last key is gone gets an empty list.
    Persons that were merged have several handles (decisions 1.6).
    """
    by_handle: dict[bytes, list[str]] = {}
    for device in devices:
        accepted = by_handle.setdefault(device.user_handle, [])
        if device.status != "unlinked" and device.credential_id is not None:
            accepted.append(base64url(device.credential_id))
    us = relying_party(settings)
    return [
        {"rpId": us.id, "userId": base64url(handle), "allAcceptedCredentialIds": sorted(accepted)}
        for handle, accepted in by_handle.items()
    ]


def user_details(settings: Settings, devices: Iterable[Device], name: str) -> list[dict[str, Any]]:
    """CurrentUserDetailsOptions for each user handle of one person, with the present name."""
    us = relying_party(settings)
    handles = dict.fromkeys(device.user_handle for device in devices if device.credential_id)
    return [
        {"rpId": us.id, "userId": base64url(handle), "name": name, "displayName": name}
        for handle in handles
    ]
