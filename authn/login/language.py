"""The language that an application asks our pages to speak (`ui_locales`, Core §3.1.2.1)."""

from dataclasses import replace

from starlette.responses import Response

from authn.web.cookies import LANGUAGE, cookie_name, set_cookie
from authn.web.languages import choose_language
from authn.web.request import Request


def in_language_asked(request: Request, ui_locales: str) -> Request:
    """The request in the first of these languages that is ours, for this one answer.

    As it was where the person chose a language here before, or none of them is.
    """
    language = _asked(request, ui_locales)
    return replace(request, language=language) if language else request


def speak_language_asked(request: Request, response: Response, ui_locales: str) -> Response:
    """The response, after which this browser's pages speak that language too."""
    if language := _asked(request, ui_locales):
        set_cookie(response, request.settings, LANGUAGE, language)
    return response


def _asked(request: Request, ui_locales: str) -> str:
    if cookie_name(request.settings, LANGUAGE) in request.cookies:
        return ""
    return choose_language(ui_locales.split(), default="")
