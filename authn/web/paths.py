"""Routes without a parameter in their path are found by it, in a dictionary.

Why: Starlette compares a path with each route in turn, and we have many: before the last of them a
tenth of what a simple answer costs would go by.
"""

from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


class PathRoute(Route):
    """A route that refuses a method by naming those of every route with its path."""

    allowed: frozenset[str] = frozenset()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Its endpoint answers; raises `HTTPException` 405 with `Allow` (RFC 9110 §15.5.6)."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.allowed))})
        await self.app(scope, receive, send)


def index_routes(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The routes for a router, indexed by path; those with a parameter, and mounts, come last."""
    fixed: dict[str, list[Route]] = {}
    others: list[BaseRoute] = []
    routes = list(routes)
    ours = [each for each in routes if isinstance(each, PathRoute)]
    methods: dict[str, set[str]] = {}
    for each in ours:
        methods.setdefault(each.path, set()).update(each.methods or ())
    for each in ours:
        each.allowed = frozenset(methods[each.path])
    for route in routes:
        if isinstance(route, Route) and not route.param_convertors:
            fixed.setdefault(route.path, []).append(route)
        else:
            others.append(route)
    return [_ByPath(fixed), *others]


class _ByPath(BaseRoute):
    """One route of a router that stands for many; what it found is the scope's `route`."""

    def __init__(self, routes: dict[str, list[Route]]) -> None:
        self.routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """What the first route with this path and method says; else one with this path."""
        found: tuple[Match, Scope] = (Match.NONE, {})
        for route in self.routes.get(scope["path"], ()):
            match, child_scope = route.matches(scope)
            if match is Match.FULL or found[0] is Match.NONE:
                found = match, {**child_scope, "route": route}
            if match is Match.FULL:
                break
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The route that was found answers."""
        await scope["route"].handle(scope, receive, send)
