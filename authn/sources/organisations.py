"""The register of enterprises and care organisations, as everything here sees it."""

from dataclasses import dataclass, field
from typing import Protocol

from authn.sources.facts import Membership, Organisation


@dataclass(frozen=True, slots=True)
class AccessManager:
    """Who decides for an organisation who may do what in its name, and the role in which."""

    ssin: str = field(repr=False)
    membership: Membership


class Organisations(Protocol):
    """Which organisations there are, and who belongs to them."""

    def organisation(self, number: str) -> Organisation | None:
        """The organisation with this CBE number (ten digits) or NIHDI number (eight)."""

    def access_managers(self, number: str) -> tuple[AccessManager, ...]:
        """The responsible access managers of the organisation with this number."""

    def memberships(self, ssin: str) -> tuple[Membership, ...]:
        """The roles of the person with this number (canonical form); empty for none."""
