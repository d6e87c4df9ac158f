"""The ways in which a real source gives no usable answer: exceptions, and statuses of HTTP."""

from typing import Final

import httpx2


class SourceDown(Exception):
    """A source gave no usable answer; what depends on the source can't be checked now.

    The text is for the log: what went wrong, never what was sent or received.
    """


class SourceTryAgain(SourceDown):
    """A source may well answer in a moment; `after` is the wait in seconds that was asked for."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class SourceUnreadable(SourceDown):
    """A source gave an unreadable answer about one person; it is not down for others."""


class SourceBusy(SourceDown):
    """Too many calls go on at this moment; the source itself was not asked."""


class SourcePaused(SourceDown):
    """A source failed again and again, and is not asked for a while."""


TEMPORARY: Final = frozenset({429, 502, 503, 504})
LONGEST_WAIT: Final = 3600


def is_temporary(status: int) -> bool:
    """Whether a status means a temporary failure, so that a question may be asked again."""
    return status in TEMPORARY


def retry_after_seconds(response: httpx2.Response) -> float:
    """The seconds in an answer's Retry-After (RFC 9110 §10.2.3); 0 without the header.

    A date in the header is not read: our own pauses apply then.
    """
    text = response.headers.get("retry-after", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        return 0.0
    return float(min(int(text), LONGEST_WAIT))
