"""The eID test card: a small OpenID Provider where anybody chooses who to be. Development only.

The card speaks as FAS does (userinfo is a signed JWT with `egovNRN`), so that the demonstration
runs the same code as production. Whoever runs the card decides who anybody is: the card refuses to
start unless it and the service that believes it are both on http://localhost (decisions 3.5).
"""

import csv
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from authn.clock import Clock
from authn.demo.townspeople import is_a_child
from authn.errors import CommandError, Refusal
from authn.jose import RS256, OwnKey, generate_key, numeric_date, public_jwk, sign
from authn.people.ssin import format_ssin
from authn.secrets import new_token
from authn.web.body import parse_form, read_body
from authn.web.languages import accepted_languages, choose_language
from authn.web.outgoing import is_this_machine
from authn.web.pages import STATIC, Pages
from authn.web.static import VersionedFiles

LEVEL = "urn:be:fedict:iam:fas:citizen:Level500"
CODE_LIFETIME = timedelta(minutes=2)
CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class IdentityCardData:
    """A fictitious person whom the page offers."""

    name: str
    ssin: str = field(repr=False)
    deceased: bool

    @property
    def number(self) -> str:
        """The national number as printed on a card."""
        return format_ssin(self.ssin)


@dataclass(frozen=True, slots=True)
class CardAgreement:
    """The registration that the card and the service that believes it share."""

    issuer: str
    service: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class _Given:
    """A code or an access token that was given, and for what."""

    card: IdentityCardData
    nonce: str
    challenge: str
    at: datetime


def read_cards(path: Path) -> list[IdentityCardData]:
    """The people of a register file of `authn people import`, without the children."""
    with open(path, encoding="utf-8", newline="") as file:
        return [
            IdentityCardData(
                f"{row['given_name']} {row['family_name']}".strip(),
                "".join(filter(str.isdigit, row["ssin"])),
                row["deceased"] == "yes",
            )
            for row in csv.DictReader(file)
            if not is_a_child(row)
        ]


class IdentityCard:
    """The five endpoints of the card; codes and tokens are in memory while it runs."""

    def __init__(
        self, agreement: CardAgreement, cards: list[IdentityCardData], pages: Pages, clock: Clock
    ) -> None:
        self.agreement = agreement
        self.cards = cards
        self.pages = pages
        self.clock = clock
        self.key: OwnKey = generate_key(RS256)
        self.codes: dict[str, _Given] = {}
        self.tokens: dict[str, _Given] = {}

    async def discovery(self, request: Request) -> Response:
        """The metadata of the card (OpenID Connect Discovery 1.0 §3)."""
        issuer = self.agreement.issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": [RS256],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, request: Request) -> Response:
        """The JWK Set of the key that signs."""
        return JSONResponse({"keys": [public_jwk(self.key)]})

    async def authorize(self, request: Request) -> Response:
        """The page that asks who to be; after the choice, a redirect with a code or an error."""
        asked = request.query_params
        if self._wrong(asked):
            return self._page(request, 400, wrong=True)
        if request.method == "GET":
            return self._page(request, 200, wrong=False, query=request.url.query)
        try:
            form = parse_form(await read_body(request), request.headers.get("content-type", ""))
        except Refusal:
            form = {}
        choice = form.get("card", CANCEL)
        answer = {"state": asked.get("state", ""), "iss": self.agreement.issuer}
        if choice.isdecimal() and int(choice) < len(self.cards):
            code = new_token()
            nonce, challenge = asked.get("nonce", ""), asked["code_challenge"]
            self._forget_old()
            self.codes[code] = _Given(self.cards[int(choice)], nonce, challenge, self.clock())
            answer["code"] = code
        else:
            answer["error"] = "access_denied"
        return RedirectResponse(f"{self.agreement.redirect_uri}?{urlencode(answer)}", 303)

    async def token(self, request: Request) -> Response:
        """An ID token and an access token for a code, once (RFC 6749 §4.1.3, RFC 7636 §4.6)."""
        try:
            form = parse_form(await read_body(request), request.headers.get("content-type", ""))
        except Refusal:
            return _error("invalid_request")
        if not self._authenticated(request):
            return _error("invalid_client", 401)
        given = self.codes.pop(form.get("code", ""), None)
        if given is None or self.clock() - given.at > CODE_LIFETIME:
            return _error("invalid_grant")
        verifier = form.get("code_verifier", "")
        digest = hashlib.sha256(verifier.encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != given.challenge:
            return _error("invalid_grant")
        if form.get("redirect_uri") != self.agreement.redirect_uri:
            return _error("invalid_grant")
        token = new_token()
        self.tokens[token] = given
        now = numeric_date(self.clock())
        id_token = self._signed(
            given,
            exp=now + 120,
            nonce=given.nonce,
            auth_time=numeric_date(given.at),
            acr=LEVEL,
            amr=["eid"],
        )
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 120,
                "id_token": id_token,
            },
            headers={"Cache-Control": "no-store"},
        )

    async def userinfo(self, request: Request) -> Response:
        """The chosen person, as a signed JWT."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = self.tokens.get(token)
        if scheme.lower() != "bearer" or given is None:
            return _error("invalid_token", 401)
        signed = self._signed(given, egovNRN=given.card.ssin, prefLanguage="nl", roles=[])
        return Response(signed, media_type="application/jwt")

    def _signed(self, given: _Given, **claims: Any) -> str:
        common = {
            "iss": self.agreement.issuer,
            "aud": self.agreement.client_id,
            "sub": f"card-{self.cards.index(given.card)}",
            "iat": numeric_date(self.clock()),
        }
        return sign(self.key, {**common, **claims})

    def _wrong(self, asked: Mapping[str, str]) -> bool:
        return (
            asked.get("client_id") != self.agreement.client_id
            or asked.get("redirect_uri") != self.agreement.redirect_uri
            or asked.get("response_type") != "code"
            or asked.get("code_challenge_method") != "S256"
            or not asked.get("code_challenge")
        )

    def _authenticated(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            presented = b64decode(encoded, validate=True)
        except ValueError:
            return False
        expected = f"{self.agreement.client_id}:{self.agreement.client_secret}".encode()
        return scheme.lower() == "basic" and hmac.compare_digest(presented, expected)

    def _forget_old(self) -> None:
        now = self.clock()
        for given in (self.codes, self.tokens):
            for key in [k for k, each in given.items() if now - each.at > 2 * CODE_LIFETIME]:
                del given[key]

    def _page(self, request: Request, status: int, *, wrong: bool, query: str = "") -> Response:
        wishes = request.query_params.get("ui_locales", "").split()
        header = accepted_languages(request.headers.get("accept-language", ""))
        language = choose_language([*wishes, *header], "en")
        context = {"wrong": wrong, "cards": self.cards, "query": query, "cancel": CANCEL}
        html = self.pages.render("demo/identity_card.html", language, context)
        return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def create_identity_card(
    agreement: CardAgreement, cards: list[IdentityCardData], pages: Pages, clock: Clock
) -> Starlette:
    """The ASGI application of the test card; raises `CommandError` anywhere but on localhost."""
    if not (is_this_machine(agreement.issuer) and is_this_machine(agreement.service)):
        raise CommandError("The eID test card runs on http://localhost only, for development.")
    card = IdentityCard(agreement, cards, pages, clock)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", card.discovery),
            Route("/jwks", card.jwks),
            Route("/authorize", card.authorize, methods=["GET", "POST"]),
            Route("/token", card.token, methods=["POST"]),
            Route("/userinfo", card.userinfo),
            Mount("/static", VersionedFiles(directory=STATIC)),
        ]
    )


def _error(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, headers={"Cache-Control": "no-store"})
