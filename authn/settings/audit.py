"""Settings of the audit log: where signed days go, where rows are streamed, how long they stay."""

from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from authn.settings.service import POSTGRESQL, PSYCOPG
from authn.settings.sources import SourceSettings

STREAMS = ("file", "udp", "tcp")


class AuditSettings(SourceSettings):
    """Settings of the audit log."""

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
    audit_head_every: timedelta = Field(
        timedelta(minutes=5),
        description="How often the head of the present day is signed and written there, when rows "
        "came to it: what is cut off at the end of the log after that is found.",
        gt=timedelta(0),
        le=timedelta(days=1),
    )
    audit_stream: str = Field(
        "",
        description="Where each chained row is sent as it is chained, for a SIEM: `file:///PATH` "
        "(appended), `udp://HOST:PORT` or `tcp://HOST:PORT` (syslog, RFC 5424). Empty: nowhere.",
    )
    audit_stream_format: Literal["json", "cef"] = Field(
        "json",
        description="How a row is written to `AUTHN_AUDIT_STREAM`: a line of JSON, or of CEF.",
    )
    audit_kept: timedelta = Field(
        timedelta(days=183),
        description="How long rows stay in the database; then `authn audit archive` moves whole "
        "days into files.",
    )
    audit_archived: timedelta = Field(
        timedelta(days=3653),
        description="How long files of the archive are kept before `authn audit archive` says that "
        "they may go.",
    )

    audit_archive_database_url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql://…`: the same database, as the role that may delete archived "
        "days; `authn audit archive` uses it, and the service's own role needs no such right "
        "(`authn db grants`). Empty: as `AUTHN_DATABASE_URL`.",
    )

    database_owner_url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql://…`: the same database, as the role that owns its tables. "
        "`authn db upgrade` uses it, and then gives the roles of `AUTHN_DATABASE_URL` and "
        "`AUTHN_AUDIT_ARCHIVE_DATABASE_URL` their passwords and what they need, and nothing more; "
        "it makes those that are not there. Not for the service itself. Empty: as "
        "`AUTHN_DATABASE_URL`.",
    )

    @field_validator("audit_archive_database_url", "database_owner_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith((*POSTGRESQL, PSYCOPG)):
            raise ValueError("must begin with postgresql://: with SQLite there are no roles")
        return value

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
        """The folder of the signed heads, by the setting or in the data directory."""
        return self.audit_directory or self.data_directory / "audit"
