"""A web application on Authlib and Starlette: sign in, show who it is, sign out.

ISSUER, CLIENT_ID and CLIENT_SECRET are what `authn clients add` printed, ADDRESS is your own.
Register ADDRESS/callback as redirect URI and ADDRESS/ for after signing out.
"""

import html
import os
import secrets
from urllib.parse import urlencode, urlsplit

import uvicorn
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

ISSUER, ADDRESS = os.environ["ISSUER"], os.environ["ADDRESS"]

oauth = OAuth()
oauth.register(
    "authn",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)


async def home(request: Request) -> Response:
    name = request.session.get("name")
    if name is None:
        return HTMLResponse('<h1>Nobody is signed in</h1><a href="/sign-in">Sign in</a>')
    return HTMLResponse(f'<h1>Hello, {html.escape(name)}</h1><a href="/sign-out">Sign out</a>')


async def sign_in(request: Request) -> Response:
    response: Response = await oauth.authn.authorize_redirect(request, f"{ADDRESS}/callback")
    return response


async def callback(request: Request) -> Response:
    try:
        tokens = await oauth.authn.authorize_access_token(request)
    except OAuthError as error:
        return HTMLResponse(f"Signing in failed: {html.escape(str(error.error))}", 400)
    userinfo = await oauth.authn.userinfo(token=tokens)
    # `sub` is who it is: store this, and nothing else.
    request.session.update(sub=userinfo["sub"], name=userinfo["name"])
    request.session["id_token"] = tokens["id_token"]
    return RedirectResponse("/", 303)


async def sign_out(request: Request) -> Response:
    metadata = await oauth.authn.load_server_metadata()
    after = {"id_token_hint": request.session.get("id_token", "")}
    after["post_logout_redirect_uri"] = f"{ADDRESS}/"
    request.session.clear()
    return RedirectResponse(f"{metadata['end_session_endpoint']}?{urlencode(after)}", 303)


routes = [
    Route("/", home),
    Route("/sign-in", sign_in),
    Route("/callback", callback),
    Route("/sign-out", sign_out),
]
sessions = Middleware(SessionMiddleware, secret_key=secrets.token_hex(), session_cookie="authlib")

if __name__ == "__main__":
    application = Starlette(routes=routes, middleware=[sessions])
    uvicorn.run(application, port=urlsplit(ADDRESS).port or 80, log_level="warning")
