"""Every event is documented: its docstring is what operators and auditors read."""

from dataclasses import is_dataclass

import pytest

from authn.audit.catalogue import event_classes
from authn.audit.events.event import Event
from tools import audit_page

EVENTS = tuple(event_classes())


@pytest.mark.one_engine
def test_the_page_on_file_is_what_the_events_say() -> None:
    assert audit_page.PAGE.read_text(encoding="utf-8") == audit_page.page(), "run `make docs`"


@pytest.mark.one_engine
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_it_says_in_a_sentence_what_happened(event: type[Event]) -> None:
    assert is_dataclass(event)
    words = (event.__doc__ or "").strip()
    # A dataclass without a docstring gets its signature for one.
    assert not words.startswith(f"{event.__name__}(")
    assert len(words.split()) >= 4
    assert words.rstrip(")").endswith((".", "`"))


@pytest.mark.one_engine
def test_no_two_are_called_the_same() -> None:
    names = [event.name for event in EVENTS]
    assert len(set(names)) == len(names)
