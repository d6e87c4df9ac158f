"""What a status says that is no success: try again, or not (RFC 9110, RFC 6585)."""

from typing import Final

import httpx2

MAY_PASS: Final = frozenset({429, 502, 503, 504})
LONGEST_WAIT: Final = 3600


def may_pass(status: int) -> bool:
    """Whether the same question may be answered in a moment."""
    return status in MAY_PASS


def retry_after(response: httpx2.Response) -> float:
    """How many seconds it asks to be left alone (RFC 9110 §10.2.3); 0 where it does not say so.

    A date is not understood: who sends one is tried again after our own pauses.
    """
    text = response.headers.get("retry-after", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        return 0.0
    return float(min(int(text), LONGEST_WAIT))
