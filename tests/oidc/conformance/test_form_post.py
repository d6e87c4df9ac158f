"""The plan oidcc-formpost-basic-certification-test-plan: the modules of the basic plan, answered by
a form. How a request is checked is the same code in every mode (`test_basic`); here is what the
client gets.

oidcc-server and every module that ends with a code: test_the_client_gets_a_form
every module that ends with an error: test_an_error_comes_by_a_form_too
the same through our pages: test_form_post.test_it_ends_the_login_page_s_way_too
"""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tests.oidc.conformance import checks
from tests.oidc.conformance.party import Party

pytestmark = pytest.mark.thorough

Register = Callable[..., Party]


class Form(HTMLParser):
    """The one form of a page, as a browser would send it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.method, self.action, self.scripts = "", "", 0
        self.fields: dict[str, str] = {}
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects what is sent."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and said.get("action", "").startswith("https://"):
            self.method, self.action, self._inside = said["method"], said["action"], True
        elif tag == "input" and self._inside and said.get("name"):
            assert said["name"] not in self.fields
            self.fields[said["name"]] = said.get("value", "")
        elif tag == "script" and said.get("src"):
            self.scripts += 1

    def handle_endtag(self, tag: str) -> None:
        """Nothing after the form is sent."""
        self._inside = self._inside and tag != "form"


def form_of(party: Party, **parameters: str | None) -> Form:
    """The form by which an answer comes; nothing is in an address (OAuth2-RT §5)."""
    arrival = party.visit(party.request(response_mode="form_post", **parameters))
    assert arrival.page is not None
    assert arrival.page.status_code == 200
    assert "no-store" in arrival.page.headers["cache-control"]
    form = Form(arrival.page.text)
    assert form.method.lower() == "post"
    assert form.action == party.redirect_uri
    assert form.scripts  # nobody has to press a button
    return form


def test_the_client_gets_a_form(new_party: Register) -> None:
    party = new_party()
    assert "form_post" in party.metadata["response_modes_supported"]
    fields = form_of(party).fields
    checks.authorization_answer(fields, party.metadata["issuer"], party.asked)
    party.id_token(checks.token_answer(party.redeem(fields["code"])))


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"prompt": "none", "max_age": "0"}, "login_required"),
    ],
)
def test_an_error_comes_by_a_form_too(
    new_party: Register, parameters: dict[str, str | None], error: str
) -> None:
    party = new_party()
    fields = form_of(party, **parameters).fields
    checks.authorization_error(fields, party.metadata["issuer"], party.asked, error)
