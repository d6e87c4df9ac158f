"""The columns of each kind of CSV file of facts, and the JSON member that each column becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from authn.sources.fact_json import organisation_to_json
from authn.sources.facts import DISCIPLINES, ORGANISATION_KINDS, Organisation
from authn.sources.json_reader import InvalidFact

FileKind = Literal["children", "qualities", "organisations", "memberships", "mandates"]
SUBJECT: Final = "ssin"
"""The member beside the fact: the national number of the person concerned."""

_SEPARATORS = dict.fromkeys(map(ord, " .-"))
_TRUTH = {"no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}

Form = Literal["text", "number", "yes or no", "words", "organisation"]


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column: its meaning, the member (a path) that a cell becomes, and how a cell is read."""

    name: str
    meaning: str
    member: str
    form: Form = "text"


_SINCE = FactColumn("since", "the first day on which it holds, YYYY-MM-DD", "fact.since")
_UNTIL = FactColumn("until", "the last such day; empty while there is no end", "fact.until")
_ORGANISATION = "CBE number (ten digits) or NIHDI number (eight) of an organisation imported before"

COLUMNS: Final[dict[FileKind, tuple[FactColumn, ...]]] = {
    "children": (
        FactColumn("parent_ssin", "who has parental authority", SUBJECT, "number"),
        FactColumn("child_ssin", "the child", "fact.ssin", "number"),
        FactColumn("given_name", "the child's first names; empty for none", "fact.firstName"),
        FactColumn("family_name", "the child's family name", "fact.lastName"),
        FactColumn("birthdate", "YYYY-MM-DD, YYYY-MM, YYYY, or empty", "fact.birthdate"),
        FactColumn("deceased", "yes or no; empty means no", "fact.deceased", "yes or no"),
    ),
    "qualities": (
        FactColumn("ssin", "the professional", SUBJECT, "number"),
        FactColumn("discipline", f"one of {', '.join(DISCIPLINES)}", "fact.discipline"),
        FactColumn("nihii11", "the NIHDI number of eleven digits", "fact.nihii11", "number"),
        _SINCE,
        _UNTIL,
    ),
    "organisations": (
        FactColumn("kind", f"one of {', '.join(ORGANISATION_KINDS)}", "fact.kind"),
        FactColumn("name", "its name", "fact.name"),
        FactColumn("cbe", "its CBE number; empty for none", "fact.cbe", "number"),
        FactColumn(
            "nihii", "its NIHDI number of eight digits; empty for none", "fact.nihii", "number"
        ),
    ),
    "memberships": (
        FactColumn("ssin", "who belongs to it", SUBJECT, "number"),
        FactColumn("organisation", f"the {_ORGANISATION}", "fact.organization", "organisation"),
        FactColumn("role", "in which role, at most 100 characters", "fact.role"),
        _SINCE,
        _UNTIL,
        FactColumn(
            "responsible_access_manager",
            "yes for who decides in its name; empty means no",
            "fact.responsibleAccessManager",
            "yes or no",
        ),
    ),
    "mandates": (
        FactColumn("mandate_id", "what the source calls this mandate", "fact.mandateId"),
        FactColumn("mandatary_ssin", "who may act", SUBJECT, "number"),
        FactColumn(
            "mandator_ssin", "for which person; empty for none", "fact.mandator.ssin", "number"
        ),
        FactColumn("mandator_given_name", "that person's first names", "fact.mandator.firstName"),
        FactColumn("mandator_family_name", "that person's family name", "fact.mandator.lastName"),
        FactColumn(
            "mandator_organisation",
            f"or for which organisation: the {_ORGANISATION}",
            "fact.mandator",
            "organisation",
        ),
        FactColumn(
            "service_names", "in which services, with spaces between", "fact.serviceNames", "words"
        ),
        _SINCE,
        _UNTIL,
        FactColumn("accepted_by_mandator", "yes or no", "fact.acceptedByMandator", "yes or no"),
        FactColumn("accepted_by_mandatary", "yes or no", "fact.acceptedByMandatary", "yes or no"),
    ),
}


def build_entry(
    columns: tuple[FactColumn, ...], cells: Mapping[str, str], known: Mapping[str, Organisation]
) -> dict[str, Any]:
    """A row as an entry of a JSON file: `{"ssin": …, "fact": {…}}`; an empty cell is left out.

    `known` has the organisations by their numbers. Raises `InvalidFact`.
    """
    entry: dict[str, Any] = {"fact": {}}
    for column in columns:
        cell = cells[column.name].strip()
        if cell:
            _put(entry, column, _read(column, cell, known))
    return entry


def describe_broken_rule(columns: tuple[FactColumn, ...], invalid: InvalidFact) -> str:
    """The broken rule, with the name of the column in place of the member's."""
    names = {column.member.removeprefix("fact."): column.name for column in columns}
    member = names.get(invalid.member, invalid.member)
    return f"{member or 'it'} {invalid.rule}"


def _put(entry: dict[str, Any], column: FactColumn, value: object) -> None:
    *path, last = column.member.split(".")
    inner = entry
    for name in path:
        inner = inner.setdefault(name, {})
    if last in inner:
        raise InvalidFact(column.name, "is given, and a person as well")
    inner[last] = value


def _read(column: FactColumn, cell: str, known: Mapping[str, Organisation]) -> object:
    if column.form == "organisation":
        organisation = known.get(cell.translate(_SEPARATORS))
        if organisation is None:
            raise InvalidFact(column.name, "is not the number of an organisation imported before")
        return organisation_to_json(organisation)
    return _FORMS[column.form](cell)


_FORMS: Final[dict[Form, Callable[[str], object]]] = {
    "text": str,
    "number": lambda cell: cell.translate(_SEPARATORS),
    "yes or no": lambda cell: _TRUTH.get(cell.lower(), cell),
    "words": str.split,
}
