"""The register of mandates, as everything here sees it."""

from typing import Protocol

from authn.sources.facts import Mandate


class Mandates(Protocol):
    """Who may act for whom, and in which services."""

    def mandates(self, ssin: str) -> tuple[Mandate, ...]:
        """The mandates given to the person with this number (canonical form); empty for none.

        Also those that are over, or that a side has not accepted.
        """
