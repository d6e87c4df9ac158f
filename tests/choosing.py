"""Which of the collected tests do not run."""

from collections.abc import Iterable

import pytest


def second_engine(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What is marked `one_engine` runs on SQLite alone: a parser, a script, a page's looks."""
    return {
        item
        for item in items
        if item.get_closest_marker("one_engine") and item.get_closest_marker("postgresql")
    }


def further_cases(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """All but one case of each test: the first by name, so that it is the same in any order."""
    first: dict[str, pytest.Item] = {}
    for item in sorted(items, key=lambda each: each.nodeid):
        first.setdefault(item.nodeid.partition("[")[0], item)
    return set(items) - set(first.values())
