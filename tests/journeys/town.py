"""The demo town on free ports: the service, the relying application and the resource behind it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from authn.app import create_app
from authn.clock import system_clock
from authn.db.transaction import writing
from authn.demo.application import create_demo_application
from authn.demo.resource import create_demo_resource
from authn.demo.town import fill_sources, register_application, register_demo_resource
from authn.demo.townspeople import read_townspeople
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.keys.signing_keys import ensure_signing_keys
from authn.people.persons import find_or_create_person
from authn.secrets import new_token
from authn.settings import Settings
from authn.sources.embedded.register import EmbeddedRegister
from authn.web.site import Site
from tests.browser import LAPTOP, free_socket, new_context, serving
from tests.conftest import LiveService
from tests.journeys.handed_over import enrolled_in
from tests.recording import Recording

NUMBERS = {each.name.partition(" ")[0]: each.number for each in read_townspeople()}
"""By a first name of the town, the national number as it is printed."""


@dataclass(frozen=True, slots=True)
class Town:
    """Its three addresses, and what each of the three said."""

    site: Site
    service: Recording
    application: Recording
    resource: Recording
    address: str
    application_address: str
    resource_address: str

    def canonical(self, name: str) -> str:
        """The number of somebody, as eleven digits."""
        return "".join(filter(str.isdigit, NUMBERS[name]))

    def enrolled(self, chromium: Browser, name: str) -> Page:
        """A browser in which the person of this first name has enrolled a device."""
        page = new_context(chromium).new_page()
        page.add_init_script(
            "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
        )
        enrolled_in(
            page,
            LiveService(self.address, self.site),
            LAPTOP,
            "My laptop",
            code=self._code(name),
            ssin=self.canonical(name),
        )
        return page

    def _code(self, name: str) -> str:
        site, now = self.site, self.site.clock()
        with writing(site.database) as connection:
            citizen = EmbeddedRegister(connection, site.secrets).citizen(self.canonical(name))
            assert citizen, f"{name} is in people.csv"
            person = find_or_create_person(connection, site.secrets, citizen, now)
            return issue_activation_code(connection, site.secrets, site.settings, person, now)


@contextmanager
def running_town(settings: Settings) -> Iterator[Town]:
    """All of it, for as long as the block runs."""
    listeners = [free_socket() for _ in range(3)]
    service, application, resource = (each.getsockname()[1] for each in listeners)
    settings = settings.model_copy(
        update={
            "issuer": f"http://localhost:{service}",
            "demo_port": application,
            "demo_resource_port": resource,
        }
    )
    (settings.data_directory / "secrets").mkdir(parents=True, exist_ok=True)
    app = create_app(settings, clock=system_clock)
    site: Site = app.state.site
    now = system_clock()
    ensure_signing_keys(site.database, site.secrets, now)
    fill_sources(site.database, site.secrets, now)
    records = register_demo_resource(site.database, site.secrets, settings, now)
    registration = register_application(site.database, site.secrets, settings, now)
    recordings = [
        Recording(app),
        Recording(
            create_demo_application(registration, new_token(), site.pages, town=read_townspeople())
        ),
        Recording(create_demo_resource(records, site.pages, system_clock)),
    ]
    with ExitStack() as stack:
        for each, listener in zip(recordings, listeners, strict=True):
            stack.enter_context(serving(each, listener))
        service, application, resource = recordings
        addresses = (settings.issuer, registration.address, records.address)
        yield Town(site, service, application, resource, *addresses)
