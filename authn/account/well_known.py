"""The documents about the RP ID at well-known addresses, for browsers and apps (decisions 2.5).

Each document is about the RP ID, so it belongs at the RP ID's host (docs/origins.md says what to do
where that is not the service's). All are public, without a redirect, and empty when the settings
name nothing.
"""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from authn.settings import Settings
from authn.web.site import Site

# Read by browsers and by the servers of Google and Apple; an hour is what a change may take.
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


def related_origins(settings: Settings) -> Any:
    """WebAuthn Level 3 §5.11: which sites may use keys of our RP ID."""
    return {"origins": list(settings.related_origins)}


def passkey_endpoints(settings: Settings) -> Any:
    """The addresses to which a key manager sends people (https://www.w3.org/TR/passkey-endpoints/)."""
    return {
        "enroll": f"{settings.issuer}/devices/add",
        "manage": f"{settings.issuer}/devices",
    }


def asset_links(settings: Settings) -> Any:
    """Digital Asset Links: Android apps that may use our keys, and nothing else of ours.

    https://developers.google.com/digital-asset-links. No `handle_all_urls`: a link of ours opens in
    the browser, where the cookies are.
    """
    fingerprints: dict[str, list[str]] = {}
    for app in settings.android_apps:
        fingerprints.setdefault(app.package, []).append(app.fingerprint)
    return [
        {
            "relation": ["delegate_permission/common.get_login_creds"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": of_package,
            },
        }
        for package, of_package in fingerprints.items()
    ]


def apple_app_site_association(settings: Settings) -> Any:
    """Apple apps that may use our keys (Associated Domains, service `webcredentials`)."""
    return {"webcredentials": {"apps": list(settings.apple_apps)}}


DOCUMENTS: dict[str, Callable[[Settings], Any]] = {
    "/.well-known/webauthn": related_origins,
    "/.well-known/passkey-endpoints": passkey_endpoints,
    "/.well-known/assetlinks.json": asset_links,
    "/.well-known/apple-app-site-association": apple_app_site_association,
}


async def well_known_document(http: HttpRequest) -> Response:
    """The well-known document at the address of the request."""
    site: Site = http.app.state.site
    content = DOCUMENTS[http.scope["path"]](site.settings)
    return Response(orjson.dumps(content), media_type="application/json", headers=OPEN_TO_ALL)


routes = [Route(path, well_known_document, methods=["GET"]) for path in DOCUMENTS]
