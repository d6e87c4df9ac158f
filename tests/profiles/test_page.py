"""The documentation of the claims is made from the table of them."""

import json
import re

from authn.profiles.kinds import KINDS
from tools import profiles_page


def test_the_page_is_up_to_date() -> None:
    assert profiles_page.PAGE.read_text(encoding="utf-8") == profiles_page.page(), "run `make docs`"


def test_every_kind_has_an_example_of_its_own() -> None:
    examples = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", _page(), re.DOTALL)]
    assert len([each for each in examples if "may_act" not in each and "sub" not in each]) == len(
        KINDS
    )
    assert set(profiles_page.SAMPLES) == set(KINDS)
    for name in KINDS:
        assert f"## `{name}`" in _page()


def _page() -> str:
    return profiles_page.page()
