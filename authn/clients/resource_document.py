"""A resource server as JSON, by the names of `Resource`: what an operator keeps in a file.

Read strictly: a member that is misspelt would quietly leave out a rule that was meant. What a value
may be by itself is here, what must hold between them is in `resource_rules`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from authn.clients.permissions import kinds_of
from authn.clients.resources import Level, ResourceScope, TokenFormat
from authn.errors import InvalidRequest
from authn.web.languages import SOURCE_LANGUAGE

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

InLanguages = str | dict[str, str]
"""A sentence in each language; or the English one alone."""


class InvalidResource(InvalidRequest):
    """What is said about a resource server is not accepted."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_target", description)


class ScopeDocument(BaseModel):
    """A scope of a resource: a `ResourceScope`."""

    model_config = _STRICT

    name: InLanguages
    explanation: InLanguages = {}
    profile_kinds: list[str] = []
    disciplines: list[str] = []
    service_names: list[str] = []
    level: Level = ""


class ResourceDocument(BaseModel):
    """What an operator says of a resource; what is left out stays as it is."""

    model_config = _STRICT

    resource: str = ""
    resource_name: str = ""
    client_id: str = ""
    scopes: dict[str, ScopeDocument] = {}
    sector_identifier: str = ""
    may_read_ssin: bool = False
    reads_may_act: bool = False
    level: Level = ""
    token_format: TokenFormat = "jwt"  # noqa: S105 (a name)
    encrypt_tokens: bool = False
    reads_profile: bool = False
    may_read_device_id: bool = False
    revocation_hook: str = ""


def read_resource_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are said, by the names of `Resource`.

    Raises `InvalidResource`, whose sentence names the member and does not repeat its value.
    """
    try:
        said = ResourceDocument.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidResource(f"{where}: {problem['msg']}") from None
    values = {name: getattr(said, name) for name in said.model_fields_set}
    if "scopes" in values:
        values["scopes"] = {name: _scope(each) for name, each in said.scopes.items()}
    if "client_id" in values:
        values["client_id"] = said.client_id or None
    return values


def _scope(said: ScopeDocument) -> ResourceScope:
    """The scope, with the kinds that its disciplines and service names are of."""
    scope = ResourceScope(
        name=_in_languages(said.name),
        explanation=_in_languages(said.explanation),
        profile_kinds=tuple(dict.fromkeys(said.profile_kinds)),
        disciplines=tuple(dict.fromkeys(said.disciplines)),
        service_names=tuple(dict.fromkeys(said.service_names)),
        level=said.level,
    )
    return with_kinds(scope)


def _in_languages(said: InLanguages) -> dict[str, str]:
    texts = {SOURCE_LANGUAGE: said} if isinstance(said, str) else said
    return {language: text.strip() for language, text in texts.items()}


def with_kinds(scope: ResourceScope) -> ResourceScope:
    """The same scope; where its kinds follow from what else it names, they are named."""
    return replace(scope, profile_kinds=kinds_of(scope))
