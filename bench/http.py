"""A small HTTP/1.1 client on one kept-alive connection: the load must cost less than the server."""

import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Browser:
    """One connection with a cookie jar, as a browser would have."""

    host: str
    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    _socket: socket.socket = field(init=False)
    _reader: Any = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection((self.host, self.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def get(self, path: str, bearer: str = "") -> Answer:
        return self._send("GET", path, b"", "", bearer)

    def post_json(self, path: str, content: dict[str, Any]) -> Answer:
        return self._send("POST", path, json.dumps(content).encode(), "application/json")

    def post_form(self, path: str, fields: dict[str, str]) -> Answer:
        return self._send("POST", path, urlencode(fields).encode(), FORM)

    def post_as_application(self, path: str, fields: dict[str, str]) -> Answer:
        """From a server: without cookies, and without what browsers say of themselves."""
        return self._send("POST", path, urlencode(fields).encode(), FORM, browser=False)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str,
        bearer: str = "",
        *,
        browser: bool = True,
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}"]
        if self.cookies and browser and not bearer:
            lines.append("Cookie: " + "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if body:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        if body and browser:
            lines += [
                f"Origin: http://localhost:{self.port}",
                "Sec-Fetch-Site: same-origin",
                f"X-CSRF-Token: {self.csrf}",
            ]
        if bearer:
            lines.append(f"Authorization: Bearer {bearer}")
        self._socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self._receive()

    def _receive(self) -> Answer:
        status = int(self._reader.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self._reader.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.lower(), value.strip()
            if name == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
            else:
                headers[name] = value
        return Answer(status, headers, self._reader.read(int(headers.get("content-length", "0"))))
