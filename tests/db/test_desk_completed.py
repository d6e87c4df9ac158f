"""Migration 0007: who was staff before, and the tools of the desk, have the capacity `staff`."""

import importlib
from uuid import UUID, uuid4

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select, update

from authn.clients.client_registration.registration import register_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.desk_api import (
    SCOPES,
    desk_api_audience,
    desk_tool_profile_kinds,
    register_desk_api,
)
from authn.clients.resource_servers.resources import find_resource
from authn.clients.tables import resources
from authn.db.transaction import reading, writing
from authn.people.persons import find_or_create_person
from authn.sources.tables import source_answers
from authn.staff.tables import staff
from authn.web.site import Site
from tests.citizen import HANNE, KARIM

MIGRATION = importlib.import_module("authn.db.migrations.versions.0007_desk_completed")


def migrated(site: Site) -> None:
    with writing(site.database) as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            MIGRATION._profiles()


def test_who_has_a_role_is_asked_at_the_next_look_and_nobody_else(site: Site) -> None:
    now = site.clock()

    def row(person_id: UUID, role: str, **more: object) -> dict[str, object]:
        had = {"person_id": person_id, "role": role, "desk": "Ghent", "appointed_at": now}
        return {"id": uuid4(), "ended_at": None, **had, **more}

    with writing(site.database) as connection:
        hanne, karim = (
            find_or_create_person(connection, site.secrets, each, now).id for each in (HANNE, KARIM)
        )
        rows = [row(hanne, "agent"), row(hanne, "auditor"), row(karim, "agent", ended_at=now)]
        connection.execute(staff.insert(), rows)
    migrated(site)
    with reading(site.database) as connection:
        (found,) = connection.execute(select(source_answers)).all()
    assert (found.person_id, found.question, found.answered_at) == (hanne, "staff", None)
    assert found.due_at <= now


@pytest.mark.parametrize(
    ("before", "after"),
    [([], {"staff"}), (["quality"], {"citizen", "quality", "staff"})],
)
def test_the_api_and_its_tools_are_for_that_capacity(
    site: Site, before: list[str], after: set[str]
) -> None:
    audience, now = desk_api_audience(site.settings), site.clock()
    with writing(site.database) as connection:
        register_desk_api(connection, site.secrets, site.settings, now)
        connection.execute(
            update(resources).values(
                scopes={
                    name: {
                        "name": dict(scope.name),
                        "profile_kinds": ["citizen"],
                        "level": "device",
                    }
                    for name, scope in SCOPES.items()
                }
            )
        )
        made = [
            register_client(
                connection,
                site.secrets,
                now,
                resources=[resource],
                profile_kinds=before,
                client_name="Tool",
                redirect_uris=["https://tool.example/callback"],
            ).client.client_id
            for resource in (audience, "https://api.example/")
        ]
    migrated(site)
    with reading(site.database) as connection:
        tool, other = (find_client(connection, each) for each in made)
        resource = find_resource(connection, audience)
    assert tool
    assert other
    assert resource
    assert resource.scopes == SCOPES
    assert tool.allowed_profile_kinds == after
    assert other.allowed_profile_kinds == {"citizen", *before}
    if not before:
        expected = desk_tool_profile_kinds(site.settings, [audience])
        assert tool.required_profile_kinds == expected["required_profile_kinds"]
