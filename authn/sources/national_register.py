"""The national register, as everything here sees it."""

from typing import Protocol

from authn.people.citizen import Citizen


class NationalRegister(Protocol):
    """Who exists. Only someone present in it can enrol."""

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with this number (canonical form), present or replaced; None when unknown.

        The answer carries the present number, and those it replaced.
        """
