"""Every audit event that there is, and what each means: the docstring of its class."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache

import authn.audit.events
from authn.audit.events.event import Event


@cache
def events_by_name() -> Mapping[str, type[Event]]:
    """By the name that a row has: the class of each event that there is, in the order of names."""
    return {event.name: event for event in event_classes()}


def event_classes() -> list[type[Event]]:
    """The class of each event, in the order of names; two would be beside each other."""
    for module in pkgutil.iter_modules(authn.audit.events.__path__):
        importlib.import_module(f"authn.audit.events.{module.name}")
    return sorted(_below(Event), key=lambda event: event.name)


def event_meaning(event: type[Event]) -> str:
    """What happened when such a row is written, in English, with code between backquotes."""
    return " ".join(inspect.cleandoc(event.__doc__ or "").split())


def _below(event: type[Event]) -> Iterator[type[Event]]:
    for each in event.__subclasses__():
        yield from _below(each)
        # A dataclass with slots is made anew: the class as it was written is still there too.
        if vars(sys.modules[each.__module__]).get(each.__name__) is each and hasattr(each, "name"):
            yield each
