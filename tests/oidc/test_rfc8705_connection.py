"""Certificates from the TLS layer itself, when `authn serve` terminates TLS: RFC 8705 §2 and §3.

https://www.rfc-editor.org/rfc/rfc8705#section-2, and the ASGI TLS extension,
https://asgi.readthedocs.io/en/latest/specs/tls.html.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx2
import pytest
import uvicorn
from cryptography import x509
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.clients import TLS_CLIENT_AUTH
from authn.clock import system_clock
from authn.oidc.client_authentication.client_certificate import certificate_thumbprint
from authn.settings import Settings
from authn.web.server import server_options
from authn.web.site import Site
from tests.browser import free_socket, running
from tests.certificates import SERVER, Held, issue
from tests.conftest import LiveService
from tests.oidc.relying_party import segment
from tests.oidc.systems import System, add_resource, register_system

pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]
SUBJECT = "CN=batch,O=Hospital\\, Inc,C=BE"


@pytest.fixture
def root() -> Held:
    return issue("Root", datetime.now(UTC), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    """A service that speaks TLS itself."""
    own = issue(
        "localhost",
        datetime.now(UTC),
        root,
        names=[x509.DNSName("localhost")],
        purposes=SERVER,
    )
    files = {name: tmp_path / name for name in ("own.pem", "own.key", "roots.pem")}
    files["own.pem"].write_text(own.pem)
    files["own.key"].write_bytes(own.key_pem)
    files["roots.pem"].write_text(root.pem)
    return settings.model_copy(
        update={
            "tls_certificate": files["own.pem"],
            "tls_key": files["own.key"],
            "client_certificate_roots": files["roots.pem"],
        }
    )


@pytest.fixture
def served(settings: Settings) -> Iterator[LiveService]:
    """As `authn serve` does."""
    listener = free_socket()
    port = listener.getsockname()[1]
    own = settings.model_copy(update={"issuer": f"https://localhost:{port}"})
    application = create_app(own, clock=system_clock)
    server = uvicorn.Server(uvicorn.Config(application, **server_options(own)))
    with running(server, listener):
        yield LiveService(own.issuer, application.state.site)


@pytest.fixture
def system(served: LiveService) -> System:
    site: Site = served.site
    add_resource(site)
    nobody = cast(TestClient, None)  # each test connects by itself
    return register_system(
        site,
        nobody,
        token_endpoint_auth_method=TLS_CLIENT_AUTH,
        metadata={
            "jwks": None,
            "tls_client_auth_subject_dn": SUBJECT,
            "tls_client_certificate_bound_access_tokens": True,
        },
    )


def asked(
    served: LiveService, root: Held, tmp_path: Path, own: Held | None, **headers: str
) -> httpx2.Response:
    """What /token answers to who connects with this certificate."""
    context = ssl.create_default_context(cadata=root.pem)
    if own:
        file = tmp_path / "client.pem"
        file.write_bytes(own.pem.encode() + own.key_pem)
        context.load_cert_chain(file)
    data = {"grant_type": "client_credentials", "client_id": "cbe-0406798006"}
    with httpx2.Client(verify=context, trust_env=False) as client:
        return client.post(f"{served.address}/token", data=data, headers=headers)


def test_who_connects_with_a_certificate_is_the_client(
    served: LiveService, system: System, root: Held, tmp_path: Path
) -> None:
    own = issue("batch", datetime.now(UTC), root)
    answer = asked(served, root, tmp_path, own)
    assert answer.status_code == 200, answer.text
    claims = segment(answer.json()["access_token"], 1)
    assert claims["cnf"] == {"x5t#S256": certificate_thumbprint(own.certificate)}


def test_who_connects_without_or_with_anothers_is_not(
    served: LiveService, system: System, root: Held, tmp_path: Path
) -> None:
    other = issue("other", datetime.now(UTC), root)
    for own in (None, other):
        answer = asked(served, root, tmp_path, own)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_header_says_nothing_there(
    served: LiveService, system: System, root: Held, tmp_path: Path
) -> None:
    own = issue("batch", datetime.now(UTC), root)
    answer = asked(served, root, tmp_path, None, **{"Client-Cert": own.rfc_9440})
    assert answer.status_code == 401


def test_who_no_root_vouches_for_does_not_connect(
    served: LiveService, system: System, root: Held, tmp_path: Path
) -> None:
    with pytest.raises(httpx2.TransportError):
        asked(served, root, tmp_path, issue("batch", datetime.now(UTC)))


def test_without_roots_nobody_is_asked_for_a_certificate(settings: Settings) -> None:
    """A browser would ask its person for one."""
    options = server_options(settings.model_copy(update={"client_certificate_roots": None}))
    assert options["ssl_certfile"] == settings.tls_certificate
    assert "ssl_cert_reqs" not in options
    behind = {"client_certificate_header": "Client-Cert", "trusted_proxies": "10.0.0.1"}
    assert "ssl_cert_reqs" not in server_options(settings.model_copy(update=behind))
    assert "ssl_certfile" not in server_options(
        settings.model_copy(update={"tls_certificate": None, "tls_key": None})
    )
