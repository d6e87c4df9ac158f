"""Runs the servers of `authn demo` in a single process, and stops them together."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from authn.errors import CommandError
from authn.settings import Settings
from authn.web.server import server_options


class _Server(uvicorn.Server):
    """A server whose signals are handled by `serve_together`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket; raises `CommandError` with the setting to change when it is taken."""
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError:
        raise CommandError(
            f"Port {port} is already in use. Stop what uses it, or choose another: "
            f"{setting}={port + 10} make run"
        ) from None


def serve_together(settings: Settings, applications: list[tuple[ASGIApp, socket.socket]]) -> None:
    """Serves all applications until Ctrl-C or SIGTERM."""
    options = server_options(settings)
    servers = [
        (_Server(uvicorn.Config(application, **options)), listening)
        for application, listening in applications
    ]

    async def serve() -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for server, _ in servers:
                server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        await asyncio.gather(*(server.serve(sockets=[listening]) for server, listening in servers))

    asyncio.run(serve())
