"""Static files under an address with their version in it: cached for a year, replaced at once."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class VersionedFiles(StaticFiles):
    """The files of one folder; any version in the path is accepted, the current one is cached."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, whatever version the address names."""
        _, _, name = path.partition("/")
        response = await super().get_response(name, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
