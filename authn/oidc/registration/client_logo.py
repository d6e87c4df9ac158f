"""/clients/{client_id}/logo: the logo of an application, served from our own address.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), `logo_uri`. Pages of ours load
nothing from elsewhere: whoever published the logo would learn who signs in, and when. So the logo
is fetched, kept for a while, and served as a picture and nothing else.
"""

from html import escape

from starlette.responses import Response

from authn.clients.client_metadata import value_in_language
from authn.clients.clients import find_client
from authn.errors import N_, NotFound
from authn.web.documents import remembered_document
from authn.web.languages import LANGUAGES
from authn.web.outgoing import NoAnswer
from authn.web.pictures import picture_media_type
from authn.web.request import Request
from authn.web.routing import protocol_route

HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
FOR_NOW = {"Cache-Control": "public, max-age=30"}
_LETTER = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44">
<rect width="44" height="44" fill="#14213d"/>
<text x="22" y="29" fill="#fff" font-family="sans-serif" font-size="20" font-weight="700"
 text-anchor="middle">{letter}</text>
</svg>
"""


def client_logo(request: Request) -> Response:
    """The picture of the logo; the first letter of the client's name where there is none to show.

    Raises `NotFound` for a client without a logo in this language.
    """
    client = find_client(request.connection, request.path_params["client_id"])
    language = request.query.get("language", "")
    uri = value_in_language(client.metadata.logo_uris, language) if client else ""
    if client is None or not uri or language not in LANGUAGES:
        raise NotFound("not_found", N_("The page you asked for does not exist."))
    try:
        picture = remembered_document(request.site, uri, request.now)
    except NoAnswer:
        picture = b""
    media_type = picture_media_type(picture)
    if media_type is None:
        letter = escape(client.display_name(language)[:1].upper())
        drawing = _LETTER.format(letter=letter)
        return Response(drawing, headers=HEADERS | FOR_NOW, media_type="image/svg+xml")
    return Response(picture, headers=HEADERS, media_type=media_type)


routes = [protocol_route("/clients/{client_id}/logo", client_logo, methods=["GET"])]
