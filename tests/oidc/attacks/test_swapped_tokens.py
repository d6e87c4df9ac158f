"""Each kind of token at each place that takes another kind: RFC 8725 §2.7, §3.11
(https://www.rfc-editor.org/rfc/rfc8725#section-2.7), "cross-JWT confusion".

What a naive provider does: it asks of a JWT whether its signature is right, and no more.
"""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clock import Clock
from authn.secrets import new_token
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.attacks.every_token import PLACES, Service, everything_on, mint, open_service
from tests.oidc.relying_party import Holder

pytestmark = pytest.mark.thorough


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return everything_on(settings, tmp_path)


@pytest.fixture
def service(site: Site, client: TestClient, backchannel: TestClient, holder: Holder) -> Service:
    return open_service(site, client, backchannel, holder)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.one_engine
def test_each_place_takes_its_own_kind_alone(service: Service, place: str) -> None:
    meant, believes = PLACES[place]
    tokens = mint(service)
    for kind in tokens.keys() - meant:
        assert not believes(service, tokens[kind]), kind
    for kind in meant:
        assert believes(service, tokens[kind]), kind


def test_a_person_s_token_is_never_taken_for_a_system_s(
    service: Service, settings: Settings, clock: Clock
) -> None:
    """Once the key by which its grant is sealed was replaced, nobody can say that it lives.

    What a naive provider does: a token in which it finds no grant is that of a system, which lives
    as long as its client.
    """
    token = mint(service)["access token of the API"]
    replaced = settings.model_copy(update={"token_key": SecretStr(new_token())})
    app = create_app(replaced, clock=clock)
    with TestClient(app, base_url=ORIGIN) as elsewhere:
        service.api.client.browser = service.backchannel = elsewhere
        assert service.api.learns(token) == {"active": False}
        assert service.exchange(subject_token=token).status_code == 400
    app.state.site.database.close()
