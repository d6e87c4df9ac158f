"""The authentic sources, from files: a development server of docs/sources/openapi.yaml.

It speaks as the real ones must: questions with the number in the body, for whoever has an access
token, answered with JSON or problem+json (RFC 9457). It can be slow and can fail on request, so
that an outage is tried before there is one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import orjson
from sqlalchemy import Connection, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authn.db.engine import Database
from authn.db.transaction import reading
from authn.demo.source_tokens import SourceTokens
from authn.errors import Refusal
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.secrets import Secrets, national_number_hash
from authn.sources.fact_json import citizen_to_json, fact_to_json, organisation_to_json
from authn.sources.questions import OF_SOURCES, QuestionName
from authn.sources.tables import register_citizens
from authn.sources.twins import Twins
from authn.sources.wire import problem
from authn.web.body import parse_json, read_body

JSON: Final = "application/json"
DIGITS: Final = 11
RETRY_AFTER: Final = "1"
_SCHEMA: Final = "urn:problem-type:belgif:input-validation:schemaViolation"
_STRUCTURE: Final = "urn:problem-type:belgif-ext:input-validation:invalidStructure"

Answering = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class SourceTrouble:
    """What goes wrong on purpose: seconds before each answer, and which share of them fails."""

    delay: float = 0.0
    failures: float = 0.0


class _Instead(Exception):
    """The answer instead of the one that was asked for."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class AuthenticSources:
    """Its endpoints, on the embedded twins of a database."""

    database: Database
    secrets: Secrets
    tokens: SourceTokens
    trouble: SourceTrouble

    def question(self, name: QuestionName) -> Answering:
        """The endpoint of one of `OF_SOURCES`."""

        async def answer(request: Request) -> Response:
            text = await _number_in(request)
            with reading(self.database) as connection:
                return self._answer_to(connection, name, self._present(connection, text))

        return self._guarded(answer)

    def organisation(self, *, managers: bool = False) -> Answering:
        """The endpoint of an organisation, or of those who decide in its name."""

        async def answer(request: Request) -> Response:
            number = request.path_params["number"]
            with reading(self.database) as connection:
                twins = Twins(connection, self.secrets)
                organisation = twins.organisation(number)
                if organisation is None:
                    return _not_found()
                if not managers:
                    return _json(organisation_to_json(organisation))
                told = [
                    {"ssin": each.ssin, "membership": fact_to_json(each.membership)}
                    for each in twins.access_managers(number)
                ]
            return _json({"accessManagers": told})

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
            except _Instead as instead:
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
        """The number that was asked with, if it is a person's present one; raises `_Instead`."""
        if len(text) != DIGITS:
            raise _Instead(_bad_number(_STRUCTURE, "Not a number of eleven digits"))
        try:
            ssin = parse_ssin(text, today_in_brussels(self.tokens.clock()))
        except InvalidSsin:
            raise _Instead(_bad_number(_STRUCTURE, "Not a valid number")) from None
        ssin_hash = national_number_hash(self.secrets, ssin)
        cancelled = select(register_citizens.c.cancelled).where(
            register_citizens.c.ssin_hash == ssin_hash
        )
        if connection.execute(cancelled).scalar():
            raise _Instead(_bad_number(problem.CANCELLED, "SSIN has been canceled"))
        citizen = Twins(connection, self.secrets).citizen(ssin)
        if citizen and citizen.ssin != ssin:
            title = "SSIN has been replaced, use new SSIN"
            raise _Instead(_bad_number(problem.REPLACED, title, replacedBy=citizen.ssin))
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


async def _number_in(request: Request) -> str:
    """The text of the body's one member; raises `_Instead`."""
    try:
        body = await read_body(request)
        document = parse_json(body, request.headers.get("content-type", ""))
    except Refusal:
        document = {}
    number = document.get("ssin")
    if document.keys() != {"ssin"} or not isinstance(number, str):
        raise _Instead(_bad_number(_SCHEMA, "The body must be an object with ssin alone"))
    return number


def _bad_number(kind: str, title: str, **more: str) -> Response:
    """A bad request of Belgium's REST guide; unlike there, the number itself is not repeated."""
    issue = {"type": kind, "title": title, "in": "body", "name": "ssin", **more}
    return _problem(400, "badRequest", "Bad Request", issues=[issue])


def _not_found() -> Response:
    return _problem(404, "resourceNotFound", "Resource Not Found")


def _problem(
    status: int, kind: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    told = {
        "type": f"urn:problem-type:belgif:{kind}",
        "title": title,
        "status": status,
        "instance": f"urn:uuid:{uuid4()}",
        **more,
    }
    return Response(orjson.dumps(told), status, headers, media_type=problem.MEDIA_TYPE)


def _json(document: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-store"}, media_type=JSON)
