"""What a key's level means in `acr` and `amr` (design 5; RFC 8176 for the latter's values)."""

from authn.devices.tables import KeyLevel

ACR: dict[KeyLevel, str] = {
    "certified": "urn:authn:level:certified",
    "device": "urn:authn:level:device",
    "synced": "urn:authn:level:synced",
}

# hwk, swk: proof of possession of a key in hardware, or in software since it is on many machines;
# user: the authenticator verified its user; mfa: the key is one factor, that verification another.
AMR: dict[KeyLevel, list[str]] = {
    "certified": ["hwk", "user", "mfa", "pop"],
    "device": ["hwk", "user", "mfa", "pop"],
    "synced": ["swk", "user", "mfa", "pop"],
}


def acr(level: KeyLevel) -> str:
    """The authentication context class of a login with a key of this level."""
    return ACR[level]


def amr(level: KeyLevel) -> list[str]:
    """The authentication methods of a login with a key of this level."""
    return AMR[level]
