"""Settings of mutual TLS: where certificates of clients come from, who vouches for them."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from authn.settings.mail import MailSettings


class MutualTlsSettings(MailSettings):
    """Settings of mutual TLS (RFC 8705); without any of them, clients have no certificates."""

    mtls_origin: str = Field(
        "",
        description="Where clients with certificates call, when that is another host than the "
        "issuer: `https://mtls.example.org`. Browsers never go there, so that they ask nobody for "
        "a certificate.",
    )
    client_certificate_header: str = Field(
        "",
        description="The header in which the trusted proxies pass a client's certificate on, as "
        "RFC 9440 `Client-Cert` or as nginx's `$ssl_client_escaped_cert`. They must drop it where "
        "a client sends it.",
    )
    client_certificate_roots: Path | None = Field(
        None,
        description="A PEM file of the authorities that vouch for clients with `tls_client_auth`: "
        "each that issues, since clients send no chain. Nobody's certificate is accepted without.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="A PEM file of this service's own certificate, with its chain: `authn serve` "
        "then speaks TLS itself, and asks for clients' certificates when their roots are set.",
    )
    tls_key: Path | None = Field(
        None, description="The PEM file of the key of `AUTHN_TLS_CERTIFICATE`."
    )

    @field_validator("mtls_origin")
    @classmethod
    def _mtls_origin_is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        secure = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname == "localhost"
        )
        if value and not (secure and value == f"{parts.scheme}://{parts.netloc}"):
            raise ValueError("must be an https origin, without a path")
        return value

    @field_validator("client_certificate_header")
    @classmethod
    def _header_is_a_name(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9-]+", value):
            raise ValueError("must be the name of a header")
        return value

    @model_validator(mode="after")
    def _certificates_come_from_one_side(self) -> "MutualTlsSettings":
        if self.client_certificate_header and self.trusted_proxies.strip() in ("", "*"):
            raise ValueError(
                "AUTHN_CLIENT_CERTIFICATE_HEADER is believed of the proxies in "
                "AUTHN_TRUSTED_PROXIES alone: their addresses are needed"
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("AUTHN_TLS_CERTIFICATE and AUTHN_TLS_KEY belong together")
        return self

    @property
    def asks_for_certificates(self) -> bool:
        """Whether `authn serve` itself asks those who connect for a certificate."""
        return bool(
            self.tls_certificate
            and self.client_certificate_roots
            and not self.client_certificate_header
        )
