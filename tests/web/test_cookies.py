"""What a Set-Cookie header of ours says: RFC 6265 (https://www.rfc-editor.org/rfc/rfc6265)."""

from datetime import timedelta

import pytest
from starlette.responses import Response

from authn.settings import Settings
from authn.web.cookies import BROWSER, set_cookie

pytestmark = pytest.mark.one_engine


def written(settings: Settings, value: str, lifetime: timedelta | None = None) -> str:
    response = Response()
    set_cookie(response, settings, BROWSER, value, lifetime)
    return response.headers["set-cookie"]


@pytest.mark.parametrize("lifetime", [None, timedelta(days=1)])
@pytest.mark.parametrize("issuer", ["https://login.example", "http://localhost:8000"])
def test_it_is_as_starlette_writes_it(
    settings: Settings, issuer: str, lifetime: timedelta | None
) -> None:
    settings = settings.model_copy(update={"issuer": issuer})
    secure = issuer.startswith("https")
    theirs = Response()
    theirs.set_cookie(
        "__Host-authn-browser" if secure else "authn-8000-browser",
        "a-token_of.ours",
        max_age=86_400 if lifetime else None,
        secure=secure,
        httponly=True,
    )
    assert written(settings, "a-token_of.ours", lifetime) == theirs.headers["set-cookie"]


@pytest.mark.parametrize("value", ["", "a; Domain=x", "a b", "a\r\nb: c", "a,b", '"a"', "\u00e9"])
def test_a_value_that_is_none_of_ours_is_written_nowhere(settings: Settings, value: str) -> None:
    with pytest.raises(ValueError, match="not the value"):
        written(settings, value)
