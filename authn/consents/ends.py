"""Until when a consent holds, as the person chooses it: always to the end of a Belgian day."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta

from authn.errors import N_
from authn.people.ssin import today_in_brussels
from authn.sources.facts import midnight


def _months_later(day: date, months: int) -> date:
    """The same day so many months later; the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# What can be chosen: the last day on which it holds, None where that is until it is taken back.
LAST_DAYS: dict[str, Callable[[date], date | None]] = {
    "withdrawn": lambda today: None,
    "year": lambda today: _months_later(today, 12),
    "month": lambda today: _months_later(today, 1),
    "today": lambda today: today,
}
DEFAULT = "withdrawn"
WORDS = {
    "withdrawn": N_("Until I take it back"),
    "year": N_("For one year"),
    "month": N_("For one month"),
    "today": N_("Only today"),
}


def ends_at(choice: str, now: datetime) -> datetime | None:
    """The first instant at which it holds no more; raises `KeyError` for what can't be chosen."""
    last_day = LAST_DAYS[choice](today_in_brussels(now))
    return midnight(last_day + timedelta(days=1)) if last_day else None
