"""`authn keys list`."""

import pytest
from typer.testing import CliRunner

from authn.cli.keys import app
from authn.db.transaction import reading
from authn.keys.signing_keys import load_keys
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS


def test_it_shows_every_key_and_nothing_private(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRET_SETTINGS:
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    output = CliRunner().invoke(app, ["list"]).output
    with reading(site.database) as connection:
        keys = load_keys(connection, site.secrets)
    for key in keys.by_kid.values():
        assert key.kid in output
        assert key.alg in output
    assert output == CliRunner().invoke(app, ["list"]).output
