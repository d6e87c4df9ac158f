"""The authentic sources: where each is asked, how long its answers are fresh, and at most used."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, field_validator

from authn.settings.clients import ClientSettings

EMBEDDED = "Empty: the embedded twin, filled by `authn sources import`."


class SourceSettings(ClientSettings):
    """Who says in which capacities a person may act."""

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
        "", description="As whom this service authenticates there, such as `cbe-0406798006`."
    )
    sources_key: Path | None = Field(
        None, description="The file of the private key (a JWK, or PEM) with which it does."
    )
    citizen_fresh: timedelta = Field(
        timedelta(hours=24), description="How long an answer about a citizen is not asked anew."
    )
    children_fresh: timedelta = Field(
        timedelta(hours=24), description="The same of a person's children."
    )
    qualities_fresh: timedelta = Field(
        timedelta(hours=1), description="The same of health professions."
    )
    memberships_fresh: timedelta = Field(
        timedelta(minutes=15), description="The same of memberships of organisations."
    )
    mandates_fresh: timedelta = Field(timedelta(minutes=5), description="The same of mandates.")
    children_stale: timedelta = Field(
        timedelta(days=3),
        description="How long an answer about children is used at most while its source is down; "
        "then these capacities can't be checked, and nobody acts in them.",
    )
    qualities_stale: timedelta = Field(
        timedelta(hours=24), description="The same of health professions."
    )
    memberships_stale: timedelta = Field(
        timedelta(hours=8), description="The same of memberships of organisations."
    )
    mandates_stale: timedelta = Field(timedelta(hours=1), description="The same of mandates.")
    parents_until_age: int = Field(
        12,
        description="The age from which parents do not act for a child any more.",
        ge=0,
        le=25,
    )
    minors_from_age: int = Field(
        16,
        description="The age from which a minor decides alone; between the two only professionals "
        "do.",
        ge=0,
        le=25,
    )
    sources_seconds: float = Field(
        3.0, description="Seconds that a source has for an answer, retries included.", gt=0
    )

    @field_validator(
        "national_register_url", "professions_url", "organisations_url", "mandates_url"
    )
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")
