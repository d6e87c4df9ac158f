"""How applications register, and what of theirs may be fetched."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from authn.settings.mail import MailSettings


def _names(value: object) -> object:
    return frozenset(value.split()) if isinstance(value, str) else value


Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_names)]


class ClientSettings(MailSettings):
    """Registration of applications, and the documents that they name."""

    registration: Literal["open", "token", "off"] = Field(
        "token",
        description="Who may register an application by itself (RFC 7591): everybody (`open`), who "
        "has an initial access token (`token`), or nobody (`off`).",
    )
    private_hosts: Names = Field(
        frozenset(),
        description="Hosts, with spaces between, whose key sets and other documents are fetched "
        "though they are not public addresses, and may be http: for test beds.",
    )
