"""A national number that was replaced leads to the same person everywhere (decisions 9.5)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from authn.db.transaction import reading, writing
from authn.enrolment.activation.lifecycle import check_activation_code, issue_activation_code
from authn.people.persons import find_person, find_person_by_ssin
from authn.sources.embedded.register_csv import COLUMNS, OPTIONAL_COLUMNS
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.citizen import SSIN
from tests.commands import WHY, run_command
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, segment

pytestmark = pytest.mark.thorough

NEW = "05520900401"
REPLACED = f"{NEW},Hanne,Peeters,1903-01-01,nl,no,{SSIN},"
CANCELLED = f"{SSIN},Hanne,Peeters,1903-01-01,nl,no,,yes"

Import = Callable[[str], None]


@pytest.fixture
def take(site: Site, clock: MovableClock, tmp_path: Path) -> Import:
    """The national register says this row."""

    def take(row: str) -> None:
        path = tmp_path / "people.csv"
        path.write_text(",".join([*COLUMNS, *OPTIONAL_COLUMNS]) + f"\n{row}\n", encoding="utf-8")
        import_register_file(site.database, site.secrets, path, clock.now)

    return take


@pytest.fixture
def rp(make_rp: Callable[..., RelyingParty], holder: Holder) -> RelyingParty:
    """A client that may read the national number."""
    registered = make_rp(client_id="register", scope="openid profile ssin", may_read_ssin=True)
    return registered.allowed_by(holder, "openid profile ssin")


def test_the_number_that_leaves_is_the_present_one_and_the_person_the_same(
    rp: RelyingParty, take: Import
) -> None:
    before = rp.tokens(scope="openid profile ssin")
    assert rp.userinfo(before["access_token"]).json()["ssin"] == SSIN
    take(REPLACED)
    after = rp.tokens(scope="openid profile ssin")
    for tokens in (before, after):
        claims = rp.userinfo(tokens["access_token"]).json()
        assert (claims["ssin"], claims["family_name"]) == (NEW, "Peeters")
    assert segment(before["id_token"], 1)["sub"] == segment(after["id_token"], 1)["sub"]
    for tokens in (before, after):
        assert not {SSIN, NEW} & {str(value) for value in segment(tokens["id_token"], 1).values()}


def test_both_numbers_find_the_person_and_go_with_their_code(
    site: Site, clock: MovableClock, holder: Holder, take: Import
) -> None:
    take(REPLACED)
    with writing(site.database) as connection:
        person = find_person(connection, holder.person.id)
        assert person is not None
        job = (site.secrets, site.settings, person, clock.now)
        code = issue_activation_code(connection, *job)
        for ssin in (SSIN, NEW):
            assert find_person_by_ssin(connection, site.secrets, ssin) == person
            typed = (code, ssin, clock.now, "-")
            assert check_activation_code(connection, site.secrets, *typed).person_id == person.id


def test_the_holder_of_a_number_that_was_cancelled_is_signed_out_of_everything(
    site: Site, rp: RelyingParty, holder: Holder, take: Import
) -> None:
    token = rp.tokens(scope="openid profile ssin")["access_token"]
    take(CANCELLED)
    assert rp.userinfo(token).status_code == 401
    assert "error" in rp.answer(prompt="none")
    with reading(site.database) as connection:
        person = find_person(connection, holder.person.id)
    assert person is not None
    assert person.deceased


def test_nobody_gets_a_code_for_a_number_that_was_cancelled(site: Site, take: Import) -> None:
    take(CANCELLED)
    done = run_command(site.settings, "activation", "issue", *WHY, typed=f"{SSIN}\n")
    assert done.returncode == 1
    assert "There is nobody with this number in the national register." in done.stderr
    assert SSIN not in done.stdout + done.stderr
