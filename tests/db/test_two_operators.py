"""Migration 0008: a refresh token of before asks for no less than it did."""

import importlib

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select, update
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.grants.tables import refresh_tokens
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.oidc.refreshing import OFFLINE, PUBLIC_CLIENT, REFRESHING
from tests.oidc.relying_party import hold_device, register

MIGRATION = importlib.import_module("authn.db.migrations.versions.0008_two_operators")


def test_one_of_a_client_that_authenticates_says_so(site: Site, client: TestClient) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    holder = hold_device(site, client)
    hospital = register(site, client, client_id="hospital", scope=OFFLINE, metadata=REFRESHING)
    for rp in (hospital, register(site, client, **PUBLIC_CLIENT)):
        rp.allowed_by(holder, OFFLINE).tokens(scope=OFFLINE, prompt="consent")
    columns = (refresh_tokens.c.client_id, refresh_tokens.c.confirmation)
    with writing(site.database) as connection:
        connection.execute(update(refresh_tokens).values(confirmation=""))
        with Operations.context(MigrationContext.configure(connection)):
            MIGRATION._refresh_tokens()
    with reading(site.database) as connection:
        rows = connection.execute(select(*columns)).all()
    assert {row.client_id: row.confirmation for row in rows} == {"hospital": "client", "app": ""}
