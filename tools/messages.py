"""Takes every sentence of the source over into the catalogues of nl, fr and de (`make messages`).

New sentences come without translation, changed ones are not guessed at, vanished ones are dropped.
"""

from datetime import UTC, datetime
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "authn" / "locales"
TRANSLATED = ("nl", "fr", "de")
# `N_` marks a sentence where it is written; it is translated where it is shown.
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
SOURCES = {"authn": ("**.py", "python", {}), "templates": ("**.*", "jinja2", {"silent": "false"})}
JINJA = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def extract() -> Catalog:
    """Every sentence that a person may see, as it stands in the source now."""
    catalogue = Catalog(project="authn")
    for folder, (pattern, method, options) in SOURCES.items():
        found = extract_from_dir(
            str(ROOT / folder),
            method_map=[(pattern, method)],
            options_map={pattern: options | (JINJA if method == "jinja2" else {})},
            keywords=KEYWORDS,
        )
        for file_name, line, message, comments, context in found:
            location = (f"{folder}/{Path(file_name).as_posix()}", line)
            catalogue.add(message, None, [location], auto_comments=comments, context=context)
    return catalogue


def read_catalogue(language: str) -> Catalog:
    """The catalogue of a language as it is on file; an empty one when there is none."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(
            locale=language,
            header_comment=f"# {Locale(language).english_name}",
            project="authn",
            version="1",
            last_translator="-",
            revision_date=datetime.now(UTC),
            language_team=language,
            msgid_bugs_address="-",
            fuzzy=False,
        )
    with path.open("rb") as file:
        return read_po(file, locale=language)


def missing(language: str, source: Catalog) -> list[str]:
    """The sentences that this language does not have; a guess (fuzzy) counts as missing."""
    present = read_catalogue(language)
    found = []
    for message in source:
        if not message.id:
            continue
        translation = present.get(message.id, message.context)
        if translation is None or translation.fuzzy or not _is_complete(translation.string):
            found.append(str(message.id))
    return found


def _is_complete(translation: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(translation) if isinstance(translation, tuple | list) else bool(translation)


def main() -> None:
    """Every catalogue on file holds exactly the sentences of the source."""
    source = extract()
    for language in TRANSLATED:
        catalogue = read_catalogue(language)
        source.creation_date = catalogue.creation_date  # else every run changes every file
        catalogue.update(source, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, sort_by_file=True, include_lineno=False)
        print(f"{language}: {len(missing(language, source))} of {len(source)} to translate")


if __name__ == "__main__":
    main()
