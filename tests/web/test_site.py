"""The running service, as it is shown where an error names it."""

import pytest

from authn.web.site import Site

pytestmark = pytest.mark.one_engine


def test_its_repr_is_one_short_line_without_pages_or_keys(site: Site) -> None:
    assert repr(site) == f"<Site {site.settings.issuer}>"
