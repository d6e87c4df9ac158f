"""The lines of the file "My activity"."""

from collections.abc import Callable
from typing import Final

from authn.errors import N_
from authn.people.ssin import BRUSSELS
from authn.views.activity import ActivityEntry
from authn.views.activity_words import KINDS
from authn.web.csv_lines import csv_line

COLUMNS: Final = (
    N_("When"),
    N_("Kind"),
    N_("What happened"),
    N_("Application"),
    N_("Device"),
    N_("In which capacity"),
    N_("Service"),
    N_("What was asked"),
    N_("By whom"),
    N_("Why"),
    N_("Reference"),
)


def header_line(translate: Callable[[str], str]) -> bytes:
    """The first line: what the columns are."""
    return csv_line(translate(each) for each in COLUMNS)


def line_of(entry: ActivityEntry, translate: Callable[[str], str]) -> bytes:
    """One thing that happened. For whom somebody acted stays out: a file goes further than a page,
    and that is another person's name."""
    return csv_line(
        [
            entry.at.astimezone(BRUSSELS).isoformat(timespec="seconds"),
            translate(KINDS[entry.kind]),
            entry.what,
            entry.application,
            entry.device,
            entry.capacity_kind,
            entry.resource,
            entry.data,
            entry.by,
            entry.why,
            "" if entry.reference == "-" else entry.reference,
        ]
    )
