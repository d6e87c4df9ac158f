"""A web server on this machine that publishes documents: what clients name by address in tests."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(slots=True)
class Answer:
    """What is sent for one path; `before` runs first, in the server's thread."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


@dataclass(slots=True)
class Published:
    """The server: its address, what it gives, and each path that it was asked for with its Host."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)

    def put(self, path: str, document: Any, status: int = 200, **headers: str) -> str:
        """The address of the document from now on: bytes as they are, anything else as JSON.

        Headers are named with an underscore for each dash.
        """
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(body, status, named)
        return self.address + path


@contextmanager
def publishing() -> Iterator[Published]:
    """A server for as long as the block runs."""
    published = Published("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked.append(self.path)
            published.hosts.append(self.headers["Host"])
            answer = published.answers.get(self.path, Answer(b"", 404))
            answer.before()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name)
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    published.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield published
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
