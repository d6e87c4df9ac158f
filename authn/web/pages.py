"""Pages: Jinja templates in four languages, with dates in words and versioned static files."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from authn.web.languages import LANGUAGES, Catalogues, load_catalogues

PACKAGE = Path(__file__).parent.parent
LOCALE = {"nl": "nl_BE", "fr": "fr_BE", "de": "de_BE", "en": "en_GB"}
BRUSSELS = ZoneInfo("Europe/Brussels")


def _folder(name: str) -> Path:
    """The folder inside the installed package, else the one beside it in the source tree."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


TEMPLATES = _folder("templates")
STATIC = _folder("static")


class Pages:
    """The templates of one service, once for each language."""

    def __init__(self, catalogues: Catalogues, service_name: str) -> None:
        self.version = _version(STATIC)
        self.catalogues = catalogues
        self._environments = {
            language: self._environment(language, service_name) for language in LANGUAGES
        }

    def render(self, template: str, language: str, context: dict[str, Any]) -> str:
        """The page in this language."""
        return self._environments[language].get_template(template).render(context)

    def translate(self, message: str, language: str) -> str:
        """A message id that was marked with `N_`, in this language."""
        return self.catalogues[language].gettext(message) if message else ""

    def date(self, day: date, language: str) -> str:
        """A calendar date in words."""
        return format_date(day, format="long", locale=LOCALE[language])

    def language_name(self, code: str, language: str) -> str:
        """The name of a language, in another one."""
        return Locale.parse(code).get_display_name(LOCALE[language]) or code

    def _environment(self, language: str, service_name: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        catalogue = self.catalogues[language]
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        environment.globals.update(
            language=language,
            languages=list(LANGUAGES.items()),
            service_name=service_name,
            static=lambda name: f"/static/{self.version}/{name}",
        )
        environment.filters.update(_date_filters(LOCALE[language], catalogue.gettext))
        return environment


@lru_cache
def load_pages(service_name: str) -> Pages:
    """The pages of a service of this name, read once by each process; they never change in it."""
    return Pages(load_catalogues(), service_name)


def _day_of(moment: datetime | date) -> date:
    """The Belgian day; a day is one already."""
    return moment.astimezone(BRUSSELS).date() if isinstance(moment, datetime) else moment


def _date_filters(locale: str, gettext: Callable[[str], str]) -> dict[str, Callable[..., str]]:
    def in_date(moment: datetime | date) -> str:
        return format_date(_day_of(moment), format="long", locale=locale)

    def in_day(moment: datetime) -> str:
        """`Tuesday 3 March 2026`, as the heading of what happened on that day."""
        return format_date(_day_of(moment), format="full", locale=locale)

    def in_time(moment: datetime) -> str:
        return format_time(moment, format="short", tzinfo=BRUSSELS, locale=locale)

    def in_datetime(moment: datetime) -> str:
        return format_datetime(moment, format="medium", tzinfo=BRUSSELS, locale=locale)

    def in_words(moment: datetime) -> str:
        """`Tuesday 3 March 2026 at 10:30`, for a moment that somebody waits for."""
        day = in_day(moment)
        time = format_time(moment, format="short", tzinfo=BRUSSELS, locale=locale)
        return gettext("%(day)s at %(time)s") % {"day": day, "time": time}

    @pass_context
    def ago(context: Context, moment: datetime) -> str:
        """Today and yesterday by their name and with the time, anything older by its date."""
        days = (_day_of(context["now"]) - _day_of(moment)).days
        time = format_time(moment, format="short", tzinfo=BRUSSELS, locale=locale)
        if days == 0:
            return gettext("today at %(time)s") % {"time": time}
        if days == 1:
            return gettext("yesterday at %(time)s") % {"time": time}
        return in_date(moment)

    return {
        "date": in_date,
        "datetime": in_datetime,
        "day": in_day,
        "time": in_time,
        "in_words": in_words,
        "ago": ago,
    }


def _version(folder: Path) -> str:
    """A hash of every static file: their addresses change when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
