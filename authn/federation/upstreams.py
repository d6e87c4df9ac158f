"""The table of upstreams: setting `upstreams`, a JSON list, one entry for each OpenID Provider.

An entry's kind gives default values (`PROFILES`). All entries are checked at the start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from authn.devices.tables import IdentityLevel
from authn.errors import N_, CommandError, NotFound
from authn.federation import fas, itsme, test_card
from authn.foreign_jwt import SIGNATURES, ExchangeKey, read_private_keys
from authn.settings import Settings
from authn.web.outgoing import is_this_machine, may_call

LONGEST_ID = 30

Kind = Literal["oidc", "fas", "itsme", "twin"]
Authentication = Literal["client_secret_basic", "private_key_jwt"]
Userinfo = Literal["json", "signed", "encrypted"]
WithoutNumber = Literal["refuse", "match"]


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "oidc", "scopes": "openid profile"}


PROFILES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "oidc": _plain,
    "fas": fas.defaults,
    "itsme": itsme.defaults,
    "twin": test_card.defaults,
}
# The parameters that we set in an authorization request; `parameters` of an entry adds others.
OUR_PARAMETERS = {
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "acr_values", "ui_locales", "response_mode",
    "request", "request_uri", "claims_locales", "id_token_hint", "login_hint",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upstream:
    """An OpenID Provider that may prove who a person is.

    `levels` has the identity level of each `acr`, best first; `level_without_acr` is the level of
    an ID token without `acr`, if any. Below `minimum` a proof is refused. An identity without a
    Belgian number is refused or kept for a registrar, by `without_number`.
    """

    id: str
    kind: Kind
    name: str
    issuer: str
    client_id: str
    authentication: Authentication
    client_secret: str = field(repr=False)
    keys: tuple[ExchangeKey, ...] = field(repr=False)
    scopes: str
    levels: Mapping[str, IdentityLevel]
    level_without_acr: IdentityLevel | None
    minimum: IdentityLevel
    national_number_claim: str
    userinfo: Userinfo
    id_token_encrypted: bool
    signatures: tuple[str, ...]
    parameters: Mapping[str, str]
    without_number: WithoutNumber

    @property
    def callback_path(self) -> str:
        """The path of our `redirect_uri` at the upstream."""
        return f"/identity/{self.id}/callback"

    @property
    def on_this_machine(self) -> bool:
        """Whether the upstream runs on localhost, without TLS: in development only."""
        return is_this_machine(self.issuer)

    @property
    def acr_values(self) -> str:
        """The upstream's `acr` values that are high enough, best first (Core §3.1.2.1)."""
        fits = ("high",) if self.minimum == "high" else ("high", "substantial")
        return " ".join(acr for level in fits for acr, is_ in self.levels.items() if is_ == level)


class _UpstreamEntry(BaseModel):
    """An entry of the setting `upstreams`, with the default values of its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=LONGEST_ID)]
    name: Annotated[str, Field(min_length=1, max_length=60)]
    issuer: str
    # Authlib joins it to the secret with a colon as it is, though RFC 6749 §2.3.1 encodes both.
    client_id: Annotated[str, Field(pattern=r"^[!-9;-~]+$", max_length=200)]
    service: Annotated[str, Field(pattern=r"^[!-~]+$")] | None = None
    authentication: Authentication = "client_secret_basic"
    client_secret_file: Path | None = None
    keys_file: Path | None = None
    scopes: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$")]
    levels: Annotated[dict[str, IdentityLevel], Field(min_length=1)]
    level_without_acr: IdentityLevel | None = None
    minimum: IdentityLevel = "substantial"
    national_number_claim: Annotated[str, Field(min_length=1)]
    userinfo: Userinfo = "json"
    id_token_encrypted: bool = False
    signatures: Annotated[tuple[str, ...], Field(min_length=1)] = SIGNATURES
    parameters: dict[str, str] = {}
    without_number: WithoutNumber = "refuse"

    @model_validator(mode="after")
    def _whole(self) -> "_UpstreamEntry":
        parts = urlsplit(self.issuer)
        if not may_call(self.issuer, this_machine=True) or parts.query:
            raise ValueError("its issuer must be an https address without query or fragment")
        if not set(self.signatures) <= set(SIGNATURES):
            raise ValueError(f"its signatures can be {', '.join(SIGNATURES)}")
        if OUR_PARAMETERS & self.parameters.keys():
            raise ValueError("one of its parameters is set by the service itself")
        if self.kind == "itsme" and not self.service:
            raise ValueError("itsme needs the code of your service there: service")
        if self.authentication == "client_secret_basic" and self.client_secret_file is None:
            raise ValueError("client_secret_file is missing")
        encrypted = self.id_token_encrypted or self.userinfo == "encrypted"
        if self.keys_file is None and (self.authentication == "private_key_jwt" or encrypted):
            raise ValueError("keys_file is missing")
        return self


def upstreams(settings: Settings) -> tuple[Upstream, ...]:
    """The upstreams that the settings name, read once; raises `CommandError` for a wrong entry."""
    return _read(settings.upstreams, settings.issuer)


def find_upstream(settings: Settings, upstream_id: str) -> Upstream:
    """The upstream with an id; raises `NotFound`."""
    for upstream in upstreams(settings):
        if upstream.id == upstream_id:
            return upstream
    raise NotFound("not_found", N_("This way to prove who you are is not offered here."))


@lru_cache(maxsize=16)
def _read(table: str, our_issuer: str) -> tuple[Upstream, ...]:
    if not table.strip():
        return ()
    try:
        entries = orjson.loads(table)
    except ValueError:
        raise _wrong("it is not JSON") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong("it must be a list of objects")
    found = tuple(_upstream(entry, our_issuer) for entry in entries)
    if len({upstream.id for upstream in found}) < len(found):
        raise _wrong("two entries have the same id")
    return found


def _upstream(entry: Mapping[str, Any], our_issuer: str) -> Upstream:
    profile = PROFILES.get(str(entry.get("kind")))
    if profile is None:
        raise _wrong(f"kind must be one of {', '.join(PROFILES)}")
    try:
        read = _UpstreamEntry.model_validate({**profile(entry), **entry})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        words = problem["msg"].removeprefix("Value error, ")
        raise _wrong(f"{entry['kind']}: {where + ': ' if where else ''}{words}") from None
    on_this_machine = is_this_machine(read.issuer)
    if on_this_machine and not is_this_machine(our_issuer):
        # Decisions 3.5: whoever runs an upstream decides who anybody is.
        raise _wrong(f"{read.id}: an upstream on localhost is for a service on localhost alone")
    if read.kind == "twin" and not on_this_machine:
        raise _wrong(f"{read.id}: the test card is on http://localhost only")
    values = read.model_dump(exclude={"client_secret_file", "keys_file", "service"})
    return Upstream(
        **values,
        client_secret=_text(read, read.client_secret_file),
        keys=_keys(read),
    )


def _text(entry: _UpstreamEntry, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise _wrong(f"{entry.id}: {path} cannot be read") from None
    if not text.isascii() or not text:
        raise _wrong(f"{entry.id}: {path} must hold ASCII text")
    return text


def _keys(entry: _UpstreamEntry) -> tuple[ExchangeKey, ...]:
    if entry.keys_file is None:
        return ()
    try:
        keys = read_private_keys(_text(entry, entry.keys_file))
    except ValueError:
        raise _wrong(
            f"{entry.id}: {entry.keys_file} must hold private keys (a JWK Set, a JWK or PEM)"
        ) from None
    needs = {"sig": entry.authentication == "private_key_jwt",
             "enc": entry.id_token_encrypted or entry.userinfo == "encrypted"}  # fmt: skip
    for use, needed in needs.items():
        if needed and not any(key.use in ("", use) for key in keys):
            raise _wrong(f'{entry.id}: {entry.keys_file} has no key with "use": "{use}"')
    return keys


def _wrong(words: str) -> CommandError:
    return CommandError(f"Setting AUTHN_UPSTREAMS: {words}.")
