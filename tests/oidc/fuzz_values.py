"""What the fuzz chooses from: mostly what leads on, now and then what does not."""

from hypothesis import strategies as st

from tests.oidc.fuzz_world import NAMES, World
from tests.oidc.relying_party import VERIFIER

APPLICATIONS = st.sampled_from(NAMES)
SCREENS = st.sampled_from((0, 1))
ANY = st.integers(min_value=0, max_value=10**6)
NEARLY_ALWAYS = st.sampled_from((True, True, True, True, False))
OFFLINE = "openid profile offline_access"
SCOPES = st.sampled_from(
    (
        "openid",
        OFFLINE,
        "openid letters offline_access",
        "letters",
    )
)
NARROWER = st.sampled_from((None, None, None, "openid", "openid letters", "profile"))
VERIFIERS = st.sampled_from((VERIFIER, "x" * 43))
PROMPTS = st.sampled_from((None, None, None, None, None, "none", "consent", "login"))
GARBAGE = st.sampled_from(
    ("x", "a.b.c", "\u00e9" * 9, "..", "x" * 5000, "%00", "eyJhbGciOiJub25lIn0.e30.")
)
PASSING = st.sampled_from((0, 1, 1, 9, 11, 30, 61, 91, 301))
ENDS = st.sampled_from(
    (
        World.signed_out,
        World.signed_out_everywhere,
        World.signed_out_of_everything,
        World.withdrawn,
        World.suspended,
        World.suspended_and_resumed,
        World.unlinked,
        World.client_ended,
        World.long_after,
    )
)
