"""The guest of the fuzz registers itself, reads, changes and ends that: RFC 7591, RFC 7592.

https://www.rfc-editor.org/rfc/rfc7591, https://www.rfc-editor.org/rfc/rfc7592#section-2
"""

from typing import Any

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.oidc.fuzz_flow import Flow
from tests.oidc.fuzz_model import Party
from tests.oidc.fuzz_parties import KIND_OF_METHOD, as_told, fine
from tests.oidc.fuzz_values import GARBAGE, NEARLY_ALWAYS
from tests.oidc.fuzz_world import picked
from tests.oidc.registrant import bearer
from tests.oidc.registrant import post as post_registration

HERE, THERE = "https://guest.example/callback", "https://guest.example/other"
MAY_ASK = frozenset({"openid", "profile", "offline_access"})
# What it may say of itself, and what it may not.
CHANGES = st.sampled_from(
    (
        {},
        {"redirect_uris": [HERE, THERE]},
        {"redirect_uris": [THERE]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"grant_types": ["authorization_code"]},
        {"scope": "openid"},
        {"scope": "openid profile"},
    )
)
TOO_MUCH = st.sampled_from(
    (
        {"redirect_uris": ["http://guest.example/callback"]},
        {"redirect_uris": ["https://evil.example/callback"]},
        {"redirect_uris": [HERE + "#"]},
        {"scope": "openid letters"},
        {"scope": "openid ssin"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]},
        {"client_id": "hospital"},
        {"client_secret": "x" * 43},
        {"jwks": {"keys": [{"kty": "oct", "k": "eA"}]}},
        {"registration_access_token": "x"},
    )
)
WHOSE = st.sampled_from(("its own",) * 4 + ("one that has ended", "a secret", "none"))
METHODS = st.sampled_from(("GET", "PUT", "PUT", "HEAD", "DELETE"))


class Registration(Flow):
    """More that can happen, in any order."""

    @rule(changes=st.one_of(CHANGES, TOO_MUCH), good=st.booleans())
    def register_itself(self, *, changes: dict[str, Any], good: bool) -> None:
        """A client that there was not; the guest of before stays one, until it ends itself."""
        token = self.initial_access_token() if good else "x" * 43
        answer = fine(post_registration(self.http, self.document(**changes), token))
        if answer.status_code != 201:
            return
        assert good, "with a token that nobody has given"
        party = as_told(answer.json())
        self.book.new(party.client_id)
        self.within_what_it_may(party)
        again = fine(post_registration(self.http, self.document(), token))
        assert again.status_code == 401, "a token that was spent"
        before = self.parties["guest"]
        if before.ended:
            self.parties["guest"] = party

    @rule(changes=CHANGES, well=NEARLY_ALWAYS)
    def change_itself(self, *, changes: dict[str, Any], well: bool) -> None:
        """And whatever it has become, it may say so again."""
        if well:
            self.revive("guest", 0)
        for said in (changes, {}):
            self.at_its_registration("PUT", "its own", self.said(self.parties["guest"]) | said)
            self.at_its_registration("GET", "its own", None)

    @rule(method=METHODS, whose=WHOSE, changes=st.one_of(CHANGES, TOO_MUCH, GARBAGE))
    def manage_registration(self, *, method: str, whose: str, changes: Any) -> None:
        document = self.said(self.parties["guest"])
        if isinstance(changes, str):
            document |= {"client_name": changes, "contacts": changes}
        else:
            document |= changes
        self.at_its_registration(method, whose, document)

    def at_its_registration(self, method: str, whose: str, document: dict[str, Any] | None) -> None:
        party = self.parties["guest"]
        answer = self.at_registration(method, party, self.token_of(whose), document)
        if answer.status_code not in (200, 204):
            return
        assert not party.ended, "the registration of a client that has ended"
        assert whose == "its own", "the registration of somebody else"
        self.seen[f"{method} /register"] += 1
        if method == "DELETE":
            party.ended = True
        elif method == "PUT":
            self.is_now(party, answer.json())
        elif method == "GET":
            told = answer.json()
            assert frozenset(told["scope"].split()) == party.scope
            assert tuple(told["redirect_uris"]) == party.redirect_uris
            assert "client_secret" not in told

    def is_now(self, party: Party, told: dict[str, Any]) -> None:
        """What the client is from now on; a secret that it has had stays its secret."""
        now = as_told(told, party.secret)
        assert now.client_id == party.client_id
        assert {*now.redirect_uris} <= {HERE, THERE}, "another host, and so another sector"
        self.within_what_it_may(now)
        party.kind = KIND_OF_METHOD[told["token_endpoint_auth_method"]]
        party.secret, party.redirect_uris = now.secret, now.redirect_uris
        party.scope, party.grant_types = now.scope, now.grant_types

    def within_what_it_may(self, party: Party) -> None:
        assert party.scope <= MAY_ASK, "more than a client may give itself"
        assert party.grant_types <= {"authorization_code", "refresh_token"}
        assert all(each.startswith("https://") and "#" not in each for each in party.redirect_uris)

    def said(self, party: Party) -> dict[str, Any]:
        """What it sends to stay as it is."""
        return self.document(
            client_id=party.client_id,
            redirect_uris=[*party.redirect_uris],
            scope=" ".join(sorted(party.scope)),
            grant_types=sorted(party.grant_types),
            token_endpoint_auth_method={kind: method for method, kind in KIND_OF_METHOD.items()}[
                party.kind
            ],
        )

    def token_of(self, whose: str) -> str:
        party = self.parties["guest"]
        if whose == "its own":
            return str(party.told["registration_access_token"])
        return {"a secret": self.parties["hospital"].secret, "none": ""}.get(
            whose, picked([*self.book.given], 1) or ""
        )

    def at_registration(
        self, method: str, party: Party, token: str, document: dict[str, Any] | None = None
    ) -> Response:
        path = f"/register/{party.client_id}"
        return fine(self.http.request(method, path, headers=bearer(token), json=document))
