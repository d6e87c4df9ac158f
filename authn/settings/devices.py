"""Settings of devices: policies, origins, dormancy, activation, account recovery, upstreams."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from authn.own_origins import AndroidApps, AppleApps, RelatedOrigins
from authn.policies import LEVELS, Policy, PolicyLevel, find_policy, read_levels, read_policies
from authn.settings.service import ServiceSettings


class DeviceSettings(ServiceSettings):
    """Settings of devices."""

    policies: Annotated[dict[str, Policy], NoDecode, BeforeValidator(read_policies)] = Field(
        {},
        description="Policies by name, beside those built in (`synced`, `device`, `certified`): a "
        'JSON object such as `{"care": {"level": "device"}}`. Their members are in '
        "docs/policy.md.",
    )
    policy: str = Field(
        "synced", description="The name of the policy that every key must keep at every login."
    )
    staff_policy: str = Field(
        "device",
        description="The name of the policy that keys of support agents and operators must keep "
        "besides; its level is at least `device`.",
    )
    acr_map: Annotated[dict[PolicyLevel, str], NoDecode, BeforeValidator(read_levels)] = Field(
        {},
        description="What `acr` says instead of our own URN, by level: a JSON object such as "
        '`{"device": "urn:example:substantial"}`.',
    )
    mds_blob: Path | None = Field(
        None,
        description="A file with a BLOB of the FIDO Metadata Service "
        "(https://mds3.fidoalliance.org) that is verified and taken over at start if it is newer "
        "than what is known. "
        "`authn mds update FILE` does the same without a start.",
    )
    mds_root: Path | None = Field(
        None,
        description="A PEM file with the certificates of which a BLOB's chain must end in one. "
        "Empty: GlobalSign Root R46 and Root CA - R3, which the FIDO Alliance uses.",
    )
    related_origins: RelatedOrigins = Field(
        (),
        description="The operator's own sites that may ask for a key of this service, to confirm "
        "one named act: `https://…` origins, separated by commas. Never a client's.",
    )
    android_apps: AndroidApps = Field(
        (),
        description="The operator's own Android apps that may use keys of this service, each "
        "`PACKAGE=FINGERPRINT` (SHA-256 of the signing certificate, `AA:BB:…`), separated by "
        "commas. Never a client's.",
    )
    apple_apps: AppleApps = Field(
        (),
        description="The operator's own Apple apps that may use keys of this service, each "
        "`TEAMID.BUNDLE`, separated by commas. Never a client's.",
    )
    place_database: Path | None = Field(
        None,
        description="A database of addresses in MaxMind's format (`.mmdb`, cities), from which the "
        "rough place of a browser is read when a device is added. Empty: no place is shown.",
    )
    dormant_after: timedelta = Field(
        timedelta(days=365),
        description="A device that was not used for this long is dormant: its holder can allow it "
        "again with another device.",
        gt=timedelta(0),
    )
    dormancy_notice: timedelta = Field(
        timedelta(days=30),
        description="How long before a device is dormant its holder is told; no device is dormant "
        "sooner than this after the notice.",
        ge=timedelta(0),
    )
    activation_lifetime: timedelta = Field(
        timedelta(days=14), description="How long an activation code is valid."
    )
    return_wait: timedelta = Field(
        timedelta(hours=24),
        description="How long somebody who lost every device waits to come back, where the "
        "upstream that proved who they are vouches for less than a lost key did. Every address on "
        "file can cancel it meanwhile.",
        ge=timedelta(0),
    )
    help_contact: str = Field(
        "",
        description='How to reach the help desk and when, in one line, as the page "My device is '
        'lost" shows it. Empty: the page has no such line.',
    )
    upstreams: str = Field(
        "",
        description="Who may prove a person's identity (eID through FAS, itsme, any OpenID "
        "Provider): a JSON list, written as docs/upstream.md says. Empty: nobody.",
    )

    @field_validator("policy", "staff_policy")
    @classmethod
    def _policy_is_known(cls, value: str, info: ValidationInfo) -> str:
        policy = find_policy(info.data.get("policies", {}), value)
        if policy is None:
            raise ValueError(f"no policy is called {value}; AUTHN_POLICIES names further ones")
        if info.field_name == "staff_policy" and policy.level == LEVELS[0]:
            raise ValueError("its level must be device at least")
        return value
