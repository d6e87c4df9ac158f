"""Settings of the mails by which people are told what happened to their devices."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from authn.settings.devices import DeviceSettings


class MailSettings(DeviceSettings):
    """Settings of the mail server, or of the folder for mails in development."""

    smtp_host: str = Field(
        "",
        description="The mail server through which notices are sent. Empty: none is sent, and no "
        "contact address can be confirmed.",
    )
    smtp_port: int = Field(
        587,
        description="The port of the mail server: 587 for `starttls`, 465 for `tls`.",
        ge=1,
        le=65535,
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the connection to the mail server is protected: `starttls` (nothing is "
        "sent to a server that does not offer it), `tls` from the first byte, or `none` for a "
        "server on this machine. Certificates are verified with the system's roots, or those of "
        "SSL_CERT_FILE.",
    )
    smtp_user: str = Field("", description="The user at the mail server. Empty: no sign-in.")
    smtp_password: SecretStr = Field(SecretStr(""), description="The password of `smtp_user`.")
    mail_from: str = Field(
        "", description="The sender of notices. Empty: `no-reply@` and the host of the issuer."
    )
    mail_directory: Path | None = Field(
        None,
        description="For development: mails are written to this folder, not sent. Possible at "
        "`http://localhost` only.",
    )
    outbox_worker: bool = Field(
        True,
        description="Whether `authn serve` sends what waits in the outbox, mails and sign-outs to "
        "applications, and ends approvals that nobody gave in time; otherwise `authn outbox send` "
        "does, run every minute.",
    )

    @field_validator("mail_from")
    @classmethod
    def _sender_is_an_address(cls, value: str) -> str:
        local_part, _, domain = value.rpartition("@")
        plain = value.isascii() and value.isprintable() and not set(value) & set(' ,;:<>()"\\')
        if value and not (local_part and domain and plain):
            raise ValueError("must be an address such as no-reply@example.org, and nothing else")
        return value

    @model_validator(mode="after")
    def _mail_goes_one_way_and_protected(self) -> "MailSettings":
        if self.smtp_host and self.mail_directory:
            raise ValueError("mails are sent (SMTP_HOST) or written (MAIL_DIRECTORY), not both")
        if self.mail_directory and self.secure:
            raise ValueError("MAIL_DIRECTORY is for development, at http://localhost only")
        local = self.smtp_host in ("localhost", "127.0.0.1", "::1")
        if self.smtp_host and self.smtp_security == "none" and not local:
            raise ValueError("SMTP_SECURITY none is for a mail server on this machine only")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("SMTP_USER needs a protected connection (SMTP_SECURITY)")
        return self

    @property
    def sender(self) -> str:
        """The sender of notices, by the setting or from the host of the issuer."""
        return self.mail_from or f"no-reply@{urlsplit(self.issuer).hostname}"
