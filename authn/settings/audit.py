"""The audit log: where its signed days go, who watches it, how long it is at hand."""

from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from authn.settings.sources import SourceSettings

STREAMS = ("file", "udp", "tcp")


class AuditSettings(SourceSettings):
    """What is kept of what happened."""

    audit_worker: bool = Field(
        True,
        description="Whether `authn serve` chains new audit rows each second, signs each day that "
        "is over and streams what it chained; otherwise `authn audit chain` does, every minute.",
    )
    audit_directory: Path | None = Field(
        None,
        description="Where the signed head of each day is written, a file a day. Put it where this "
        "service's operator can write once and never change. Empty: `audit` in the data directory.",
    )
    audit_stream: str = Field(
        "",
        description="Where each chained row is sent as it is chained, for a SIEM: `file:///PATH` "
        "(appended), `udp://HOST:PORT` or `tcp://HOST:PORT` (syslog, RFC 5424). Empty: nowhere.",
    )
    audit_stream_format: Literal["json", "cef"] = Field(
        "json", description="How a row is written there: a line of JSON, or of CEF."
    )
    audit_kept: timedelta = Field(
        timedelta(days=183),
        description="How long rows stay in the database; then `authn audit archive` moves whole "
        "days into files.",
    )
    audit_archived: timedelta = Field(
        timedelta(days=3653),
        description="How long those files are kept before `authn audit archive` says that they may "
        "go.",
    )

    @field_validator("audit_stream")
    @classmethod
    def _stream_is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        whole = bool(parts.path) if parts.scheme == "file" else bool(parts.hostname and parts.port)
        if value and not (parts.scheme in STREAMS and whole):
            raise ValueError("is file:///PATH, udp://HOST:PORT or tcp://HOST:PORT")
        return value

    @property
    def audit_heads(self) -> Path:
        """The folder of the signed heads."""
        return self.audit_directory or self.data_directory / "audit"
