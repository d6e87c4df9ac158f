"""A log of three days."""

import pytest

from authn.keys.audit_days import sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.audit.test_chain import chained, happen
from tests.conftest import MovableClock


@pytest.fixture
def three_days(site: Site, clock: MovableClock) -> Site:
    """Two rows on each of three days, of which two are over."""
    ensure_signing_keys(site.database, site.secrets, clock())
    for _ in range(3):
        happen(site, 2)
        chained(site)
        clock.advance(days=1)
    clock.advance(days=-1)
    assert sign_days(site.database, site.settings, site.secrets, site.clock()) == 2
    return site
