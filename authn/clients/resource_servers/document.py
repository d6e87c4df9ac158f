"""The JSON document in which an operator describes a resource server, by the names of `Resource`.

Read strictly: a misspelt member would silently leave out a rule. The values that a member may have
are in this module, what must hold between members is in `rules`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from authn.clients.resource_servers.permissions import kinds_of_scope
from authn.clients.resource_servers.resources import Level, ResourceScope, TokenFormat
from authn.errors import N_, InvalidRequest
from authn.web.languages import SOURCE_LANGUAGE

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

InLanguages = str | dict[str, str]
"""A sentence by language; or the English sentence alone."""


ONE_OF: Final = N_("One of these may stand here: %(values)s.")
ANOTHER: Final = N_("This may not stand here.")
# By the type of an error of pydantic.
_FAULTS: Final[Mapping[str, str]] = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no member of this name."),
    "string_type": N_("This must be a text, in quotation marks."),
    "bool_type": N_("This must be true or false, without quotation marks."),
    "list_type": N_("This must be a list, in square brackets."),
    "dict_type": N_("This must be an object, in curly brackets."),
    "model_type": N_("This must be an object, in curly brackets."),
}
# The parts of a location by which pydantic names a branch of a union: no members.
_BRANCHES: Final = ("str", "dict[str,str]")


class InvalidResource(InvalidRequest):
    """The description of a resource server is not accepted.

    `words` is a message id, which `values` fill in; `member` is the place in a document, as
    `scopes.read.level`, "" if unknown.
    """

    def __init__(self, words: str, *, member: str = "", **values: object) -> None:
        self.words, self.member, self.values = words, member, values
        super().__init__("invalid_target", self.sentence(str))

    def sentence(self, translate: Callable[[str], str]) -> str:
        """The sentence, translated, after the member at fault."""
        words = translate(self.words)
        filled = words % self.values if self.values else words
        return f"{self.member}: {filled}" if self.member else filled


class ScopeDocument(BaseModel):
    """A scope of a resource server in a document, for `ResourceScope`."""

    model_config = _STRICT

    name: InLanguages
    explanation: InLanguages = {}
    profile_kinds: list[str] = []
    disciplines: list[str] = []
    service_names: list[str] = []
    level: Level = ""


class ResourceDocument(BaseModel):
    """The document of a resource server; in a change a missing member stays."""

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
    """The values of a document, by the names of `Resource`.

    Raises `InvalidResource`, whose sentence names the member without its value.
    """
    try:
        read = ResourceDocument.model_validate(document)
    except ValidationError as error:
        raise _invalid(error) from None
    values = {name: getattr(read, name) for name in read.model_fields_set}
    if "scopes" in values:
        values["scopes"] = {name: _read_scope(each) for name, each in read.scopes.items()}
    if "client_id" in values:
        values["client_id"] = read.client_id or None
    return values


def _invalid(error: ValidationError) -> InvalidResource:
    """The first error in words of this service; of a union the branch that was meant."""
    faults = error.errors(include_input=False, include_url=False)
    fault = max(faults, key=lambda each: len(each["loc"]))
    member = ".".join(str(part) for part in fault["loc"] if part not in _BRANCHES)
    if fault["type"] == "literal_error":
        values = fault["ctx"]["expected"].replace(" or ", ", ").replace("'", '"')
        return InvalidResource(ONE_OF, member=member, values=values)
    return InvalidResource(_FAULTS.get(fault["type"], ANOTHER), member=member)


def _read_scope(document: ScopeDocument) -> ResourceScope:
    """The scope, with the kinds that have its disciplines and service names."""
    scope = ResourceScope(
        name=_sentence_by_language(document.name),
        explanation=_sentence_by_language(document.explanation),
        profile_kinds=tuple(dict.fromkeys(document.profile_kinds)),
        disciplines=tuple(dict.fromkeys(document.disciplines)),
        service_names=tuple(dict.fromkeys(document.service_names)),
        level=document.level,
    )
    return fill_profile_kinds(scope)


def _sentence_by_language(sentence: InLanguages) -> dict[str, str]:
    texts = {SOURCE_LANGUAGE: sentence} if isinstance(sentence, str) else sentence
    return {language: text.strip() for language, text in texts.items()}


def fill_profile_kinds(scope: ResourceScope) -> ResourceScope:
    """The scope, with the kinds of identity that its disciplines or service names imply."""
    return replace(scope, profile_kinds=kinds_of_scope(scope))
