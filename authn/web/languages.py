"""The four languages: which one a page speaks, and its catalogue.

Catalogues are read from their `.po` files at start: nothing compiled lies about that could be
older than its source.
"""

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import HTTPConnection

from authn.settings import Settings
from authn.web.cookies import LANGUAGE, cookie_name

LANGUAGES = {"nl": "Nederlands", "fr": "Français", "de": "Deutsch", "en": "English"}
SOURCE_LANGUAGE = "en"
LONGEST_HEADER = 500
LOCALES = Path(__file__).parent.parent / "locales"

Catalogues = dict[str, NullTranslations]


def load_catalogues() -> Catalogues:
    """The translations of every language; English is the source and needs none."""
    catalogues: Catalogues = {SOURCE_LANGUAGE: NullTranslations()}
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            catalogues[language] = _compile(LOCALES / language / "LC_MESSAGES" / "messages.po")
    return catalogues


def _compile(path: Path) -> Translations:
    compiled = BytesIO()
    with open(path, "rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return Translations(compiled)


def choose_language(wishes: Sequence[str], default: str) -> str:
    """The first of ours among language tags in order of preference, `fr-BE` counting as `fr`."""
    for wish in wishes:
        language = wish.split("-")[0].strip().lower()
        if language in LANGUAGES:
            return language
    return default


def accepted_languages(header: str) -> tuple[str, ...]:
    """The tags of an Accept-Language header, most wanted first (RFC 9110 §12.5.4)."""
    return _accepted_languages(header[:LONGEST_HEADER])


@lru_cache(maxsize=1000)
def _accepted_languages(header: str) -> tuple[str, ...]:
    # What is remembered is short: a thousand headers as long as their senders like fill the memory.
    weighted: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, parameters = part.partition(";")
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                quality = 0.0
        if tag.strip() and quality > 0:
            weighted.append((-quality, tag.strip()))
    return tuple(tag for _, tag in sorted(weighted, key=lambda item: item[0]))


def request_language(http: HTTPConnection, settings: Settings) -> str:
    """The language that this browser chose here, else the one it prefers, else the default."""
    chosen = http.cookies.get(cookie_name(settings, LANGUAGE), "")
    wishes = (chosen, *accepted_languages(http.headers.get("accept-language", "")))
    return choose_language(wishes, settings.default_language)
