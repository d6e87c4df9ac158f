"""The demonstration's test card (`demo/identity_card.py`): an upstream like FAS, on localhost."""

from collections.abc import Mapping
from typing import Any

from authn.federation import fas

NAME = "eID test card"


def defaults(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entry for the test card: those of FAS, with another name and no issuer."""
    return {**fas.defaults(entry), "id": "test-card", "name": NAME, "issuer": ""}
