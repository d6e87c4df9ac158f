"""Until when a consent holds: to the end of a Belgian day, whatever the hour of the choice."""

from datetime import UTC, datetime

import pytest

from authn.consents.consents import DEFAULT_END, END_TEXTS, LAST_DAYS, consent_end

pytestmark = pytest.mark.one_engine

# In winter Brussels is an hour before UTC, in summer two.
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("choice", "now", "end"),
    [
        ("today", NOON, datetime(2026, 3, 2, 23, 0, tzinfo=UTC)),
        # There it is the third already.
        (
            "today",
            datetime(2026, 3, 2, 23, 30, tzinfo=UTC),
            datetime(2026, 3, 3, 23, 0, tzinfo=UTC),
        ),
        ("month", NOON, datetime(2026, 4, 2, 22, 0, tzinfo=UTC)),
        (
            "month",
            datetime(2026, 1, 31, 12, tzinfo=UTC),
            datetime(2026, 2, 28, 23, tzinfo=UTC),
        ),
        (
            "month",
            datetime(2026, 12, 31, 12, tzinfo=UTC),
            datetime(2027, 1, 31, 23, tzinfo=UTC),
        ),
        ("year", NOON, datetime(2027, 3, 2, 23, 0, tzinfo=UTC)),
        (
            "year",
            datetime(2028, 2, 29, 12, tzinfo=UTC),
            datetime(2029, 2, 28, 23, tzinfo=UTC),
        ),
    ],
)
def test_it_holds_to_the_end_of_the_last_day(choice: str, now: datetime, end: datetime) -> None:
    assert consent_end(choice, now) == end


def test_by_default_it_holds_until_it_is_taken_back() -> None:
    assert consent_end(DEFAULT_END, NOON) is None
    assert LAST_DAYS.keys() == END_TEXTS.keys()


def test_what_is_not_offered_is_no_choice() -> None:
    with pytest.raises(KeyError):
        consent_end("century", NOON)
