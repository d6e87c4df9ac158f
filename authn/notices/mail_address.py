"""Mail addresses as text: read strictly, compared, and masked.

Accepted is a part of RFC 5321 §4.1.2 that every mail server takes: a dot-atom in ASCII, and a
domain name. No quoted local part, no address literal, no comment, nothing that could begin another
header line.
"""

import re

import idna

from authn.errors import N_, InvalidRequest

LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
LONGEST_LOCAL_PART = 64  # §4.5.3.1.1

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")


def read_address(text: str) -> str:
    """The mail address in a text, as it is kept: domain in lower case and in ASCII (IDNA 2008).

    Raises `InvalidRequest`.
    """
    invalid = InvalidRequest(
        "invalid_address", N_("This is not a mail address. It looks like name@example.org.")
    )
    stripped = text.strip(" ")
    if not stripped.isprintable() or len(stripped) > LONGEST_ADDRESS:
        raise invalid
    local_part, at, domain = stripped.rpartition("@")
    try:
        domain = idna.encode(domain.lower(), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise invalid from None
    address = f"{local_part}@{domain}"
    if (
        not at
        or len(address) > LONGEST_ADDRESS
        or len(local_part) > LONGEST_LOCAL_PART
        or not _LOCAL_PART.fullmatch(local_part)
        or "=?" in local_part  # RFC 2047 §2: it would be read as an encoded word
        or not _DOMAIN.fullmatch(domain)
        or domain.rpartition(".")[2].isdigit()
    ):
        raise invalid
    return address


def same_address(one: str, other: str) -> bool:
    """Whether two mail addresses are equal, without regard to case."""
    return one.lower() == other.lower()


def mask_address(address: str) -> str:
    """A mail address as `a•••@example.org`, which its holder recognises."""
    local_part, _, domain = address.rpartition("@")
    return f"{local_part[:1]}•••@{domain}"
