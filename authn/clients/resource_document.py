"""A resource server as JSON, by the names of `Resource`: what an operator keeps in a file.

Read strictly: a member that is misspelt would quietly leave out a rule that was meant. What a value
may be by itself is here, what must hold between them is in `resource_rules`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from authn.clients.permissions import kinds_of
from authn.clients.resources import Level, ResourceScope, TokenFormat
from authn.errors import N_, InvalidRequest
from authn.web.languages import SOURCE_LANGUAGE

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

InLanguages = str | dict[str, str]
"""A sentence in each language; or the English one alone."""


ONE_OF: Final = N_("One of these may stand here: %(values)s.")
ANOTHER: Final = N_("This may not stand here.")
# By what the library calls a fault.
_FAULTS: Final[Mapping[str, str]] = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no member of this name."),
    "string_type": N_("This must be a text, in quotation marks."),
    "bool_type": N_("This must be true or false, without quotation marks."),
    "list_type": N_("This must be a list, in square brackets."),
    "dict_type": N_("This must be an object, in curly brackets."),
    "model_type": N_("This must be an object, in curly brackets."),
}
# Which of two things it would be, as the library says it: no member of the document.
_BRANCHES: Final = ("str", "dict[str,str]")


class InvalidResource(InvalidRequest):
    """What is said about a resource server is not accepted.

    `words` is a message id, which `values` fill in; `member` is where in a document it is, as
    `scopes.read.level`, "" where that is not known.
    """

    def __init__(self, words: str, *, member: str = "", **values: object) -> None:
        self.words, self.member, self.values = words, member, values
        super().__init__("invalid_target", self.said(str))

    def said(self, translate: Callable[[str], str]) -> str:
        """The sentence, after the member that it is about."""
        words = translate(self.words)
        filled = words % self.values if self.values else words
        return f"{self.member}: {filled}" if self.member else filled


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
        raise _invalid(error) from None
    values = {name: getattr(said, name) for name in said.model_fields_set}
    if "scopes" in values:
        values["scopes"] = {name: _scope(each) for name, each in said.scopes.items()}
    if "client_id" in values:
        values["client_id"] = said.client_id or None
    return values


def _invalid(error: ValidationError) -> InvalidResource:
    """The first fault, in words of ours; of what may be two things, the one that was meant."""
    faults = error.errors(include_input=False, include_url=False)
    fault = max(faults, key=lambda each: len(each["loc"]))
    member = ".".join(str(part) for part in fault["loc"] if part not in _BRANCHES)
    if fault["type"] == "literal_error":
        values = fault["ctx"]["expected"].replace(" or ", ", ").replace("'", '"')
        return InvalidResource(ONE_OF, member=member, values=values)
    return InvalidResource(_FAULTS.get(fault["type"], ANOTHER), member=member)


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
