"""A resource server on this machine, which is pushed Security Event Tokens (RFC 8935)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One request: its path, headers and the token that is its body."""

    path: str
    headers: dict[str, str]
    token: str


@dataclass(slots=True)
class EventReceiver:
    """The server: its address, what came, and what it answers (202 unless said)."""

    address: str = ""
    received: list[ReceivedEvent] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)


@contextmanager
def receiving_events() -> Iterator[EventReceiver]:
    """A server for as long as the block runs."""
    receiver = EventReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length).decode("ascii")
            receiver.received.append(ReceivedEvent(self.path, headers, body))
            self.send_response(receiver.status.get(self.path, 202))
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
