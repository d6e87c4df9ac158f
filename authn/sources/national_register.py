"""The national register, as everything here sees it."""

from typing import Protocol

from authn.people.citizen import Citizen
from authn.sources.facts import Child


class NationalRegister(Protocol):
    """Who exists. Only someone present in it can enrol."""

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with this number (canonical form), present or replaced.

        The answer carries the present number, and those it replaced. None when the number is
        unknown, or was cancelled: then it leads to nobody.
        """

    def children(self, ssin: str) -> tuple[Child, ...]:
        """The children over whom the person with this number has parental authority."""
