"""The worker as a process of its own: `authn audit work` beside services that chain nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from authn.audit.chain import chain_progress
from authn.db.transaction import reading
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.audit.test_chain import findings, happen
from tests.commands import environment
from tests.patience import until

pytestmark = pytest.mark.thorough


@contextmanager
def working(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """The command runs inside the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "authn", "audit", "work"], env=environment(site.settings)
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def chained(site: Site) -> int:
    with reading(site.database) as connection:
        return chain_progress(connection).sequence


@pytest.mark.parametrize("stopped_by", [signal.SIGTERM, signal.SIGINT])
def test_it_chains_until_it_is_stopped(site: Site, stopped_by: signal.Signals) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    happen(site, 2)
    with working(site) as process:
        until(lambda: chained(site) == 2, "what was there is chained")
        happen(site, 3)
        until(lambda: chained(site) == 5, "what came afterwards is chained")
        os.kill(process.pid, stopped_by)
        assert process.wait(timeout=60) == 0
    assert findings(site) == []
