"""Migrations 0007 and 0008 on a database of 0006 with rows: nothing is lost, and work goes on.

The tables are brought back to what 0006 made them, and upgraded as `authn db upgrade` does it.
"""

import re
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, inspect, select, text, update
from starlette.testclient import TestClient

from authn.clients.resource_servers.desk_api import desk_api_audience
from authn.clients.tables import clients, resources
from authn.db.metadata import UtcDateTime, metadata
from authn.db.transaction import reading, writing
from authn.db.upgrade import upgrade
from authn.federation.foreign_identities import list_matches_made_alone, match_identity
from authn.sources.tables import source_answers
from authn.web.site import Site
from tests import postgresql
from tests.citizen import KARIM
from tests.conftest import migrated
from tests.console.acting import act_path, approve, asked, statuses
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_attacks_again import waits
from tests.console.test_registration import (
    HOME,
    ask,
    checked,
    letter,
    printed,
    reprinted,
    ticket_in,
)
from tests.console.test_registration_identities import whose
from tests.console.tools import BOTH, Tool, registered_tool
from tests.oidc.refreshing import refresh
from tests.screens import problem

ADDED = {
    "desk_codes": ("printed_at",),
    "devices": ("suspended_reason", "identity_id"),
    "installations": ("place",),
    "audit_progress": ("headed", "headed_at"),
}


@pytest.fixture
def database_url(database_url: str, request: pytest.FixtureRequest) -> str:
    """On PostgreSQL a database of this test's own: what goes wrong here is no other test's."""
    if not database_url.startswith("postgresql"):
        return database_url
    server: postgresql.PostgreSQL = request.getfixturevalue("postgresql_server")
    url = server.create(f"upgraded_{uuid4().hex}")
    migrated(url)
    return url


def brought_back(site: Site) -> None:
    """The schema is as version 0006 left it."""
    with writing(site.database) as connection:
        nobody_is_staff_as_a_capacity(connection, site)
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            operations = Operations(context)
            without_0008(operations)
            operations.drop_table("confirmed_desk_acts")
            for table, columns in ADDED.items():
                for column in columns:
                    operations.drop_column(table, column)
            kept = {"sqlite_with_rowid": False}
            with operations.batch_alter_table("approvals", table_kwargs=kept) as batch:
                batch.alter_column("asked_by", existing_type=sa.Uuid(), nullable=False)
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))


def without_0008(operations: Operations) -> None:
    """The schema is as version 0007 left it."""
    kept = {"sqlite_with_rowid": False}
    operations.drop_table("operator_requests")
    for table, column in (
        ("desk_sessions", "desk"),
        ("approvals", "desk"),
        ("unmatched_identities", "matched_by_two"),
    ):
        operations.drop_column(table, column)
    with operations.batch_alter_table("desk_codes", table_kwargs=kept) as batch:
        batch.alter_column("registrar_id", existing_type=sa.Uuid(), nullable=False)
        batch.alter_column("document", existing_type=sa.String(14), nullable=False)
    on_table = " ON audit_days" if operations.get_bind().dialect.name == "postgresql" else ""
    for trigger in ("audit_days_marked", "audit_days_unmarked"):
        operations.execute(f"DROP TRIGGER {trigger}{on_table}")
    if on_table:
        operations.execute("DROP FUNCTION audit_days_marked()")
    operations.drop_column("audit_days", "archive_signed")
    operations.execute("DELETE FROM audit_progress")
    with operations.batch_alter_table("audit_progress", table_kwargs=kept) as batch:
        batch.drop_column("missing")
        batch.add_column(sa.Column("seen", sa.BigInteger(), nullable=False))
        batch.add_column(sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False))


def nobody_is_staff_as_a_capacity(connection: Connection, site: Site) -> None:
    """The rows of version 0006: the desk's API is for people as citizens."""
    audience = desk_api_audience(site.settings)
    connection.execute(source_answers.delete().where(source_answers.c.question == "staff"))
    of_api = select(resources.c.scopes).where(resources.c.resource == audience)
    for scopes in connection.execute(of_api).scalars().all():
        told = {name: {**each, "profile_kinds": ["citizen"]} for name, each in scopes.items()}
        connection.execute(update(resources).values(scopes=told))
    connection.execute(update(clients).values(profile_kinds=[], required_profile_kinds=[]))


def all_rows(site: Site, table: str) -> list[tuple[object, ...]]:
    with reading(site.database) as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]


def upgraded(site: Site) -> None:
    brought_back(site)
    with reading(site.database) as connection:
        assert not inspect(connection).has_table("confirmed_desk_acts")
        had = {each["name"]: each for each in inspect(connection).get_columns("approvals")}
    assert not had["asked_by"]["nullable"]
    before = {table: all_rows(site, table) for table in ("approvals", *ADDED)}
    assert upgrade(site.database)
    with reading(site.database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    for table, were in before.items():
        # Who asked works at one desk alone: it was asked there.
        added = ("Ghent",) if table == "approvals" else (None,) * len(ADDED.get(table, ()))
        assert all_rows(site, table) == [(*row, *added) for row in were], table


def test_what_waited_for_a_second_person_is_approved_after_it(
    site: Site, agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    first, second = citizen.devices
    assert agent.act(act_path(citizen.person, second, "suspend")).status_code == 200
    waiting = asked(agent.act(act_path(citizen.person, first, "unlink")))
    upgraded(site)
    assert statuses(site, citizen.person) == {first: "active", second: "suspended"}
    assert approve(supervisor, waiting).status_code == 200
    assert agent.act(act_path(citizen.person, second, "resume")).status_code == 200
    assert statuses(site, citizen.person) == {first: "unlinked", second: "active"}


@pytest.mark.usefixtures("register")
def test_a_letter_of_before_is_not_printed_anew_and_one_that_was_not_printed_is(
    site: Site, registrar: DeskScreen
) -> None:
    hanne = checked(registrar, site)
    printed(registrar, hanne, ask(registrar, site, hanne))
    karim = checked(registrar, site, KARIM.ssin)
    ticket = ticket_in(ask(registrar, site, karim))
    upgraded(site)
    assert letter(registrar, karim, ticket).status_code == 200
    assert reprinted(registrar, site, karim).status_code == 200
    assert f"{HOME}/{hanne.id}/print" not in registrar.get(f"{HOME}/{hanne.id}").text
    registrar.give_reason(hanne.id, reason="came-to-desk")
    assert reprinted(registrar, site, hanne).status_code == 403


def test_whoever_works_at_the_desk_is_matched_anew_and_others_as_by_one(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    """Who agreed to it is not in the row."""
    of_staff, of_citizen = waits(site, "one"), waits(site, "two")
    with writing(site.database) as connection:
        for each, person in ((of_staff, agent.person), (of_citizen, citizen.person)):
            assert match_identity(connection, each, person.id, site.clock(), by_two=True)
    upgraded(site)
    assert (whose(site, of_staff), whose(site, of_citizen)) == (None, citizen.person.id)
    with reading(site.database) as connection:
        assert list_matches_made_alone(connection, citizen.person.id) == [of_citizen]


def test_a_tool_has_tokens_in_the_capacity_once_it_asks_anew(
    agent: DeskScreen, http: TestClient, site: Site
) -> None:
    """What was allowed to it as a citizen is worth nothing, and is asked once more."""
    grant_types = ("authorization_code", "refresh_token")
    rp = registered_tool(
        agent, f"{BOTH} offline_access", first_party=False, grant_types=grant_types
    )
    tool = Tool(agent, rp, http, f"{BOTH} offline_access")
    with writing(site.database) as connection:
        nobody_is_staff_as_a_capacity(connection, site)
    allow(tool)
    kept = tool.rp.tokens(scope=tool.scope, resource=desk_api_audience(site.settings))
    tool.token = kept["access_token"]
    upgraded(site)
    answer = tool.get("/approvals")
    assert (answer.status_code, problem(answer)) == (401, "invalid-token")
    refused = refresh(rp, kept["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    allow(tool)
    tool.token = tool.fresh_token()
    assert tool.get("/approvals").status_code == 200


def allow(tool: Tool) -> None:
    """The member of staff is asked what the tool may, and allows all of it."""
    audience = desk_api_audience(tool.site.settings)
    page = tool.rp.authorize(scope=tool.scope, resource=audience).headers["location"]
    assert urlsplit(page).path == "/consent"
    html = tool.made.get(page).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))
    ticked = dict.fromkeys(re.findall(r'name="(allow:[^"]+)"', html), "yes")
    answer = tool.made.post_form("/consent", **(fields | ticked | {"decision": "allow"}))
    assert answer.status_code in (200, 303), answer.text
