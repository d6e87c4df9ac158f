"""The demonstration's test card (`demo/identity_card.py`): speaks as FAS does, on localhost."""

from collections.abc import Mapping
from typing import Any

from authn.federation import fas

NAME = "eID test card"


def defaults(entry: Mapping[str, Any]) -> dict[str, Any]:
    """FAS's ways under another name; its issuer is said by whoever starts it."""
    return {**fas.defaults(entry), "id": "test-card", "name": NAME, "issuer": ""}
