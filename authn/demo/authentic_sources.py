"""A development server of authentic sources, which answers from files (docs/sources/openapi.yaml).

The server speaks as real sources must: questions with the number in the body, for whoever has an
access token, answered with JSON or problem+json (RFC 9457). On request it is slow or fails, so that
an outage can be tried. Its token endpoint takes client credentials (RFC 6749 §4.4,
https://www.rfc-editor.org/rfc/rfc6749) with `private_key_jwt` (RFC 7523): whoever has a key of its
JWK Set is a client.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from sqlalchemy import Connection, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authn.clock import Clock
from authn.db.engine import Database
from authn.db.transaction import reading
from authn.errors import Refusal
from authn.foreign_jwt import SIGNATURES, ExchangeKey, verify_jws
from authn.jose import InvalidToken
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.secrets import Secrets, national_number_hash, new_token, token_hash
from authn.sources.embedded.facts import Twins
from authn.sources.fact_json import citizen_to_json, fact_to_json, organisation_to_json
from authn.sources.questions import OF_SOURCES, QuestionName
from authn.sources.tables import register_citizens
from authn.sources.wire import problem
from authn.web.body import parse_form, parse_json, read_body

JSON: Final = "application/json"
DIGITS: Final = 11
RETRY_AFTER: Final = "1"
TOKEN_LIFETIME: Final = timedelta(minutes=5)
LONGEST_ASSERTION: Final = timedelta(hours=1)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCHEMA: Final = "urn:problem-type:belgif:input-validation:schemaViolation"
_STRUCTURE: Final = "urn:problem-type:belgif-ext:input-validation:invalidStructure"
Answering = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class SourceTrouble:
    """Trouble on purpose: seconds before each answer, and the share of answers that fail."""

    delay: float = 0.0
    failures: float = 0.0


@dataclass(slots=True)
class SourceTokens:
    """The access tokens given and the assertions used, in memory while the server runs."""

    clients: tuple[ExchangeKey, ...]
    token_url: str
    clock: Clock
    given: dict[str, datetime] = field(default_factory=dict)
    used: dict[str, datetime] = field(default_factory=dict)

    async def endpoint(self, request: Request) -> Response:
        """The token endpoint: an access token for a client that proves to have its key."""
        try:
            form = parse_form(await read_body(request), request.headers.get("content-type", ""))
        except Refusal:
            return _token_error("invalid_request")
        if form.get("grant_type") != "client_credentials":
            return _token_error("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return _token_error("invalid_client", 401)
        try:
            self._check(form.get("client_assertion", ""))
        except InvalidToken:
            return _token_error("invalid_client", 401)
        self._forget_old()
        token = new_token()
        self.given[token_hash(token)] = self.clock() + TOKEN_LIFETIME
        lifetime = int(TOKEN_LIFETIME.total_seconds())
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def authorises(self, request: Request) -> bool:
        """Whether the request carries an access token of this server that has not expired."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        until = self.given.get(token_hash(token))
        return scheme.lower() == "bearer" and until is not None and self.clock() < until

    def _check(self, assertion: str) -> None:
        """Raises `InvalidToken` for an assertion that breaks a rule of RFC 7523 §3."""
        claims = verify_jws(assertion, self.clients, SIGNATURES)
        now = self.clock()
        issuer, audience = claims.get("iss"), claims.get("aud")
        if not isinstance(issuer, str) or issuer != claims.get("sub"):
            raise InvalidToken
        if self.token_url not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken
        expires, jti = claims.get("exp"), claims.get("jti")
        if not isinstance(expires, int) or not isinstance(jti, str) or jti in self.used:
            raise InvalidToken
        left = expires - now.timestamp()
        if not 0 < left <= LONGEST_ASSERTION.total_seconds():
            raise InvalidToken
        self.used[jti] = now + timedelta(seconds=left)

    def _forget_old(self) -> None:
        now = self.clock()
        for known in (self.given, self.used):
            for key in [key for key, until in known.items() if until < now]:
                del known[key]


class _OtherAnswer(Exception):
    """An answer of another kind than the question asks for."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class AuthenticSources:
    """The endpoints of the server, on the embedded twins of a database."""

    database: Database
    secrets: Secrets
    tokens: SourceTokens
    trouble: SourceTrouble

    def question(self, name: QuestionName) -> Answering:
        """The endpoint of a question of `OF_SOURCES`."""

        async def answer(request: Request) -> Response:
            text = await _read_number(request)
            with reading(self.database) as connection:
                return self._answer_to(connection, name, self._present(connection, text))

        return self._guarded(answer)

    def organisation(self, *, managers: bool = False) -> Answering:
        """The endpoint of an organisation, or of its access managers."""

        async def answer(request: Request) -> Response:
            number = request.path_params["number"]
            with reading(self.database) as connection:
                twins = Twins(connection, self.secrets)
                organisation = twins.organisation(number)
                if organisation is None:
                    return _not_found()
                if not managers:
                    return _json(organisation_to_json(organisation))
                managers_json = [
                    {"ssin": each.ssin, "membership": fact_to_json(each.membership)}
                    for each in twins.access_managers(number)
                ]
            return _json({"accessManagers": managers_json})

        return self._guarded(answer)

    def _guarded(self, answer: Answering) -> Answering:
        async def guarded(request: Request) -> Response:
            await asyncio.sleep(self.trouble.delay)
            if random.random() < self.trouble.failures:  # noqa: S311
                headers = {"Retry-After": RETRY_AFTER}
                return _problem(503, "serviceUnavailable", "Service Unavailable", headers=headers)
            if not self.tokens.authorises(request):
                headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                return _problem(401, "invalidAccessToken", "Invalid Access Token", headers=headers)
            try:
                return await answer(request)
            except _OtherAnswer as instead:
                return instead.response

        return guarded

    def _answer_to(self, connection: Connection, name: QuestionName, ssin: str) -> Response:
        twins = Twins(connection, self.secrets)
        if name == "citizen":
            citizen = twins.citizen(ssin)
            return _json(citizen_to_json(citizen)) if citizen else _not_found()
        facts = getattr(twins, name)(ssin)
        return _json({name: [fact_to_json(fact) for fact in facts]})

    def _present(self, connection: Connection, text: str) -> str:
        """The question's number, if a person's present number; raises `_OtherAnswer`."""
        if len(text) != DIGITS:
            raise _OtherAnswer(_bad_number(_STRUCTURE, "Not a number of eleven digits"))
        try:
            ssin = parse_ssin(text, today_in_brussels(self.tokens.clock()))
        except InvalidSsin:
            raise _OtherAnswer(_bad_number(_STRUCTURE, "Not a valid number")) from None
        ssin_hash = national_number_hash(self.secrets, ssin)
        cancelled = select(register_citizens.c.cancelled).where(
            register_citizens.c.ssin_hash == ssin_hash
        )
        if connection.execute(cancelled).scalar():
            raise _OtherAnswer(_bad_number(problem.CANCELLED, "SSIN has been canceled"))
        citizen = Twins(connection, self.secrets).citizen(ssin)
        if citizen and citizen.ssin != ssin:
            title = "SSIN has been replaced, use new SSIN"
            raise _OtherAnswer(_bad_number(problem.REPLACED, title, replacedBy=citizen.ssin))
        return ssin


def create_authentic_sources(
    database: Database, secrets: Secrets, tokens: SourceTokens, trouble: SourceTrouble
) -> Starlette:
    """The ASGI application of the development server."""
    sources = AuthenticSources(database, secrets, tokens, trouble)
    organisation = "/organizations/{number}"
    return Starlette(
        routes=[
            Route("/token", tokens.endpoint, methods=["POST"]),
            *(Route(f"/{name}", sources.question(name), methods=["POST"]) for name in OF_SOURCES),
            Route(organisation, sources.organisation()),
            Route(f"{organisation}/accessManagers", sources.organisation(managers=True)),
        ]
    )


async def _read_number(request: Request) -> str:
    """The value of the body's only member, `ssin`; raises `_OtherAnswer`."""
    try:
        body = await read_body(request)
        document = parse_json(body, request.headers.get("content-type", ""))
    except Refusal:
        document = {}
    number = document.get("ssin")
    if document.keys() != {"ssin"} or not isinstance(number, str):
        raise _OtherAnswer(_bad_number(_SCHEMA, "The body must be an object with ssin alone"))
    return number


def _bad_number(kind: str, title: str, **more: str) -> Response:
    """A bad request in the form of Belgium's REST guide, without repeating the number."""
    issue = {"type": kind, "title": title, "in": "body", "name": "ssin", **more}
    return _problem(400, "badRequest", "Bad Request", issues=[issue])


def _not_found() -> Response:
    return _problem(404, "resourceNotFound", "Resource Not Found")


def _problem(
    status: int, kind: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    document = {
        "type": f"urn:problem-type:belgif:{kind}",
        "title": title,
        "status": status,
        "instance": f"urn:uuid:{uuid4()}",
        **more,
    }
    return Response(orjson.dumps(document), status, headers, media_type=problem.MEDIA_TYPE)


def _json(document: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-store"}, media_type=JSON)


def _token_error(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, headers={"Cache-Control": "no-store"})
