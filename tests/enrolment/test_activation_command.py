"""`authn activation issue`: a code for a citizen of the national register."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from authn.cli.people.activation import app
from authn.db.transaction import reading, writing
from authn.enrolment.activation.codes import activation_codes
from authn.enrolment.activation.lifecycle import check_activation_code
from authn.errors import CommandError, Forbidden
from authn.settings import PREFIX
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.commands import WHY
from tests.conftest import MovableClock

PEOPLE = Path(__file__).parents[2] / "authn" / "demo" / "people.csv"
Issue = Callable[..., Result]


@pytest.fixture
def issue(site: Site, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Issue:
    """`authn activation issue …`, with the demo's people in the register."""
    for name in ("database_url", "master_key", "national_number_key", "token_key", "audit_key"):
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    import_register_file(site.database, site.secrets, PEOPLE, clock.now)

    def issue(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, ["issue", *WHY, *arguments], input=typed)

    return issue


def how_many_codes(site: Site) -> int:
    """How many codes there are."""
    with reading(site.database) as connection:
        return connection.execute(select(func.count()).select_from(activation_codes)).scalar_one()


def code_in(result: Result) -> str:
    found = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{6}", result.stdout)
    assert found, result.output
    return found.group()


def test_a_citizen_gets_a_code_and_a_link(issue: Issue, site: Site, clock: MovableClock) -> None:
    result = issue(typed="03.41.01-001.28\n")
    code = code_in(result)
    assert "Hanne Van der Meulen" in result.stdout
    assert f"http://localhost:8000/activate#{code}" in result.stdout
    assert "03410100128" not in result.stdout
    with writing(site.database) as connection:
        found = check_activation_code(connection, site.secrets, code, "03410100128", clock.now, "-")
    again = issue("--person", str(found.person_id))
    assert code_in(again) != code


def test_only_someone_in_the_register_gets_one(issue: Issue) -> None:
    result = issue(typed="12410100251\n")
    assert isinstance(result.exception, CommandError)
    assert "nobody with this number" in str(result.exception)


def test_a_deceased_citizen_gets_none(issue: Issue, site: Site) -> None:
    result = issue(typed="00410100162\n")
    assert isinstance(result.exception, Forbidden)
    assert "has died" in result.exception.description
    assert how_many_codes(site) == 0
