"""A relying application's server on this machine, which is told of sign-outs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Received:
    """One request: its path, headers and form."""

    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]

    @property
    def logout_token(self) -> str:
        """The one logout token in it."""
        (token,) = self.form["logout_token"]
        return token


@dataclass(slots=True)
class LogoutReceiver:
    """The server: its address, what came, and what it answers; `before` runs first, in a thread."""

    address: str = ""
    received: list[Received] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    before: Callable[[str], object] = lambda path: None

    @property
    def tokens(self) -> list[str]:
        """The logout tokens that came, in their order."""
        return [each.logout_token for each in self.received]


@contextmanager
def receiving() -> Iterator[LogoutReceiver]:
    """A server for as long as the block runs."""
    receiver = LogoutReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            form = parse_qs(self.rfile.read(length).decode("ascii"), strict_parsing=True)
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, form))
            receiver.before(self.path)
            self.send_response(receiver.status.get(self.path, 200))
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

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
