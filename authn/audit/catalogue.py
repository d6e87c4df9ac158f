"""Which events there are, and what each means: the docstring of its class documents it."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache

import authn.audit
from authn.audit.events import Event


@cache
def every_event() -> Mapping[str, type[Event]]:
    """By the name that a row has: the class of each event that there is, in the order of names."""
    for module in pkgutil.iter_modules(authn.audit.__path__):
        if module.name.endswith("events"):
            importlib.import_module(f"authn.audit.{module.name}")
    return {event.name: event for event in sorted(_below(Event), key=lambda event: event.name)}


def meaning_of(event: type[Event]) -> str:
    """What happened when such a row is written, in English, with code between backquotes."""
    return " ".join(inspect.cleandoc(event.__doc__ or "").split())


def _below(event: type[Event]) -> Iterator[type[Event]]:
    for each in event.__subclasses__():
        yield from _below(each)
        # A dataclass with slots is made anew: the class as it was written is still there too.
        if vars(sys.modules[each.__module__]).get(each.__name__) is each and hasattr(each, "name"):
            yield each
