"""Whose word is taken about who connects: that of the trusted proxies, and of nobody else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from authn.settings import Settings
from authn.web.proxies import CLIENT_CERTIFICATE, TrustedProxies

pytestmark = pytest.mark.one_engine
PROXY = "10.0.0.1"
CLIENT = "203.0.113.7"
OF_THE_CONNECTION = {"tls": {"client_cert_chain": ("of the connection", "its issuer")}}


def seen(
    settings: Settings,
    peer: str | None,
    *headers: tuple[str, str],
    extensions: dict[str, Any] | None = None,
) -> tuple[str | None, str]:
    """The address and the certificate of the client, as the application finds them."""
    scopes: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        """Nothing is answered."""

    scope: Scope = {
        "type": "http",
        "client": (peer, 1) if peer else None,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "extensions": extensions or {},
    }
    # In a thread of its own: where a browser was driven before, this one has a loop already.
    with ThreadPoolExecutor(1) as pool:
        answering = TrustedProxies(application, settings)(scope, receive, send)
        pool.submit(asyncio.run, answering).result()
    client = scopes[0]["client"]
    return client[0] if client else None, scopes[0].get(CLIENT_CERTIFICATE, "")


def behind(proxies: str, header: str = "") -> Settings:
    return Settings(trusted_proxies=proxies, client_certificate_header=header)


FORWARDED = ("X-Forwarded-For", CLIENT)
CERTIFICATE = ("Client-Cert", "of the proxy")


@pytest.mark.parametrize("proxies", [PROXY, f"192.0.2.1, {PROXY}", "10.0.0.0/8"])
def test_a_trusted_proxy_says_who_connects(proxies: str) -> None:
    settings = behind(proxies, "Client-Cert")
    assert seen(settings, PROXY, FORWARDED, CERTIFICATE) == (CLIENT, "of the proxy")


@pytest.mark.parametrize("peer", [CLIENT, "10.0.0.2", None])
def test_nobody_else_does(peer: str | None) -> None:
    settings = behind(PROXY, "Client-Cert")
    assert seen(settings, peer, ("X-Forwarded-For", PROXY), CERTIFICATE) == (peer, "")


def test_without_proxies_nobody_does() -> None:
    assert seen(behind(""), PROXY, FORWARDED, CERTIFICATE) == (PROXY, "")
    assert seen(behind(PROXY), PROXY, FORWARDED, CERTIFICATE) == (CLIENT, "")


def test_the_connection_says_it_itself_where_no_header_is_named() -> None:
    settings = behind("")
    assert seen(settings, CLIENT, extensions=OF_THE_CONNECTION) == (CLIENT, "of the connection")
    nothing: dict[str, Any]
    for nothing in ({}, {"tls": {}}, {"tls": {"client_cert_chain": ()}}):
        assert seen(settings, CLIENT, extensions=nothing) == (CLIENT, "")


def test_the_certificate_of_the_proxy_is_not_the_clients() -> None:
    settings = behind(PROXY, "Client-Cert")
    assert seen(settings, PROXY, extensions=OF_THE_CONNECTION) == (PROXY, "")


def test_a_header_that_comes_twice_says_nothing() -> None:
    settings = behind(PROXY, "Client-Cert")
    assert seen(settings, PROXY, CERTIFICATE, CERTIFICATE) == (PROXY, "")
