"""`authn cleanup`: what expired long ago goes, what somebody owns stays."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.tables import burnt_challenges
from tests.citizen import enrolled
from tests.commands import run_command

pytestmark = pytest.mark.thorough


def test_only_what_has_no_meaning_any_more_is_deleted(
    settings: Settings, site: Site, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    assert screen.sign_in().status_code == 200
    # The tests' clock stands in the past: for the command, all of it was long ago.
    result = run_command(settings, "cleanup")
    assert result.returncode == 0, result.stderr
    assert "burnt challenges: 2 deleted" in result.stdout
    with reading(site.database) as connection:
        left = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (burnt_challenges, devices, audit_events)
        }
    assert left["burnt_challenges"] == 0
    assert left["devices"] == 1
    assert left["audit_events"] >= 3
    assert screen.client.get("/devices").status_code == 200


def test_a_device_that_nobody_used_for_years_is_dormant_once_its_holder_was_told(
    settings: Settings, site: Site, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    with writing(site.database) as connection:
        years_ago = {"last_used_at": datetime(2020, 1, 1, tzinfo=UTC)}
        connection.execute(update(devices).values(years_ago))
    told = run_command(settings, "cleanup")
    assert "holders told that a device will be dormant: 1\n" in told.stdout, told.stderr
    assert "devices made dormant: 0\n" in told.stdout
    assert screen.client.get("/devices").status_code == 200
    with writing(site.database) as connection:
        connection.execute(
            update(devices).values(dormancy_told_at=datetime(2020, 12, 1, tzinfo=UTC))
        )
    dormant = run_command(settings, "cleanup")
    assert "devices made dormant: 1\n" in dormant.stdout, dormant.stderr
    assert screen.client.get("/devices").status_code == 303
