"""The endpoint of the pictures of models of authenticators, on our own origin."""

from uuid import UUID

from starlette.responses import Response

from authn.errors import N_, NotFound
from authn.web.request import Request
from authn.web.routing import NO_DATABASE, json_route
from authn.webauthn.models.names import model_picture

# Opened by itself, a picture may style itself and do nothing else: no script, no request.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
CACHE_CONTROL = "public, max-age=2592000, immutable"  # 30 days


def device_model(request: Request) -> Response:
    """GET /device-models/{aaguid}: the picture of a model; raises `NotFound` without one."""
    aaguid: UUID = request.path_params["aaguid"]
    picture = model_picture(request.site, aaguid)
    if picture is None:
        raise NotFound("not_found", N_("There is no picture of this model."))
    headers = {
        "Cache-Control": CACHE_CONTROL,
        "Content-Security-Policy": PICTURE_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(picture.content, media_type=picture.media_type, headers=headers)


routes = [
    # `uuid` takes 32 hexadecimal digits with or without hyphens; NO_DATABASE: all is in memory.
    json_route("/device-models/{aaguid:uuid}", device_model, method="GET", writes=NO_DATABASE),
]
