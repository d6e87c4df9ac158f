"""Which redirect URIs may be registered, and what matches one.

RFC 6749 §3.1.2 (https://www.rfc-editor.org/rfc/rfc6749), RFC 8252 §7 and §8
(https://www.rfc-editor.org/rfc/rfc8252), RFC 9700 §2.1 and §4.1
(https://www.rfc-editor.org/rfc/rfc9700).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authn.clients.redirect_uris import (
    InvalidRedirectUri,
    check_redirect_uri,
    is_document_uri,
    match_redirect_uri,
)

pytestmark = pytest.mark.thorough

REGISTERED = "https://client.example/cb"


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/cb",
        "https://client.example",
        "https://client.example:8443/cb?tenant=1",
        "https://xn--bcher-kva.example/cb",
        "https://client.example/@name/cb",
        "https://client.example/a%20b",
        "http://localhost/cb",
        "http://localhost:8001/cb",
        "http://127.0.0.1:5000/cb",
        "http://[::1]:5000/cb",
    ],
)
def test_an_address_that_may_be_registered(uri: str) -> None:
    check_redirect_uri(uri, "web")


@pytest.mark.parametrize(
    "uri",
    [
        "com.example.app:/oauth2redirect",
        "be.belgium.my-app:/cb",
        "com.example.app://callback",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "https://app.example/claimed",
    ],
)
def test_an_address_that_a_native_application_may_register(uri: str) -> None:
    check_redirect_uri(uri, "native")


@pytest.mark.parametrize("application_type", ["web", "native"])
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "client.example/cb",
        "//client.example/cb",
        "https:",
        "https://",
        "https:///cb",
        "https:/client.example/cb",
        "https:client.example/cb",
        "http://client.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1.evil.example/cb",
        "https://client.example/cb#",
        "https://client.example/cb#fragment",
        "https://user@client.example/cb",
        "https://user:password@client.example/cb",
        "https://client.example@evil.example/cb",
        "https://client.example%40evil.example/cb",
        "https://client.example\\@evil.example/cb",
        "https://client.example\\.evil.example/cb",
        "https://client.example/..",
        "https://client.example/../cb",
        "https://client.example/a/./cb",
        "https://client.example/..;/cb",
        "https://client.example/%2e%2e/cb",
        "https://client.example/%2E./cb",
        "https://client.example/a%2fb",
        "https://client.example/a%5Cb",
        "https://*.client.example/cb",
        "https://client.example/*",
        "https://client.example:/cb",
        "https://client.example:99999/cb",
        "https://client.example:x/cb",
        "https://client.example./cb",
        "https://.client.example/cb",
        "https://CLIENT.example/cb",
        "HTTPS://client.example/cb",
        "Https://client.example/cb",
        "https://bücher.example/cb",
        "https://client.example/ç",
        "https://client.example/cb\n",
        "https://client.example/cb\t",
        " https://client.example/cb",
        "https://client.example/c b",
        "https://client.example/cb\x00",
        "https://client.example/%",
        "https://client.example/%zz",
        'https://client.example/"><script>',
        "https://client.example/cb?code=1",
        "https://client.example/cb?a=1&state=2",
        "https://client.example/cb?iss=x",
        "https://[::1/cb",
        "https://client.example/" + "a" * 2000,
        "javascript:alert(1)",
        "javascript://client.example/%0aalert(1)",
        "data:text/html,x",
        "data:text.html/,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://client.example/cb",
        "app:/cb",
        "myapp://cb",
        "com..app:/cb",
        "com.example.app://user@host/cb",
        "COM.example.app:/cb",
    ],
)
def test_an_address_that_nobody_may_register(uri: str, application_type: str) -> None:
    with pytest.raises(InvalidRedirectUri) as refusal:
        check_redirect_uri(uri, application_type)
    assert refusal.value.uri == uri


def test_a_private_use_scheme_is_for_native_applications() -> None:
    with pytest.raises(InvalidRedirectUri):
        check_redirect_uri("com.example.app:/cb", "web")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_accepted_or_refused(uri: str) -> None:
    for application_type in ("web", "native"):
        try:
            check_redirect_uri(uri, application_type)
        except InvalidRedirectUri:
            continue
        assert uri.isascii()
        assert "#" not in uri


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "https://client.example/cb/",
        "https://client.example/cb?",
        "https://client.example/cb?a=1",
        "https://client.example/cb#",
        "https://client.example/CB",
        "https://CLIENT.example/cb",
        "HTTPS://client.example/cb",
        "https://client.example:443/cb",
        "https://client.example/./cb",
        "https://client.example/x/../cb",
        "https://client.example/..;/cb",
        "https://client.example/%63b",
        "https://client.example//cb",
        "https://client.example\\cb",
        "https://client.example/cb\\",
        "https://client.example@evil.example/cb",
        "https://evil.example/https://client.example/cb",
        "https://client.example.evil.example/cb",
        "https://sub.client.example/cb",
        "http://client.example/cb",
        " https://client.example/cb",
        "https://client.example/cb ",
        "https://client.example/cb\n",
        "https://clientxexample/cb",
        "https://client.exаmple/cb",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("application_type", ["web", "native"])
def test_only_the_very_same_characters_match(presented: str, application_type: str) -> None:
    assert match_redirect_uri((REGISTERED,), REGISTERED, application_type)
    assert not match_redirect_uri((REGISTERED,), presented, application_type)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_port_of_a_native_applications_loopback_address_may_be_any(host: str) -> None:
    for registered in (f"http://{host}/cb", f"http://{host}:4711/cb"):
        for presented in (f"http://{host}/cb", f"http://{host}:51004/cb"):
            assert match_redirect_uri((registered,), presented, "native")


@pytest.mark.parametrize(
    "presented",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?a=1",
        "http://127.0.0.1:51004/cb#a",
        "http://127.0.0.1:51004@evil.example/cb",
        "http://127.0.0.1:51004.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:123456/cb",
        "http://127.0.0.1:٥/cb",
        "http://127.0.0.2:51004/cb",
        "http://[::1]:51004/cb",
        "http://localhost:51004/cb",
        "https://127.0.0.1:51004/cb",
    ],
)
def test_nothing_but_the_port_may_differ(presented: str) -> None:
    assert not match_redirect_uri(("http://127.0.0.1:4711/cb",), presented, "native")


def test_the_port_of_a_web_application_or_of_localhost_is_exact() -> None:
    assert not match_redirect_uri(("http://127.0.0.1:1/cb",), "http://127.0.0.1:2/cb", "web")
    assert not match_redirect_uri(("http://localhost:1/cb",), "http://localhost:2/cb", "native")


# Addresses of documents and endpoints (RFC 7591 §5)


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/jwks",
        "https://client.example",
        "https://Client.Example:8443/a?b=c&d",
        "http://localhost:9000/jwks",
        "http://test.bed/jwks",
    ],
)
def test_an_address_where_a_document_may_be(uri: str) -> None:
    assert is_document_uri(uri, {"localhost", "test.bed"})


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https:",
        "https://",
        "client.example/jwks",
        "http://client.example/jwks",
        "http://localhost.client.example/jwks",
        "http://localhost@client.example/jwks",
        "https://user@client.example/jwks",
        "https://user:password@client.example/jwks",
        "https://client.example/jwks#key",
        "https://client.example/jwks#",
        "https://client.example/\\jwks",
        "https://client.example/jw ks",
        "https://client.example/jwks\n",
        "https://client.example:99999/",
        "https://client.example:/jwks",
        "https://[::1/jwks",
        "https://bücher.example/",
        "ftp://client.example/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "javascript:alert(1)",
        "https://client.example/" + "a" * 2000,
    ],
)
def test_an_address_where_no_document_may_be(uri: str) -> None:
    assert not is_document_uri(uri, {"localhost", "test.bed"})


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_the_address_of_a_document_or_not(uri: str) -> None:
    if is_document_uri(uri, {"localhost"}):
        assert uri.startswith(("https://", "http://localhost"))
