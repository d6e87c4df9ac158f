"""Settings of the registration of applications, and of documents that applications name."""

from typing import Annotated, Literal

import orjson
from pydantic import BeforeValidator, Field, FilePath
from pydantic_settings import NoDecode

from authn.settings.mutual_tls import MutualTlsSettings


def _split_names(value: object) -> object:
    return frozenset(value.split()) if isinstance(value, str) else value


def _read_object(value: object) -> object:
    return orjson.loads(value) if isinstance(value, str) else value


Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_split_names)]
Files = Annotated[dict[str, FilePath], NoDecode, BeforeValidator(_read_object)]


class ClientSettings(MutualTlsSettings):
    """Settings of the registration of applications, and of their documents and DPoP proofs."""

    registration: Literal["open", "token", "off"] = Field(
        "token",
        description="Who may register an application by itself (RFC 7591): everybody (`open`), who "
        "has an initial access token (`token`), or nobody (`off`).",
    )
    registrations_per_hour: int = Field(
        100,
        description="How many applications may register by themselves within an hour where "
        "everybody may; with one more, registration says that it is busy.",
        ge=1,
    )
    software_statement_issuers: Files = Field(
        {},
        description="Whose software statements (RFC 7591 §2.3) are believed: a JSON object of "
        'issuers, each with a file of its public keys (a JWK Set), such as `{"https://directory.'
        'example": "/etc/authn/directory.json"}`. Empty: nobody\'s.',
    )
    private_hosts: Names = Field(
        frozenset(),
        description="Hosts, with spaces between, whose key sets and other documents are fetched "
        "though they are not public addresses, and may be http: for test beds.",
    )
    dpop_nonce: Literal["optional", "required"] = Field(
        "optional",
        description="Whether every DPoP proof carries a nonce of ours (RFC 9449 §8), which costs "
        "clients a second request now and then, or only one whose time is not now.",
    )
