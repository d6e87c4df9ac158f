"""What the fuzz chooses from: mostly what leads on, now and then what does not."""

import json
from typing import Any

from hypothesis import strategies as st

from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from tests.oidc.fuzz_model import Detail
from tests.oidc.fuzz_parties import NAMES
from tests.oidc.fuzz_proofs import CHANGES, RIGHT
from tests.oidc.fuzz_world import USERINFO
from tests.oidc.relying_party import VERIFIER
from tests.oidc.resource_servers import API

APPLICATIONS = st.sampled_from(NAMES)
SCREENS = st.sampled_from((0, 1))
ANY = st.integers(min_value=0, max_value=10**6)
NEARLY_ALWAYS = st.sampled_from((True, True, True, True, False))
OFFLINE = frozenset({"openid", "profile", "offline_access"})
SCOPES = st.sampled_from(
    (
        frozenset({"openid"}),
        OFFLINE,
        frozenset({"openid", "letters", "offline_access"}),
        frozenset({"openid", "letters", "drafts"}),
        frozenset({"letters"}),
    )
)
NARROWER = st.sampled_from((None, None, None, "openid", "openid letters", "profile", "drafts"))
VERIFIERS = st.sampled_from((VERIFIER, "x" * 43))
PROMPTS = st.sampled_from((None, None, None, None, None, "none", "consent", "login"))


class Garbage(str):
    """A text that a report shows the beginning of."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(str(self[:20]))


WORDS = ("x", "a.b.c", "..", "%00", "\x00", "-1", " ", "[]", "{", "null", "https://[")
LONG_ONES = ("\u00e9" * 9, "x" * 5000, "9" * 400, "[" * 3000)
SHAPED = ("eyJhbGciOiJub25lIn0.e30.", '[{"type": 1}]')
GARBAGE = st.sampled_from([*map(Garbage, WORDS + LONG_ONES + SHAPED)])
PASSING = st.sampled_from((0, 1, 1, 9, 11, 30, 61, 91, 301))
WRONG_PROOFS = ("used before", "a.b.c", *(each for each in CHANGES if each not in RIGHT))
PROOFS = st.sampled_from((*("none",) * 16, *RIGHT * 4, *WRONG_PROOFS))


def detail(*actions: str, location: str = API, **more: Any) -> Detail:
    """One that says what may be done there."""
    return {"type": ACTIONS_AT_RESOURCE, "locations": [location], "actions": [*actions], **more}


DETAILS = st.sampled_from(
    (
        *((),) * 5,
        (detail("letters"),),
        (detail("letters", "drafts"),),
        (detail("drafts", identifier="rx:1"), detail("letters")),
    )
)
# What a token request says beside what it must: for this token alone.
PARTS: tuple[dict[str, str], ...] = (
    {"resource": API},
    {"resource": USERINFO},
    {"resource": "https://other.example/"},
    {"authorization_details": json.dumps([detail("letters")])},
    {"authorization_details": json.dumps([detail("letters", "drafts")])},
    {"authorization_details": json.dumps([detail("drafts", identifier="rx:1")])},
    {"authorization_details": json.dumps([detail("drafts", identifier="rx:2")])},
    {"authorization_details": json.dumps([detail("letters", location=USERINFO)])},
    {"authorization_details": "[" * 3000, "resource": API},
)
EXTRAS = st.sampled_from((*({},) * len(PARTS), *PARTS))
METHODS = st.sampled_from(("GET", "GET", "HEAD", "DELETE"))
