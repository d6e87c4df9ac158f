"""What ends in the fuzz, or becomes less: by the person, the desk, the operator, a source or time.

Each does it for certain, where there is something to end, and writes it into the model.
"""

from typing import Any

from hypothesis import strategies as st

from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.db.transaction import writing
from authn.devices.devices import find_device
from authn.devices.life import resume, suspend, unlink
from authn.grants.endings.ended_grants import end_client
from authn.profiles.profile import Profile
from tests.capacities import MARIE, knows, knows_no, mandate
from tests.citizen import SSIN, Screen
from tests.occasion import job
from tests.oidc.acting import is_known, profiles_of
from tests.oidc.fuzz_model import Capacity, Machine
from tests.oidc.fuzz_parties import fine
from tests.oidc.fuzz_world import World
from tests.oidc.relying_party import hold_device
from tests.oidc.resource_servers import API


class Ends(World):
    """The acts; each takes a screen and the name of a client, and may need neither."""

    def revive(self, name: str, screen: int) -> None:
        """Whoever has ended is there again: another client, another session, another device."""
        if self.parties[name].ended:
            self.registered(name)
        if not self.sessions[screen].may_live(self.clock()):
            if not self.machines[screen].active:
                self.unlinked(screen)
                self.holders[screen] = hold_device(self.site, self.screens[screen])
                self.machines[screen] = Machine()
            self.signed_in(screen)

    def signed_out(self, screen: int, name: str) -> None:
        fine(Screen(self.screens[screen]).post_form("/sign-out"))
        self.sessions[screen].ended = True

    def signed_out_everywhere(self, screen: int, name: str, **fields: str) -> None:
        answer = Screen(self.screens[screen]).post_form("/sign-out/everywhere", **fields)
        if fine(answer).headers.get("location", "").startswith("/signed-out"):
            for session in self.book.sessions:
                session.ended = True
            for grant in self.book.grants:
                grant.ended = grant.ended or bool(fields) or not grant.offline

    def signed_out_of_everything(self, screen: int, name: str) -> None:
        self.signed_out_everywhere(screen, name, offline="yes")

    def withdrawn(self, screen: int, name: str) -> None:
        party = self.parties[name]
        path = f"/applications/{party.client_id}/withdraw"
        answer = fine(Screen(self.screens[screen]).post_form(path))
        if answer.headers.get("location") == "/applications?done=withdrawn":
            self.seen["withdrawn"] += 1
            for grant in self.book.grants:
                grant.ended = grant.ended or grant.party is party

    def suspended(self, screen: int, name: str) -> None:
        if self.machines[screen].active:
            with writing(self.site.database) as connection:
                occasion, held = job(self.site, connection), self.holders[screen].held
                device = find_device(connection, held.person.id, held.device.id)
                assert suspend(occasion, device, "desk", "desk")
            self._over(self.machines[screen])

    def suspended_and_resumed(self, screen: int, name: str) -> None:
        if self.machines[screen].active:
            self.suspended(screen, name)
            self.clock.advance(seconds=1)
            with writing(self.site.database) as connection:
                occasion, held = job(self.site, connection), self.holders[screen].held
                device = find_device(connection, held.person.id, held.device.id)
                resume(occasion, device, "desk")
            self.machines[screen].active = True

    def unlinked(self, screen: int, name: str = "") -> None:
        machine, held = self.machines[screen], self.holders[screen].held
        if not machine.gone:
            with writing(self.site.database) as connection:
                occasion = job(self.site, connection)
                device = find_device(connection, held.person.id, held.device.id)
                unlink(occasion, device, "desk")
            machine.gone = True
            self._over(machine)

    def client_ended(self, screen: int, name: str) -> None:
        party = self.parties[name]
        with writing(self.site.database) as connection:
            end_client(connection, self.site.secrets, party.client_id, self.clock())
        party.ended = True

    def partner_ended(self, screen: int, name: str) -> None:
        self.client_ended(screen, "partner")

    def long_after(self, screen: int, name: str) -> None:
        self.clock.advance(minutes=(61, 13 * 60, 40 * 24 * 60)[screen + (name == "app")])

    def capacity_ended(self, screen: int, name: str) -> None:
        """The source says that there is no mandate any more."""
        knows_no(self.site, SSIN, "mandates")
        self.capacity.holds = False

    def scope_taken(self, screen: int, name: str) -> None:
        """The operator lets the client ask for one scope less, of the API."""
        self._changed(name, "letters" if screen else "drafts")

    def resource_taken(self, screen: int, name: str) -> None:
        """The operator lets the client ask for no token for the API any more."""
        party = self.parties[name]
        if not party.ended and name != "guest":
            self._change(party.client_id, resources=())
            party.at_resource = False

    def given_back(self, screen: int, name: str) -> None:
        """It may ask again for all that it could."""
        self._changed(name)

    def _changed(self, name: str, less: str = "") -> None:
        party = self.parties[name]
        if party.ended or name == "guest":
            return
        scope = (party.scope - {less}) if less else party.scope | {"letters", "drafts"}
        reaches = party.at_resource or not less
        resources = (API,) if reaches else ()
        self._change(party.client_id, scope=" ".join(sorted(scope)), resources=resources)
        party.scope, party.at_resource = scope, reaches

    def _change(self, client_id: str, **changes: Any) -> None:
        with writing(self.site.database) as connection:
            client = find_client(connection, client_id)
            assert client
            change_client(connection, self.site.secrets, client, self.clock(), **changes)

    def mandated(self) -> Profile:
        """In which capacity the person acts for somebody else, once more if that has ended."""
        if not self.capacity.holds:
            self.capacity = Capacity()
        is_known(self.site, MARIE)
        knows(self.site, SSIN, mandate(MARIE))
        found = profiles_of(self.site, self.holders[0].person)
        return next(each for each in found if each.kind == "mandate")

    def _over(self, machine: Machine) -> None:
        machine.active = False
        for session in self.book.sessions:
            session.ended = session.ended or session.machine is machine
        for grant in self.book.grants:
            grant.ended = grant.ended or grant.session.machine is machine


OF_THE_PERSON = (
    Ends.signed_out,
    Ends.signed_out_everywhere,
    Ends.signed_out_of_everything,
    Ends.withdrawn,
    Ends.suspended,
    Ends.unlinked,
)
ENDS = st.sampled_from(
    (
        *OF_THE_PERSON,
        Ends.suspended_and_resumed,
        Ends.client_ended,
        Ends.partner_ended,
        Ends.long_after,
        Ends.capacity_ended,
        Ends.scope_taken,
        Ends.scope_taken,
        Ends.resource_taken,
        Ends.given_back,
        Ends.given_back,
    )
)
