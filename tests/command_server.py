"""Runs `authn …` for the tests as programs of their own, without a second of imports for each.

A program of the tests' own that has imported every command, and nothing else: it forks for each
command that it is asked for. The fork is an ordinary process with its own arguments, environment
and standard streams; it runs `python -m authn` from there, and ends as any program ends.
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

_LENGTH_BYTES = 8
_STREAMS = 3


@dataclass(frozen=True, slots=True)
class CommandServer:
    """The running server; it ends when the process that started it closes its socket, or ends."""

    socket: socket.socket
    asking: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(cls) -> "CommandServer":
        """A server of this process's own."""
        ours, theirs = socket.socketpair()
        with theirs:
            program = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        threading.Thread(target=program.wait, daemon=True).start()  # nothing is left to reap
        return cls(ours)

    def run(
        self, arguments: list[str], environment: dict[str, str], typed: str
    ) -> subprocess.CompletedProcess[str]:
        """What the command said, and its exit code."""
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
        ):
            stdin.write(typed.encode())
            stdin.seek(0)
            returncode = self._ask(
                {"arguments": arguments, "environment": environment, "folder": str(Path.cwd())},
                [stdin.fileno(), stdout.fileno(), stderr.fileno()],
            )
            stdout.seek(0)
            stderr.seek(0)
            said, complained = stdout.read().decode(), stderr.read().decode()
        return subprocess.CompletedProcess(["authn", *arguments], returncode, said, complained)

    def _ask(self, asked: dict[str, Any], streams: list[int]) -> int:
        message = json.dumps(asked).encode()
        answer, theirs = os.pipe()
        try:
            with self.asking:
                length = len(message).to_bytes(_LENGTH_BYTES)
                socket.send_fds(self.socket, [length], [*streams, theirs])
                self.socket.sendall(message)
        finally:
            os.close(theirs)
        with open(answer, "rb") as file:
            return int(file.read())


def _serve(asked: socket.socket) -> None:
    """Returns in the fork that is to run a command; the server itself ends here."""
    while True:
        length, descriptors, _, _ = socket.recv_fds(asked, _LENGTH_BYTES, _STREAMS + 1)
        if not length:
            raise SystemExit(0)
        message = asked.recv(int.from_bytes(length), socket.MSG_WAITALL)
        *streams, answer = descriptors
        if os.fork() == 0:
            asked.close()
            if _is_the_command(answer):
                _become(json.loads(message), streams)
                return
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def _reap() -> None:
    """Those who have told an exit code are gone."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _is_the_command(answer: int) -> bool:
    """Forks once more: True in the command; who waits for it tells its exit code, and ends."""
    command = os.fork()
    if command == 0:
        os.close(answer)
        return True
    _, status = os.waitpid(command, 0)
    os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["authn", *asked["arguments"]]


if __name__ == "__main__":
    from authn.cli import COMMANDS

    import_module("authn.app")
    for module in (*COMMANDS.values(), "typer.rich_utils", "rich.markup", "alembic.command"):
        import_module(module)
    gc.freeze()  # a fork does not look through what it shares with the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end this one
    _serve(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runpy.run_module("authn", run_name="__main__", alter_sys=True)
