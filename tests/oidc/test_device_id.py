"""`device_id` in access tokens: pairwise like `sub`, and by permission alone (decisions 1.3)."""

from collections.abc import Callable

from starlette.testclient import TestClient

from authn.web.site import Site
from tests.citizen import HANNE
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment, sign_in

MakeRP = Callable[..., RelyingParty]


def device_id(rp: RelyingParty) -> str | None:
    claim: str | None = segment(rp.tokens()["access_token"], 1).get("device_id")
    return claim


def test_without_the_permission_no_token_names_the_device(make_rp: MakeRP, holder: Holder) -> None:
    assert device_id(make_rp(first_party=True)) is None


def test_it_is_in_access_tokens_alone(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(first_party=True, may_read_device_id=True)
    tokens = rp.tokens()
    assert "device_id" not in segment(tokens["id_token"], 1)
    assert "device_id" not in rp.userinfo(tokens["access_token"]).json()


def test_it_is_the_same_at_each_login_and_never_the_internal_one(
    site: Site, client: TestClient, make_rp: MakeRP, holder: Holder
) -> None:
    rp = make_rp(first_party=True, may_read_device_id=True)
    first = device_id(rp)
    sign_in(site, client, holder.held)
    assert device_id(rp) == first
    assert first
    assert len(first) == 22
    assert holder.held.device.id.hex not in first
    assert str(holder.held.device.id) not in first


def test_another_device_is_another_one(
    site: Site, client: TestClient, make_rp: MakeRP, holder: Holder
) -> None:
    rp = make_rp(first_party=True, may_read_device_id=True)
    first = device_id(rp)
    hold_device(site, client, HANNE)
    assert device_id(rp) != first


def test_applications_of_one_sector_agree_and_of_two_do_not(
    make_rp: MakeRP, holder: Holder
) -> None:
    def at(host: str, sector: str = "") -> str | None:
        return device_id(
            make_rp(
                first_party=True,
                may_read_device_id=True,
                redirect_uris=[f"https://{host}/callback"],
                sector_identifier=sector,
            )
        )

    one = at("one.example")
    assert at("two.example", sector="one.example") == one
    assert at("three.example") != one
