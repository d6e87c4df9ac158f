"""The tables at the head of these modules are true: each test that they name is there."""

import re
from pathlib import Path

import pytest

OIDC = Path(__file__).parent.parent
PLANS = sorted(path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
NAMED = re.compile(r"\b(?:(test_\w+)\.)?(test_\w+)\b")

pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]


def named_in(path: Path) -> set[str]:
    """The tests of a module."""
    return set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def rows(path: Path) -> list[tuple[str, str]]:
    """Each module of the suite, and what is written beside it."""
    table = path.read_text(encoding="utf-8").split('"""')[1].replace("\\\n", "")
    return re.findall(r"^([a-z][\w ,().§'-]+): (.+)$", table, re.MULTILINE)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_each_test_that_is_named_exists(path: Path) -> None:
    assert rows(path)
    for module, told in rows(path):
        named = NAMED.findall(told)
        assert named or "- " in told, module
        for there, name in named:
            homes = (Path(__file__).parent, OIDC) if there else ()
            files = [home / f"{there}.py" for home in homes] or [path]
            found = set().union(*(named_in(file) for file in files if file.exists()))
            assert name in found, (module, there, name)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_each_test_is_named(path: Path) -> None:
    named = {name for _, told in rows(path) for there, name in NAMED.findall(told) if not there}
    assert named_in(path) - named == set()
