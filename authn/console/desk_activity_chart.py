"""The chart of a desk's days: bars as numbers, drawn by the template; its table says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from authn.console.desk_activity import CHARTED, CountedActivity

WIDTH: Final = 700
HEIGHT: Final = 160
GAP: Final = 0.25
"""Of the room that a day has, what is left free."""


@dataclass(frozen=True, slots=True)
class ChartPiece:
    """A part of a bar: which group, and where."""

    group: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ChartLabel:
    """Under which bar which day is written."""

    x: float
    day: date


@dataclass(frozen=True, slots=True)
class ActivityChart:
    """What is drawn; `top` is how many the whole height stands for."""

    width: int
    height: int
    top: int
    pieces: list[ChartPiece]
    labels: list[ChartLabel]


def chart_of(days: Sequence[CountedActivity]) -> ActivityChart:
    """A bar for each day, its groups one upon another."""
    top = rounded_up(max(_total(each) for each in days))
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


def rounded_up(most: int) -> int:
    """The next of 5, 10, 20, 50, 100 and so on that is not less."""
    step = 5
    while True:
        for times in (1, 2, 4):
            if most <= step * times:
                return step * times
        step *= 10


def _total(each: CountedActivity) -> int:
    return sum(each.counts.get(group, 0) for group in CHARTED)
