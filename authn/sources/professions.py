"""The register of health professions (CoBRHA's role), as everything here sees it."""

from typing import Protocol

from authn.sources.facts import Quality


class Professions(Protocol):
    """Who is recognised in which discipline."""

    def qualities(self, ssin: str) -> tuple[Quality, ...]:
        """The qualities of the person with this number (canonical form); empty for none."""
