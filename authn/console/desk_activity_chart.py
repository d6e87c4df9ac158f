"""The chart of a desk's activity by day: sizes of bars, which the template draws as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from authn.console.desk_activity import CHARTED, ActivityCounts

WIDTH: Final = 700
HEIGHT: Final = 160
GAP: Final = 0.25
"""The part of a day's width that is left free."""


@dataclass(frozen=True, slots=True)
class ChartPiece:
    """A part of a bar: the group of events, and its rectangle."""

    group: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ChartLabel:
    """The day that is written under a bar."""

    x: float
    day: date


@dataclass(frozen=True, slots=True)
class ActivityChart:
    """The bars and labels to draw; `top` is the count that the whole height stands for."""

    width: int
    height: int
    top: int
    pieces: list[ChartPiece]
    labels: list[ChartLabel]


def build_chart(days: Sequence[ActivityCounts]) -> ActivityChart:
    """A bar for each day, its groups stacked."""
    top = round_up(max(_total(each) for each in days))
    room = WIDTH / len(days)
    pieces, labels = [], []
    for index, each in enumerate(days):
        assert isinstance(each.of, date)
        x, y = (index + GAP / 2) * room, float(HEIGHT)
        for group in CHARTED:
            height = each.counts.get(group, 0) / top * HEIGHT
            y -= height
            if height:
                sizes = (x, y, room * (1 - GAP), height)
                pieces.append(ChartPiece(group, *(round(size, 1) for size in sizes)))
        labels.append(ChartLabel(round((index + 0.5) * room, 1), each.of))
    return ActivityChart(WIDTH, HEIGHT, top, pieces, labels)


def round_up(most: int) -> int:
    """The smallest of 5, 10, 20, 50, 100 and so on that is not less than the number."""
    step = 5
    while True:
        for times in (1, 2, 4):
            if most <= step * times:
                return step * times
        step *= 10


def _total(each: ActivityCounts) -> int:
    return sum(each.counts.get(group, 0) for group in CHARTED)
