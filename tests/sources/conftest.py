"""Clients of the real sources: of the development server, asked over HTTP."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from authn.settings import Settings
from authn.sources.real_sources import Sources, open_sources
from tests.conftest import MovableClock
from tests.sources_server import Running


@pytest.fixture
def sources(real: Running, clock: MovableClock) -> Iterator[Sources]:
    """Clients of that server, of a process that has asked nothing yet."""
    with closing(open_sources(real.settings(Settings()), clock)) as opened:
        yield opened
