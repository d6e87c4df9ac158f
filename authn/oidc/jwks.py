"""/jwks: the public keys of the provider, as a JWK Set (RFC 7517 §5)."""

from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from authn.db.transaction import reading
from authn.keys.signing_keys import SigningKeys, current_keys, remembered_keys
from authn.web.site import Site

# Far shorter than a key is published before it signs (an hour at least), and short enough that a
# withdrawn one is soon gone everywhere.
MAX_AGE = timedelta(minutes=5)
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": f"public, max-age={int(MAX_AGE.total_seconds())}",
}


async def jwks(http: HttpRequest) -> Response:
    """The JWK Set; the database is asked at most once a minute."""
    site: Site = http.app.state.site
    keys = remembered_keys(site, site.clock())
    if keys is None:
        keys = await run_in_threadpool(_read_keys, site)
    return Response(keys.jwks, media_type="application/json", headers=HEADERS)


def _read_keys(site: Site) -> SigningKeys:
    with reading(site.database) as connection:
        return current_keys(site, connection, site.clock())


routes = [Route("/jwks", jwks)]
