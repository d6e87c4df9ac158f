"""Settings of the service itself: address, database, secrets, signing keys, sessions, logs."""

from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "AUTHN_"
POSTGRESQL = ("postgresql://", "postgres://")
PSYCOPG = "postgresql+psycopg://"

Language = Literal["nl", "fr", "de", "en"]


class ServiceSettings(BaseSettings):
    """Settings of the service itself, which all other classes of settings extend."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    issuer: str = Field(
        "http://localhost:8000",
        description="The service's own address as browsers and clients see it: the OpenID issuer "
        "and the WebAuthn origin. `https://…` without a path; `http://` for localhost only.",
    )
    rp_id: str = Field(
        "",
        description="The WebAuthn relying party identifier. Empty: the host of the issuer. It can "
        "never change once devices are enrolled; start-up refuses one that matches none of them.",
    )
    service_name: str = Field(
        "authn", description="The service's name, on every page and in the passkey dialog."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, description="The port to listen on.", ge=1, le=65535)
    workers: int = Field(
        1, description="Processes of `authn serve`. More than one needs PostgreSQL.", ge=1, le=64
    )
    threads: int = Field(
        16, description="Threads, and database connections, of each process.", ge=1, le=128
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses of the reverse proxies whose X-Forwarded-For is believed, separated "
        "by commas. Empty: none.",
    )
    data_directory: Path = Field(
        Path("var"), description="Where the embedded database and generated secrets are kept."
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql://…`, or `sqlite:///PATH`. Empty: an SQLite file in the data "
        "directory.",
    )
    master_key: SecretStr = Field(
        SecretStr(""),
        description="32 random bytes, base64url: encrypts national numbers and signing keys at "
        "rest. Empty: the file `secrets/master_key` in the data directory.",
    )
    other_master_key: SecretStr = Field(
        SecretStr(""),
        description="A second master key, by which stored values are read and none is written: the "
        "former one until `authn secrets reencrypt` is done. Empty: the file "
        "`secrets/other_master_key` in the data directory, if there is one.",
    )
    national_number_key: SecretStr = Field(
        SecretStr(""),
        description="32 random bytes, base64url: keyed hash by which a national number is found. "
        "Empty: `secrets/national_number_key` in the data directory.",
    )
    token_key: SecretStr = Field(
        SecretStr(""),
        description="32 random bytes, base64url: signs short-lived tokens such as a ceremony's "
        "challenge. Empty: `secrets/token_key` in the data directory.",
    )
    audit_key: SecretStr = Field(
        SecretStr(""),
        description="32 random bytes, base64url: seals each audit row. Empty: `secrets/audit_key` "
        "in the data directory.",
    )
    signing_key_rotation: timedelta = Field(
        timedelta(days=90),
        description="A key that has signed for this long is followed by the next one. `PT0S`: "
        "keys are rotated by `authn keys rotate` alone.",
        ge=timedelta(0),
    )
    signing_key_published_ahead: timedelta = Field(
        timedelta(days=7),
        description="A key signs only when clients could read it in the key set for this long: at "
        "least an hour, and shorter than `AUTHN_SIGNING_KEY_ROTATION`.",
        ge=timedelta(hours=1),
    )
    default_language: Language = Field(
        "nl", description="The language of a page when the browser names none of ours."
    )
    session_idle: timedelta = Field(
        timedelta(minutes=60), description="A session unused for this long has ended."
    )
    session_lifetime: timedelta = Field(
        timedelta(hours=12), description="A session this old has ended, used or not."
    )
    sessions_per_device: int = Field(
        20,
        description="Browsers and apps that can be signed in with one device at a time; with one "
        "more, the session that was unused for longest ends.",
        ge=1,
    )
    demo_port: int = Field(
        8001, description="The port of `authn demo`'s relying application.", ge=1, le=65535
    )
    demo_identity_port: int = Field(
        8002, description="The port of `authn demo`'s eID test card.", ge=1, le=65535
    )
    demo_resource_port: int = Field(
        8003, description="The port of `authn demo`'s resource.", ge=1, le=65535
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Log lines below this level are not written."
    )

    @field_validator("issuer")
    @classmethod
    def _issuer_is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError("must be an origin, without path, query or fragment")
        if parts.scheme == "http" and parts.hostname != "localhost":
            raise ValueError("must be https; http is possible for localhost only")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an https address")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("its port is not a number") from None
        usual = 443 if parts.scheme == "https" else 80
        origin = f"{parts.scheme}://{parts.hostname}"
        if port not in (None, usual):
            origin += f":{port}"
        if value.rstrip("/") != origin:
            raise ValueError(f"must be written as browsers write it: {origin}")
        return origin

    @field_validator("rp_id")
    @classmethod
    def _rp_id_is_of_the_issuer(cls, value: str, info: ValidationInfo) -> str:
        host = urlsplit(info.data.get("issuer", "")).hostname or ""
        if value and not f".{host}".endswith(f".{value}"):  # WebAuthn §5.1.3 step 8
            raise ValueError(f"must be {host} or a domain above it")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_one_of_two(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith((*POSTGRESQL, PSYCOPG, "sqlite:///")):
            raise ValueError("must begin with postgresql:// or sqlite:///")
        if url.partition("://")[2].partition("/")[0].count("@") > 1:
            # What follows the first one would be taken for the host, and named in messages.
            raise ValueError("must have %40 for an @ in its password")
        return value

    @model_validator(mode="after")
    def _several_workers_need_postgresql(self) -> "ServiceSettings":
        if self.workers > 1 and self.sqlalchemy_url.startswith("sqlite"):
            raise ValueError("more than one worker needs PostgreSQL (AUTHN_DATABASE_URL)")
        return self

    @model_validator(mode="after")
    def _a_key_is_published_before_it_is_due(self) -> "ServiceSettings":
        rotation = self.signing_key_rotation
        if rotation and self.signing_key_published_ahead >= rotation:
            raise ValueError("the next signing key must be published before it is due")
        return self

    @property
    def relying_party_id(self) -> str:
        """The WebAuthn RP ID: the setting, else the host of the issuer."""
        return self.rp_id or urlsplit(self.issuer).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether the issuer is https: cookies are then Secure and `__Host-`."""
        return self.issuer.startswith("https://")

    @property
    def sqlalchemy_url(self) -> str:
        """The address of the database for SQLAlchemy, with the driver."""
        url = self.database_url.get_secret_value()
        if not url:
            return f"sqlite:///{self.data_directory / 'authn.db'}"
        for scheme in POSTGRESQL:
            if url.startswith(scheme):
                return PSYCOPG + url.removeprefix(scheme)
        return url
