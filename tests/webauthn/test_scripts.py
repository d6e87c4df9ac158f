"""What pages ask of the browser's WebAuthn: decisions 2.6 and 2.8.

WebAuthn Level 3 §5.1.3 (https://www.w3.org/TR/webauthn-3/#sctn-createCredential). Scripts are read
here; the journeys run them.
"""

import re
from datetime import timedelta
from pathlib import Path

from authn.webauthn.challenges import LIFETIME

SCRIPTS = Path(__file__).parents[2] / "static"


def test_no_key_is_made_without_asking() -> None:
    created = [
        options
        for script in SCRIPTS.glob("*.js")
        for options in re.findall(
            r"credentials\s*\.create\(([^;]*)\)", script.read_text(encoding="utf-8")
        )
    ]
    assert len(created) == 1
    assert "mediation" not in created[0]


def test_options_are_renewed_before_their_challenge_ends() -> None:
    script = (SCRIPTS / "webauthn.js").read_text(encoding="utf-8")
    [minutes] = re.findall(r"static LIFETIME = (\d+) \* 60_000;", script)
    assert timedelta(minutes=int(minutes)) < LIFETIME
