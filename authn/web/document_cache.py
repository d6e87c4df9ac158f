"""Documents of others that this process remembers: by their address, for a limited time.

RFC 9111 (https://www.rfc-editor.org/rfc/rfc9111) says how long; we give it limits.
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_DOCUMENTS = 500
USUAL_LIFETIME = timedelta(minutes=10)
SHORTEST_LIFETIME = timedelta(seconds=30)
LONGEST_LIFETIME = timedelta(hours=24)
# How long nobody is asked again, whatever the answer was.
PAUSE = timedelta(seconds=30)

_MAX_AGE = re.compile(r"max-age *= *\"?([0-9]{1,10})\"?")


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """What is known of one address: its document, or `failure`, why there is none.

    `asked_at` is when it was asked for last, with whatever success.
    """

    asked_at: datetime
    expires_at: datetime
    body: bytes = b""
    failure: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may be used; also a clock that was put back makes it useless."""
        return self.asked_at <= now < self.expires_at

    def is_hardly_stale(self, now: datetime) -> bool:
        """Whether it is a document that was good until a moment ago."""
        return not self.failure and timedelta(0) <= now - self.expires_at < PAUSE

    def is_recent(self, now: datetime) -> bool:
        """Whether it was asked for so lately that it isn't asked for again."""
        return timedelta(0) <= now - self.asked_at < PAUSE


@dataclass(frozen=True, slots=True)
class DocumentCache:
    """The documents, the longest unused of which make room; and the hosts that are asked now."""

    documents: OrderedDict[str, CachedDocument] = field(default_factory=OrderedDict)
    hosts: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, uri: str) -> CachedDocument | None:
        """What is known of this address, however old."""
        with self.lock:
            remembered = self.documents.get(uri)
            if remembered:
                self.documents.move_to_end(uri)
            return remembered

    def keep(self, uri: str, body: bytes, cache_control: str, now: datetime) -> None:
        """The document that came now."""
        self._put(uri, CachedDocument(now, now + document_lifetime(cache_control), body))

    def keep_failure(self, uri: str, failure: str, now: datetime) -> None:
        """None came now. A document that is still good stays.

        Else whoever names a key that doesn't exist, while its client's server is away, would take
        the good keys away.
        """
        before = self.recall(uri)
        if before and not before.failure and before.is_fresh(now):
            self._put(uri, CachedDocument(now, before.expires_at, before.body))
        else:
            self._put(uri, CachedDocument(now, now + PAUSE, failure=failure))

    def begin(self, host: str) -> bool:
        """Whether the host may be asked now: nobody else does."""
        with self.lock:
            if host in self.hosts:
                return False
            self.hosts.add(host)
            return True

    def is_asked(self, host: str) -> bool:
        """Whether the host is being asked at this moment."""
        with self.lock:
            return host in self.hosts

    def end(self, host: str) -> None:
        """The host is no longer asked."""
        with self.lock:
            self.hosts.discard(host)

    def _put(self, uri: str, remembered: CachedDocument) -> None:
        with self.lock:
            self.documents[uri] = remembered
            self.documents.move_to_end(uri)
            while len(self.documents) > MOST_DOCUMENTS:
                self.documents.popitem(last=False)


def document_lifetime(cache_control: str) -> timedelta:
    """How long a document is good for (RFC 9111 §5.2.2), within our limits."""
    directives = cache_control.lower()
    if "no-store" in directives or "no-cache" in directives:
        return SHORTEST_LIFETIME
    max_age = _MAX_AGE.search(directives)
    if max_age is None:
        return USUAL_LIFETIME
    said = timedelta(seconds=min(int(max_age[1]), LONGEST_LIFETIME.total_seconds()))
    return max(said, SHORTEST_LIFETIME)
