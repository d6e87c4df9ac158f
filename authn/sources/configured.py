"""Which sources are real: settings say so, one by one, and nothing else does."""

from typing import Final

from authn.errors import CommandError
from authn.settings import Settings
from authn.sources.questions import SOURCES, SourceName
from authn.web.outgoing import is_this_machine

_VARIABLES: Final = {source: f"AUTHN_{source.upper()}_URL" for source in SOURCES}


def source_url(settings: Settings, source: SourceName) -> str:
    """Where the source is asked; "" for the embedded twin, and for our own register of staff."""
    if source not in SOURCES:
        return ""
    url: str = getattr(settings, f"{source}_url")
    return url


def is_embedded(settings: Settings, source: SourceName) -> bool:
    """Whether the embedded twin is this source, since it has no address in the settings."""
    return not source_url(settings, source)


def check_twins(settings: Settings) -> None:
    """No twin stands in for a source unawares; raises `CommandError`.

    On this machine it may. Anywhere else somebody must have said that the imported files are the
    source: whoever fills a twin decides who may act for whom.
    """
    if settings.embedded_sources or is_this_machine(settings.issuer):
        return
    twins = [_VARIABLES[source] for source in SOURCES if is_embedded(settings, source)]
    if twins:
        raise CommandError(
            f"No authentic source is configured for {' and '.join(twins)}. Set what is missing "
            "(docs/sources/README.md), or AUTHN_EMBEDDED_SOURCES=true if imported files are the "
            "source here."
        )
