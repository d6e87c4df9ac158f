"""Pages with the mails that the demonstration wrote to files instead of sending them.

They belong to the demo application, for development only: the service has no page that shows a
mail, since links in mails block and confirm without signing in.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from authn.web.languages import accepted_languages, choose_language
from authn.web.pages import Pages

NAME = re.compile(r"[0-9A-Za-z-]+\.eml")
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class DemoMail:
    """A mail, read from a file of the folder."""

    name: str
    to: str
    subject: str
    sent_at: datetime
    text: str
    html: str


def mail_routes(directory: Path, pages: Pages) -> list[Route]:
    """The routes of the list of mails in the folder, and of each mail."""

    def show(request: Request, template: str, **context: Any) -> Response:
        wishes = accepted_languages(request.headers.get("accept-language", ""))
        html = pages.render(f"demo/{template}", choose_language(wishes, "en"), context)
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    def mails(request: Request) -> Response:
        return show(request, "mails.html", mails=read_mails(directory))

    def mail(request: Request) -> Response:
        name = request.path_params["name"]
        path = directory / name
        if not NAME.fullmatch(name) or not path.is_file():
            raise HTTPException(404)
        return show(request, "mail.html", mail=_read(path))

    return [Route("/mails", mails), Route("/mails/{name}", mail)]


def read_mails(directory: Path) -> list[DemoMail]:
    """The newest mails of the folder, the last first."""
    if not directory.is_dir():
        return []
    newest = sorted(directory.glob("[!.]*.eml"), reverse=True)[:MOST_SHOWN]
    return [_read(path) for path in newest]


def _read(path: Path) -> DemoMail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage), "the policy makes them"
    return DemoMail(
        name=path.name,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        sent_at=message["Date"].datetime,
        text=_part(message, "plain"),
        # A link in a frame would open in it, where the service's pages refuse to be.
        html=_part(message, "html").replace("<head>", '<head><base target="_top">', 1),
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    content: str = body.get_content() if body else ""
    return content
