"""What tests of policy need: other settings at once, keys of a known model, and its metadata."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from starlette.applications import Starlette

from authn.db.transaction import reading, writing
from authn.devices.tables import Device, devices
from authn.web.site import Site
from tests.attestation import Maker
from tests.authenticator import Authenticator
from tests.citizen import HANNE, Screen, activation_code
from tests.fido_metadata import entry, install, signed_blob

MODEL = UUID("f1d0c0de-0000-4000-8000-000000000001")
MAKER = Maker("packed")


def change_settings(app: Starlette, **values: Any) -> None:
    """The service goes on with these settings, as after a restart."""
    site: Site = app.state.site
    settings = type(site.settings)(**(site.settings.model_dump() | values))
    app.state.site = replace(site, settings=settings)


def know_model(app: Starlette, *statuses: str | tuple[str, date], number: int = 100_000) -> None:
    """The metadata speaks of `MODEL` so; a later call needs a higher number."""
    statuses = statuses or ("FIDO_CERTIFIED_L1",)
    model = entry("A security key", MODEL, roots=[MAKER.root.der], statuses=statuses)
    install(app.state.site, signed_blob([model], number=number))


def security_key(**more: Any) -> Authenticator:
    """A key of `MODEL`, which attests where it is asked to."""
    return Authenticator(
        aaguid=MODEL,
        attests=MAKER,
        attachment="cross-platform",
        transports=("usb",),
        **more,
    )


def enrolled_with(site: Site, screen: Screen, **lies: Any) -> Screen:
    """Hanne has enrolled this screen's authenticator, and is signed in on it."""
    _, code = activation_code(site, HANNE)
    answer = screen.enrol(code, **lies)
    assert answer.status_code == 200, answer.text
    return screen


def identity_is_high(site: Site) -> None:
    """Everybody's devices were enrolled on a high proof of identity."""
    with writing(site.database) as connection:
        connection.execute(update(devices).values(identity_level="high"))


def stored(site: Site) -> list[Device]:
    """Every device, in the order in which they were added."""
    with reading(site.database) as connection:
        statement = select(devices).order_by(devices.c.added_at, devices.c.name)
        return [Device(*row) for row in connection.execute(statement)]
