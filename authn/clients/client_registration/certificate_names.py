"""The names by which the certificate of a client is recognised: whether a certificate can have one.

RFC 8705 §2.1.2 (https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2). Checked at
registration: a name that no certificate can have would let nobody in without an explanation.
"""

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from cryptography.x509 import DNSName, Name, RFC822Name


def _is_subject(value: str) -> bool:
    Name.from_rfc4514_string(value)  # RFC 4514 §3
    return True


def _is_dns(value: str) -> bool:
    DNSName(value)  # ASCII alone: an internationalised name is written as punycode
    return " " not in value


def _is_uri(value: str) -> bool:
    return value.isascii() and " " not in value and urlsplit(value).scheme != ""


def _is_ip(value: str) -> bool:
    ip_address(value)
    return True


def _is_email(value: str) -> bool:
    RFC822Name(value)
    return "@" in value


NAMES: dict[str, Callable[[str], bool]] = {
    "tls_client_auth_subject_dn": _is_subject,
    "tls_client_auth_san_dns": _is_dns,
    "tls_client_auth_san_uri": _is_uri,
    "tls_client_auth_san_ip": _is_ip,
    "tls_client_auth_san_email": _is_email,
}


def can_be_in_a_certificate(member: str, value: str) -> bool:
    """Whether a certificate can have this name; `member` is the metadata's name for the field."""
    try:
        return NAMES[member](value)
    except ValueError:
        return False
