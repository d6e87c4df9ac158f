"""The four authentic sources, each as a Protocol: real client and embedded twin alike fulfil it."""

from dataclasses import dataclass, field
from typing import Protocol

from authn.people.persons import Citizen
from authn.sources.facts import Child, Mandate, Membership, Organisation, Quality


class NationalRegister(Protocol):
    """The register of all citizens. Only a person in the national register can enrol."""

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with a national number (canonical form), present or replaced.

        The answer carries the present number, and those it replaced. None when the number is
        unknown, or was cancelled: then it leads to nobody.
        """

    def children(self, ssin: str) -> tuple[Child, ...]:
        """The children over whom the person with a national number has parental authority."""


class Professions(Protocol):
    """The register of health professions (CoBRHA's role): who is recognised in which discipline."""

    def qualities(self, ssin: str) -> tuple[Quality, ...]:
        """The qualities of the person with a national number (canonical form); empty for none."""


@dataclass(frozen=True, slots=True)
class AccessManager:
    """A person who decides, for an organisation, who may do what in its name, and in which role."""

    ssin: str = field(repr=False)
    membership: Membership


class Organisations(Protocol):
    """The register of enterprises and care organisations, and of who belongs to them."""

    def organisation(self, number: str) -> Organisation | None:
        """The organisation with a CBE number (ten digits) or NIHDI number (eight)."""

    def access_managers(self, number: str) -> tuple[AccessManager, ...]:
        """The responsible access managers of the organisation with a CBE or NIHDI number."""

    def memberships(self, ssin: str) -> tuple[Membership, ...]:
        """The roles of the person with a national number (canonical form); empty for none."""


class Mandates(Protocol):
    """The register of mandates: who may act for whom, and in which services."""

    def mandates(self, ssin: str) -> tuple[Mandate, ...]:
        """The mandates given to the person with a national number (canonical form); empty for none.

        Mandates that are over are included, and those that one side has not accepted.
        """
