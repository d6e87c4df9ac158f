"""A refusal whose status and headers a protocol prescribes."""

from collections.abc import Mapping
from typing import Any

from authn.errors import Refusal


class ProtocolError(Refusal):
    """A refusal of a protocol endpoint (RFC 6749 §5.2, RFC 6750 §3); commits like any other.

    `members` are what its problem says besides (RFC 9457 §3.2).
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        detail: str = "",
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error, description, detail=detail)
        self.status = status
        self.headers = dict(headers or {})
        self.members = dict(members or {})
