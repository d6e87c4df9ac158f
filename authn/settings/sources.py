"""Settings of authentic sources: addresses, authentication, and how long answers are used."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from authn.settings.clients import ClientSettings

EMBEDDED = "Empty: the embedded twin, filled by `authn sources import`."


class SourceSettings(ClientSettings):
    """Settings of authentic sources, which say in which capacities a person may act."""

    national_register_url: str = Field(
        "",
        description="Where the national register is asked (docs/sources): `https://…`, or "
        f"`http://localhost…`. {EMBEDDED}",
    )
    professions_url: str = Field(
        "", description=f"Where the register of health professions is asked. {EMBEDDED}"
    )
    organisations_url: str = Field(
        "", description=f"Where the register of organisations is asked. {EMBEDDED}"
    )
    mandates_url: str = Field(
        "", description=f"Where the register of mandates is asked. {EMBEDDED}"
    )
    embedded_sources: bool = Field(
        False,
        description="Whether the embedded twins may stand in for authentic sources at an issuer "
        "that is not on this machine. Say so only where the imported files are the source.",
    )
    sources_token_url: str = Field(
        "",
        description="The token endpoint that gives access tokens for the sources "
        "(`client_credentials` with `private_key_jwt`).",
    )
    sources_client_id: str = Field(
        "",
        description="The client id of this service at `AUTHN_SOURCES_TOKEN_URL`, such as "
        "`cbe-0406798006`.",
    )
    sources_key: Path | None = Field(
        None,
        description="The file of the private key (a JWK, or PEM) with which this service "
        "authenticates there.",
    )
    citizen_fresh: timedelta = Field(
        timedelta(hours=24), description="How long an answer about a citizen is not asked anew."
    )
    children_fresh: timedelta = Field(
        timedelta(hours=24),
        description="How long an answer about the children of a person is not asked anew.",
    )
    qualities_fresh: timedelta = Field(
        timedelta(hours=1),
        description="How long an answer about health professions is not asked anew.",
    )
    memberships_fresh: timedelta = Field(
        timedelta(minutes=15),
        description="How long an answer about memberships of organisations is not asked anew.",
    )
    mandates_fresh: timedelta = Field(
        timedelta(minutes=5), description="How long an answer about mandates is not asked anew."
    )
    children_stale: timedelta = Field(
        timedelta(days=3),
        description="How long an answer about children is used at most while its source is down; "
        "then these capacities can't be checked, and nobody acts in them.",
    )
    qualities_stale: timedelta = Field(
        timedelta(hours=24),
        description="How long an answer about health professions is used at most while its source "
        "is down.",
    )
    memberships_stale: timedelta = Field(
        timedelta(hours=8),
        description="How long an answer about memberships of organisations is used at most while "
        "its source is down.",
    )
    mandates_stale: timedelta = Field(
        timedelta(hours=1),
        description="How long an answer about mandates is used at most while its source is down.",
    )
    parents_until_age: int = Field(
        12,
        description="The age from which parents do not act for a child any more.",
        ge=0,
        le=25,
    )
    parents_service_names: str = Field(
        "medicaldatamanagement recipe",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,99}( [A-Za-z0-9][A-Za-z0-9._:-]{0,99}){0,19})?$",
        description="The services in which parents act for a child, as resources that read "
        "`may_act` are told: names with a space between; empty to tell none.",
    )
    sources_seconds: float = Field(
        3.0, description="Seconds that a source has for an answer, retries included.", gt=0
    )

    @field_validator(
        "national_register_url",
        "professions_url",
        "organisations_url",
        "mandates_url",
        "sources_token_url",
    )
    @classmethod
    def _is_ours_to_call(cls, url: str, info: ValidationInfo) -> str:
        """A source is asked by https, or on localhost: no national number is sent unencrypted."""
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise ValueError("must be an https address") from None
        if parts.query or parts.fragment or parts.username or not parts.hostname:
            raise ValueError("must be an address without user, query or fragment")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("must be an address in plain ASCII")
        if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "localhost"):
            raise ValueError("must be https; http is possible for localhost only")
        # A path is added to the address of a source; that of a token endpoint is used as it is.
        return url if info.field_name == "sources_token_url" else url.rstrip("/")

    @model_validator(mode="after")
    def _sources_know_us(self) -> "SourceSettings":
        """Where a source is configured, so is the authentication of this service to sources."""
        if not self.configured_sources:
            return self
        needed = {
            "SOURCES_TOKEN_URL": self.sources_token_url,
            "SOURCES_CLIENT_ID": self.sources_client_id,
            "SOURCES_KEY": self.sources_key,
        }
        missing = [f"AUTHN_{name}" for name, value in needed.items() if not value]
        if missing:
            configured = f"AUTHN_{self.configured_sources[0].upper()}"
            raise ValueError(f"{configured} needs {' and '.join(missing)} as well")
        return self

    @model_validator(mode="after")
    def _stale_is_after_fresh(self) -> "SourceSettings":
        for question in ("children", "qualities", "memberships", "mandates"):
            fresh: timedelta = getattr(self, f"{question}_fresh")
            stale: timedelta = getattr(self, f"{question}_stale")
            if not timedelta(0) < fresh <= stale:
                name = f"AUTHN_{question.upper()}"
                raise ValueError(f"{name}_FRESH must be positive and at most {name}_STALE")
        if self.citizen_fresh <= timedelta(0):
            raise ValueError("AUTHN_CITIZEN_FRESH must be positive")
        return self

    @property
    def configured_sources(self) -> tuple[str, ...]:
        """The names of the address settings of sources that are set: real ones, not embedded."""
        names = ("national_register_url", "professions_url", "organisations_url", "mandates_url")
        return tuple(name for name in names if getattr(self, name))
