"""Clients with certificates: `tls_client_auth` and `self_signed_tls_client_auth`.

RFC 8705 (https://www.rfc-editor.org/rfc/rfc8705#section-2), RFC 9440
(https://www.rfc-editor.org/rfc/rfc9440) for the proxy's header; decisions 4.12.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.clients import SELF_SIGNED_TLS_CLIENT_AUTH, TLS_CLIENT_AUTH
from authn.errors import CommandError
from authn.oidc.client_authentication.client_certificate import (
    ALIASED,
    LONGEST_CERTIFICATE,
    certificate_thumbprint,
    mtls_aliases,
)
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import CLIENT, SERVER, Held, issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.relying_party import segment
from tests.oidc.systems import System, add_resource, register_system
from tests.published import Published, publishing

pytestmark = pytest.mark.thorough

garbage = examples(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PROXY = "10.1.2.3"
HEADER = "Client-Cert"
SUBJECT = "CN=batch,O=Hospital\\, Inc,C=BE"
NAMES = (
    x509.DNSName("batch.hospital.example"),
    x509.UniformResourceIdentifier("https://hospital.example/batch"),
    x509.IPAddress(ip_address("2001:db8::7")),
    x509.RFC822Name("batch@hospital.example"),
)


@pytest.fixture
def root(clock: MovableClock) -> Held:
    """The authority that the service believes."""
    return issue("Root", clock(), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    """A service behind a proxy that terminates TLS."""
    roots = tmp_path / "roots.pem"
    roots.write_text(root.pem)
    return settings.model_copy(
        update={
            "trusted_proxies": PROXY,
            "client_certificate_header": HEADER,
            "client_certificate_roots": roots,
            "mtls_origin": "https://mtls.example",
            "private_hosts": frozenset({"localhost"}),
        }
    )


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1)) as client:
        yield client


@pytest.fixture
def batch(clock: MovableClock, root: Held) -> Held:
    """A certificate that the root vouches for."""
    return issue("batch", clock(), root, names=NAMES)


Registers = Callable[..., System]


@pytest.fixture
def registers(site: Site, backchannel: TestClient) -> Registers:
    """Registers a client with a certificate, by its subject unless something else is said."""
    add_resource(site)

    def register(method: str = TLS_CLIENT_AUTH, **metadata: Any) -> System:
        if method == TLS_CLIENT_AUTH and not metadata:
            metadata = {"tls_client_auth_subject_dn": SUBJECT}
        return register_system(
            site,
            backchannel,
            token_endpoint_auth_method=method,
            metadata={"jwks": None, **metadata},
        )

    return register


@pytest.fixture
def system(registers: Registers) -> System:
    """A client that is known by its subject."""
    return registers()


def authenticates(system: System, certificate: Held | str | None, **form: str) -> bool:
    """Whether who connects with this certificate is the client."""
    sent = certificate.rfc_9440 if isinstance(certificate, Held) else certificate
    answer = system.backchannel.post(
        "/token",
        data={
            "grant_type": "client_credentials",
            "client_id": system.client.client_id,
            **form,
        },
        headers={} if sent is None else {HEADER: sent},
    )
    if answer.status_code == 200:
        return True
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    return False


# §2.1: a root vouches for a name


def test_a_client_connects_with_its_certificate(registers: Registers, batch: Held) -> None:
    system = registers()
    assert authenticates(system, batch)
    assert not authenticates(system, None)
    assert not authenticates(system, "")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("subject_dn", SUBJECT, "CN=batch,O=Hospital,C=BE"),
        ("subject_dn", "2.5.4.3=batch,O=Hospital\\2c Inc,2.5.4.6=BE", "CN=batch"),
        ("subject_dn", SUBJECT, "C=BE,O=Hospital\\, Inc,CN=batch"),
        ("subject_dn", SUBJECT, "CN=batch+O=Hospital\\, Inc,C=BE"),
        ("subject_dn", SUBJECT, "CN=*,O=Hospital\\, Inc,C=BE"),
        ("subject_dn", SUBJECT, "no name at all"),
        ("san_dns", "batch.hospital.example", "hospital.example"),
        ("san_dns", "Batch.Hospital.Example", "*.hospital.example"),
        ("san_uri", "https://hospital.example/batch", "https://hospital.example/"),
        ("san_ip", "2001:db8::7", "2001:db8::8"),
        ("san_ip", "2001:0db8:0:0:0:0:0:7", "not an address"),
        ("san_email", "batch@hospital.example", "other@hospital.example"),
    ],
)
def test_the_one_name_that_is_registered_is_compared(
    registers: Registers, site: Site, batch: Held, name: str, right: str, wrong: str
) -> None:  # §2.1.2
    system = registers(**{f"tls_client_auth_{name}": right})
    assert authenticates(system, batch)
    other = register_system(
        site,
        system.backchannel,
        client_id="other",
        token_endpoint_auth_method=TLS_CLIENT_AUTH,
        metadata={"jwks": None, f"tls_client_auth_{name}": wrong},
    )
    assert not authenticates(other, batch)


@pytest.mark.one_engine
def test_a_name_of_one_kind_is_not_one_of_another(
    registers: Registers, clock: MovableClock, root: Held
) -> None:
    system = registers(tls_client_auth_san_dns="batch")
    assert not authenticates(system, issue("batch", clock(), root))
    names = (x509.RFC822Name("batch@hospital.example"), x509.UniformResourceIdentifier("batch"))
    assert not authenticates(system, issue("batch", clock(), root, names=names))


@pytest.mark.one_engine
def test_what_does_not_lead_to_a_root_is_nobody(
    registers: Registers, clock: MovableClock, root: Held, batch: Held
) -> None:
    system = registers()
    now = clock()
    stranger = issue("Root", now, ca=True)
    assert not authenticates(system, issue("batch", now))
    assert not authenticates(system, issue("batch", now, stranger))
    below = issue("Below", now, root, ca=True)
    assert not authenticates(system, issue("batch", now, below))  # no chain is sent
    # A certificate that isn't an authority's vouches for nobody.
    assert not authenticates(system, issue("batch", now, batch))
    assert not authenticates(system, root)
    assert not authenticates(system, issue("batch", now, root, ca=True))


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("said", "accepted"),
    [
        ({"purposes": CLIENT}, True),
        ({"purposes": ()}, True),
        ({"purposes": SERVER}, False),
        ({"purposes": (*SERVER, *CLIENT)}, True),
        ({"usages": ()}, True),
        ({"usages": ("digital_signature", "key_encipherment")}, True),
        ({"usages": ("key_encipherment",)}, False),
        ({"usages": ("key_agreement",)}, False),
        ({"valid_until": timedelta(seconds=-1)}, False),
        ({"valid_from": timedelta(seconds=1)}, False),
    ],
)
def test_it_is_for_clients_and_valid_now(
    registers: Registers,
    clock: MovableClock,
    root: Held,
    said: dict[str, Any],
    accepted: bool,
) -> None:
    assert authenticates(registers(), issue("batch", clock(), root, **said)) is accepted


def test_it_is_looked_at_each_time(registers: Registers, clock: MovableClock, batch: Held) -> None:
    system = registers()
    assert authenticates(system, batch)
    clock.advance(days=1, seconds=1)
    assert not authenticates(system, batch)


def test_without_roots_nobody_is_vouched_for(
    settings: Settings, clock: MovableClock, batch: Held
) -> None:
    without = settings.model_copy(update={"client_certificate_roots": None})
    app = create_app(without, clock=clock)
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1)) as client:
        site: Site = app.state.site
        add_resource(site)
        system = register_system(
            site,
            client,
            token_endpoint_auth_method=TLS_CLIENT_AUTH,
            metadata={"jwks": None, "tls_client_auth_subject_dn": SUBJECT},
        )
        assert not authenticates(system, batch)


# §2.2: the key is one of the client's own


def test_a_self_signed_certificate_has_a_key_of_the_client(
    registers: Registers, clock: MovableClock
) -> None:
    own = issue("anything", clock())
    system = registers(SELF_SIGNED_TLS_CLIENT_AUTH, jwks=own.jwks)
    assert authenticates(system, own)
    assert not authenticates(system, issue("anything", clock()))
    assert not authenticates(system, None)


@pytest.mark.one_engine
def test_no_root_vouches_for_another_key(
    registers: Registers, clock: MovableClock, batch: Held
) -> None:
    system = registers(SELF_SIGNED_TLS_CLIENT_AUTH, jwks=issue("anything", clock()).jwks)
    assert not authenticates(system, batch)


@pytest.mark.one_engine
def test_a_key_for_encryption_authenticates_nobody(
    registers: Registers, clock: MovableClock
) -> None:
    own = issue("anything", clock())
    (key,) = own.jwks["keys"]
    system = registers(SELF_SIGNED_TLS_CLIENT_AUTH, jwks={"keys": [{**key, "use": "enc"}]})
    assert not authenticates(system, own)


def test_its_keys_may_be_at_a_uri(registers: Registers, clock: MovableClock) -> None:  # §2.2.2
    old, new = issue("anything", clock()), issue("anything", clock())
    with publishing() as published:
        uri = published.put("/jwks", old.jwks)
        system = registers(SELF_SIGNED_TLS_CLIENT_AUTH, jwks_uri=uri)
        assert authenticates(system, old)
        published.put("/jwks", new.jwks)
        assert not authenticates(system, new)
        clock.advance(seconds=30)
        assert authenticates(system, new)
        assert not authenticates(system, old)
        assert published.asked == ["/jwks", "/jwks"]


def test_a_key_set_that_cannot_be_had_is_no_client(
    registers: Registers, clock: MovableClock
) -> None:
    published: Published
    with publishing() as published:
        system = registers(SELF_SIGNED_TLS_CLIENT_AUTH, jwks_uri=published.put("/jwks", b"", 500))
        assert not authenticates(system, issue("anything", clock()))


# Beside other methods


def test_a_certificate_is_not_a_secret_and_the_other_way_round(
    registers: Registers, batch: Held
) -> None:
    system = registers()
    answer = system.post(signed=system.assertion())
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert not authenticates(system, batch, client_secret="s" * 43)


def test_who_signs_may_connect_with_a_certificate(
    site: Site, backchannel: TestClient, batch: Held
) -> None:
    add_resource(site)
    system = register_system(site, backchannel, ClientKey("ES256"))
    backchannel.headers[HEADER] = batch.rfc_9440
    assert system.post().status_code == 200
    assert not authenticates(system, batch)  # and must sign


@pytest.mark.parametrize("method", [TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH])
def test_a_fapi_client_may_use_it(
    site: Site, backchannel: TestClient, batch: Held, method: str
) -> None:  # FAPI 2.0 §5.3.2.1
    add_resource(site)
    name = {"tls_client_auth_subject_dn": SUBJECT} if method == TLS_CLIENT_AUTH else {}
    system = register_system(
        site,
        backchannel,
        token_endpoint_auth_method=method,
        profile="fapi2",
        metadata={
            "jwks": batch.jwks,
            "tls_client_certificate_bound_access_tokens": True,
            **name,
        },
    )
    assert authenticates(system, batch)


def test_the_token_is_bound_to_the_certificate(registers: Registers, batch: Held) -> None:  # §3.1
    system = registers(
        tls_client_auth_subject_dn=SUBJECT, tls_client_certificate_bound_access_tokens=True
    )
    answer = system.backchannel.post(
        "/token",
        data={"grant_type": "client_credentials", "client_id": system.client.client_id},
        headers={HEADER: batch.rfc_9440},
    )
    claims = segment(answer.json()["access_token"], 1)
    assert claims["cnf"] == {"x5t#S256": certificate_thumbprint(batch.certificate)}
    assert answer.json()["token_type"] == "Bearer"


def test_the_audience_of_an_assertion_may_be_the_alias(
    site: Site, backchannel: TestClient
) -> None:  # §5
    add_resource(site)
    system = register_system(site, backchannel)
    signed = system.assertion("https://mtls.example/token")
    assert system.post(signed=signed).status_code == 200
    signed = system.assertion("https://mtls.example")
    assert system.post(signed=signed).status_code == 401


# Where the certificate comes from


@pytest.mark.one_engine
def test_both_forms_of_the_header_are_read(registers: Registers, batch: Held) -> None:
    system = registers()
    assert authenticates(system, batch.rfc_9440)  # RFC 9440 §2.2
    assert authenticates(system, batch.nginx)


def test_nobody_but_the_proxy_is_believed(
    app: Starlette, registers: Registers, batch: Held
) -> None:
    system = registers()
    for address in ("10.1.2.4", "127.0.0.1", "testclient", "203.0.113.7"):
        system.backchannel = TestClient(app, base_url=ORIGIN, client=(address, 1))
        assert not authenticates(system, batch)
        system.backchannel.headers["X-Forwarded-For"] = PROXY
        assert not authenticates(system, batch)


def test_whoever_the_proxy_speaks_for_it_is_the_proxy_that_is_believed(
    registers: Registers, batch: Held
) -> None:
    system = registers()
    system.backchannel.headers["X-Forwarded-For"] = "203.0.113.7"
    assert authenticates(system, batch)


@pytest.mark.one_engine
def test_two_headers_are_none(registers: Registers, batch: Held, clock: MovableClock) -> None:
    """A proxy that adds its own to what the client sent, instead of replacing that."""
    system = registers()
    forged = issue("batch", clock())
    data = {"grant_type": "client_credentials", "client_id": system.client.client_id}
    for sent in ((forged, batch), (batch, forged), (batch, batch)):
        headers = [(HEADER, each.rfc_9440) for each in sent]
        answer = system.backchannel.post("/token", data=data, headers=headers)
        assert answer.status_code == 401


@pytest.mark.one_engine
def test_another_header_is_not_read(registers: Registers, batch: Held) -> None:
    system = registers()
    system.backchannel.headers["X-Client-Cert"] = batch.rfc_9440
    system.backchannel.headers["X-SSL-Cert"] = batch.nginx
    assert not authenticates(system, None)


def broken(batch: Held) -> list[str]:
    """What is nearly a certificate in a header."""
    encoded = batch.rfc_9440.strip(":")
    return [
        ":",
        "::",
        ":::",
        encoded,
        f":{encoded}",
        f"{encoded}:",
        f":{encoded}:,:{encoded}:",
        f":{encoded[:-10]}:",
        f":{encoded}AAAA:",
        f":{encoded.replace('A', '-')}:",
        f": {encoded}:",
        f":{base64.b64encode(b'0' * 500).decode()}:",
        f":{base64.b64encode(batch.pem.encode()).decode()}:",
        batch.nginx[:-40],
        batch.nginx + batch.nginx,
        "x" + batch.nginx,
        batch.nginx.replace("CERTIFICATE", "PUBLIC%20KEY"),
        quote(batch.key_pem.decode()),
        batch.pem.replace("\n", " "),
        "%FF%FE",
        "%",
        "A" * (LONGEST_CERTIFICATE + 1),
        f":{'A' * LONGEST_CERTIFICATE}:",
    ]


@pytest.mark.one_engine
def test_what_is_nearly_a_certificate_is_none(registers: Registers, batch: Held) -> None:
    system = registers()
    for sent in broken(batch):
        assert not authenticates(system, sent), sent


@pytest.mark.one_engine
@garbage
@given(st.binary(max_size=300), st.text(st.characters(codec="latin-1", exclude_categories=["C"])))
def test_garbage_is_no_certificate(system: System, der: bytes, text: str) -> None:
    assert not authenticates(system, f":{base64.b64encode(der).decode()}:")
    answer = system.backchannel.post(
        "/token",
        data={"grant_type": "client_credentials", "client_id": system.client.client_id},
        headers=[(HEADER.encode(), text.strip().encode("latin-1"))],
    )
    assert answer.status_code == 401


@pytest.mark.one_engine
@garbage
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_certificate_with_one_byte_changed_is_not_that_one(
    system: System, batch: Held, place: int, value: int
) -> None:
    der = bytearray(batch.der)
    place %= len(der)
    if der[place] == value:
        return
    der[place] = value
    # Changed in the signature, or in what is signed: never accepted, and never a crash.
    assert not authenticates(system, f":{base64.b64encode(der).decode()}:")


@pytest.mark.one_engine
def test_a_serial_number_that_is_not_positive_is_refused(system: System, batch: Held) -> None:
    """RFC 5280 §4.1.2.2."""
    length = batch.der.index(b"\x02", batch.der.index(b"\xa0\x03\x02\x01\x02") + 5) + 1
    der = bytearray(batch.der)
    der[length + 1] |= 0x80
    assert not authenticates(system, f":{base64.b64encode(der).decode()}:")


# Discovery and settings


@pytest.mark.one_engine
def test_the_aliases_are_at_the_other_host(settings: Settings) -> None:  # §5
    endpoints: dict[str, object] = {
        "issuer": ORIGIN,
        "token_endpoint": f"{ORIGIN}/token",
        "authorization_endpoint": f"{ORIGIN}/authorize",
        "userinfo_endpoint": f"{ORIGIN}/userinfo",
    }
    assert mtls_aliases(settings, endpoints) == {
        "token_endpoint": "https://mtls.example/token",
        "userinfo_endpoint": "https://mtls.example/userinfo",
    }
    assert "authorization_endpoint" not in ALIASED
    for without in ({"mtls_origin": ""}, {"client_certificate_header": ""}):
        assert mtls_aliases(settings.model_copy(update=without), endpoints) == {}


@pytest.mark.one_engine
def test_the_thumbprint_is_that_of_the_whole_certificate(batch: Held) -> None:  # §3.1
    digest = hashlib.sha256(batch.der).digest()
    expected = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert certificate_thumbprint(batch.certificate) == expected


@pytest.mark.one_engine
def test_a_file_of_roots_that_cannot_be_read_stops_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    garbled = tmp_path / "garbled.pem"
    garbled.write_text("nothing")
    for path in (garbled, tmp_path / "missing.pem"):
        with pytest.raises(CommandError, match="CLIENT_CERTIFICATE_ROOTS"):
            create_app(settings.model_copy(update={"client_certificate_roots": path}))


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "wrong",
    [
        {"client_certificate_header": "Client-Cert"},  # of whom?
        {"client_certificate_header": "Client-Cert", "trusted_proxies": "*"},
        {"client_certificate_header": "Client Cert", "trusted_proxies": PROXY},
        {"mtls_origin": "http://mtls.example"},
        {"mtls_origin": "https://mtls.example/"},
        {"mtls_origin": "https://mtls.example/token"},
        {"mtls_origin": "mtls.example"},
        {"tls_certificate": "/etc/tls.pem"},
        {"tls_key": "/etc/tls.key"},
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)
