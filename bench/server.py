"""`authn serve` with its statements and commits counted; SIGUSR1 prints and resets the counts.

Only the counting pass uses it: speed is measured on the command itself.
"""

import signal
from types import FrameType
from typing import Any

import uvicorn
from sqlalchemy import event

from authn.app import create_app
from authn.settings import load_settings
from authn.web.logs import configure_logs
from authn.web.server import server_options
from authn.web.site import Site

CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE")


def main() -> None:
    """Serves until stopped."""
    settings = load_settings()
    configure_logs(settings.log_level)
    app = create_app(settings)
    site: Site = app.state.site
    counts = {"statements": 0, "commits": 0}

    def statement(connection: Any, cursor: Any, sql: str, *others: Any) -> None:
        counts["statements"] += not sql.startswith(CONTROL)

    def commit(connection: Any) -> None:
        counts["commits"] += 1

    def report(number: int, frame: FrameType | None) -> None:
        print(counts["statements"], counts["commits"], flush=True)
        counts.update(statements=0, commits=0)

    for engine in (site.database.reader, site.database.writer):
        event.listen(engine, "before_cursor_execute", statement)
    event.listen(site.database.writer, "commit", commit)
    signal.signal(signal.SIGUSR1, report)
    uvicorn.run(app, **server_options(settings))


if __name__ == "__main__":
    main()
