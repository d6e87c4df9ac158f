"""The fictitious people of the demonstration and their roles, for its pages.

From the same files with which the embedded sources are filled.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from authn.errors import N_
from authn.people.ssin import format_ssin
from authn.profiles.kinds.quality import DISCIPLINE_WORDS

FOLDER: Final = Path(__file__).parent
YOUNGEST_WITH_A_CARD: Final = 2012  # the children of the town are born from then on

ALONE: Final = N_("A citizen")
DECEASED: Final = N_("Deceased: cannot sign in")
CHILD: Final = N_("A child")
WORKS: Final = N_("Works at %(name)s")
PARENT: Final = N_("Parent of %(name)s")
ACTS: Final = N_("Acts for %(name)s by a mandate")


@dataclass(frozen=True, slots=True)
class Townsperson:
    """A fictitious person; `roles` are message ids, each with the name to fill in, or ""."""

    name: str
    number: str = field(repr=False)
    language: str
    roles: tuple[tuple[str, str], ...]


def read_townspeople(folder: Path = FOLDER) -> list[Townsperson]:
    """Everybody in the files of the folder, in the order of `people.csv`."""
    roles = _roles(folder)
    return [
        Townsperson(
            name=f"{row['given_name']} {row['family_name']}".strip(),
            number=format_ssin(_digits(row["ssin"])),
            language=row["language"],
            roles=tuple(roles.get(_digits(row["ssin"]), [])) or ((_alone(row), ""),),
        )
        for row in _rows(folder, "people")
    ]


def is_a_child(row: Mapping[str, str]) -> bool:
    """Whether a row of `people.csv` is a child without an identity card."""
    return int(row["birthdate"][:4] or 0) >= YOUNGEST_WITH_A_CARD


def _roles(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """The roles of each person by number, without ended mandates and those that wait."""
    found: dict[str, list[tuple[str, str]]] = {}

    def add(ssin: str, role: str, name: str = "") -> None:
        found.setdefault(_digits(ssin), []).append((role, name))

    organisations = {_digits(row["cbe"]): row["name"] for row in _rows(folder, "organisations")}
    for row in _rows(folder, "qualities"):
        add(row["ssin"], DISCIPLINE_WORDS[row["discipline"]])
    for row in _rows(folder, "memberships"):
        add(row["ssin"], WORKS, organisations[_digits(row["organisation"])])
    for row in _rows(folder, "children"):
        add(row["parent_ssin"], PARENT, row["given_name"])
    for row in _rows(folder, "mandates"):
        if row["until"] or row["accepted_by_mandatary"] != "yes":
            continue
        person = f"{row['mandator_given_name']} {row['mandator_family_name']}".strip()
        add(
            row["mandatary_ssin"],
            ACTS,
            person or organisations[_digits(row["mandator_organisation"])],
        )
    return found


def _alone(row: Mapping[str, str]) -> str:
    if row["deceased"] == "yes":
        return DECEASED
    return CHILD if is_a_child(row) else ALONE


def _rows(folder: Path, name: str) -> Iterator[Mapping[str, str]]:
    with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
