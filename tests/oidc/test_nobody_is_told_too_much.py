"""Whatever the sources say and whatever is asked: about whom something is told, and whose number.

For random sources, permissions and requests, all bytes of all answers, tokens and log lines:
nothing about another person without a mandate or parental authority that is valid at that instant,
no national number without scope and permission, and never one in an ID token or a log line
(decisions 1.5, 4.10, 4.20).
"""

import base64
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.oidc.tokens.sealed_access_token import MARK, open_claims
from authn.profiles.profile import Profile
from authn.profiles.profiles import public_id
from authn.sources.facts import Child, Fact, FactPeriod, Mandate, NaturalPerson, Quality
from authn.web.site import Site
from tests.capacities import EVERY_KIND, SINCE, knows, knows_no, many_mandates, open_to
from tests.citizen import SSIN
from tests.oidc.acting import Acting, change_resource, is_known, profiles_of
from tests.oidc.relying_party import Holder, RelyingParty, segment
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_opaque_tokens import keys, opened
from tests.oidc.test_profile_switch_by_exchange import switching
from tests.oidc.test_profiles_at_every_use import refreshed
from tests.oidc.test_profiles_in_tokens import SCOPE
from tests.oidc.test_rfc8693_token_exchange import exchange

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

TODAY: Final = date(2026, 3, 2)
PEOPLE: Final = tuple(
    NaturalPerson(each.mandator.ssin, f"Given{index}", f"Family{index}x")
    for index, each in enumerate(many_mandates(5))
    if isinstance(each.mandator, NaturalPerson)
)
# A world is small already; making it smaller would take minutes.
PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate)
MOSTLY: Final = st.sampled_from([True, True, True, False])
NURSE: Final = Quality("nurse", "10000000000", FactPeriod(SINCE))
DAYS: Final = st.integers(-30, 30)


@st.composite
def mandates(draw: st.DrawFn, number: int) -> Mandate:
    since = TODAY + timedelta(days=draw(st.sampled_from([-400, -1, 0, 1])))
    until = draw(st.none() | st.sampled_from([-1, 0, 1, 30]))
    last = None if until is None else max(since, TODAY + timedelta(days=until))
    return Mandate(
        f"M-{number}",
        PEOPLE[number],
        ("medicaldatamanagement",),
        FactPeriod(since, last),
        draw(MOSTLY),
        draw(MOSTLY),
    )


@st.composite
def children(draw: st.DrawFn, number: int) -> Child:
    years, days = draw(st.sampled_from([3, 11, 12, 13, 17])), draw(DAYS)
    born = TODAY.replace(year=TODAY.year - years) + timedelta(days=days)
    told = draw(st.sampled_from([born.isoformat(), born.isoformat()[:7], None]))
    return Child(PEOPLE[number], told, draw(st.integers(0, 4)) == 0)


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """What the sources say: of each of the people a mandate, a child, or nothing."""
    kinds = st.sampled_from(["mandate", "mandate", "child", "nothing"])
    said: list[Fact] = [NURSE]
    for number in range(len(PEOPLE)):
        kind = draw(kinds)
        if kind != "nothing":
            made: Fact = draw(mandates(number)) if kind == "mandate" else draw(children(number))
            said.append(made)
    return said


FLAGS = ("reads_profile", "may_read_ssin", "reads_may_act", "encrypt_tokens")
worlds = st.fixed_dictionaries(
    {
        "before": facts(),
        "after": st.none() | st.just([NURSE]) | facts(),
        "client_may": st.booleans(),
        "resource": st.fixed_dictionaries(
            {
                **{name: st.booleans() for name in FLAGS},
                "token_format": st.sampled_from(["jwt", "opaque"]),
            }
        ),
        "scopes": st.sets(st.sampled_from(["profile", "ssin", "letters"])),
        "acting": st.integers(0, 20),
        "switch": st.integers(0, 20),
    }
)


def whom(fact: Fact) -> NaturalPerson | None:
    if isinstance(fact, Mandate):
        return fact.mandator if isinstance(fact.mandator, NaturalPerson) else None
    return fact.child if isinstance(fact, Child) else None


def is_valid(fact: Fact) -> bool:
    """By the plain words of decisions 9.3, and not by the code."""
    if isinstance(fact, Mandate):
        over = fact.period.until is not None and fact.period.until < TODAY
        began = fact.period.since <= TODAY
        return began and not over and fact.accepted_by_mandator and fact.accepted_by_mandatary
    if isinstance(fact, Child):
        if fact.deceased or fact.birthdate is None:
            return False
        born = (fact.birthdate + "-01")[:10]
        twelfth = f"{int(born[:4]) + 12}{born[4:]}"
        return TODAY.isoformat() < twelfth
    return True


@dataclass(slots=True)
class Run:
    """One random world, what the sources say in it now, and what was told."""

    hanne: Acting
    switching: RelyingParty
    api: ResourceServer
    world: dict[str, Any]
    now: list[Fact] = field(default_factory=list)

    @property
    def site(self) -> Site:
        return self.hanne.site

    def sources_say(self, said: list[Fact]) -> None:
        knows_no(self.site, SSIN, "mandates", "children")
        knows(self.site, SSIN, *said)
        self.now = said

    def check(self, text: str, *, numbers: bool) -> None:
        """Nobody is in it but Hanne and those for whom she may act now; numbers only if so."""
        theirs = [whom(fact) for fact in self.now if is_valid(fact)]
        for person in PEOPLE:
            named = person.family_name in text or person.ssin in text
            assert not named or person in theirs, (person.family_name, text)
            assert numbers or person.ssin not in text, text
        assert numbers or SSIN not in text, text

    def tokens(self, profile: Profile, scope: str, **request: Any) -> dict[str, Any] | None:
        self.hanne.profiles["now"] = profile
        answer = self.hanne.rp.redeem(self.hanne.code("now", scope=scope, **request))
        return self.token_answer(answer.text, answer.json())

    def token_answer(self, text: str, answer: dict[str, Any]) -> dict[str, Any] | None:
        """What a client reads of an answer of /token, in all that it can decode."""
        self.check(text, numbers=False)
        for part in re.findall(r"[\w-]{20,}", text):
            whole = part[: len(part) // 4 * 4]
            said = base64.urlsafe_b64decode(whole).decode("utf-8", "replace")
            self.check(said, numbers='"may_act"' in said and self.client_may)
        if "id_token" in answer:
            self.check(str(segment(answer["id_token"], 1)), numbers=False)
        if "access_token" in answer:
            self.inside(answer["access_token"])
        return answer if "access_token" in answer else None

    @property
    def client_may(self) -> bool:
        return bool(self.world["client_may"])

    def inside(self, token: str) -> None:
        """What stands in the token, for whoever can open it."""
        resource = self.world["resource"]
        if token.startswith(MARK):
            claims = open_claims(self.site.secrets, token)
        else:
            claims = segment(opened(token)[1] if token.count(".") == 4 else token, 1)
        reads = resource["may_read_ssin"] and "ssin" in claims["scope"].split()
        readers = self.client_may or token.count(".") == 4
        self.check(str(claims), numbers=reads and resource["reads_may_act"] and readers)
        for person in PEOPLE:
            assert person.family_name not in str(claims)

    def use(self, tokens: dict[str, Any]) -> None:
        """The resource asks, and the client at userinfo; each where the token is for it."""
        token = tokens["access_token"]
        told = self.api.introspect(token)
        reads = self.world["resource"]["may_read_ssin"] and "ssin" in tokens.get("scope", "")
        self.check(told.text, numbers=reads)
        scopes = tokens.get("scope", "").split()
        self.check(
            self.hanne.rp.userinfo(token).text,
            numbers=self.client_may and "ssin" in scopes,
        )


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(site, backchannel, metadata=keys("ECDH-ES+A256KW"))


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    for each in PEOPLE:
        is_known(site, each)
    rp = application(site, client, scope=SCOPE)
    open_to(site, "hospital", *EVERY_KIND)
    return Acting(site, rp, holder, {})


def prepare(run: Run) -> None:
    """The permissions of this world."""
    change_resource(run.site, API, **run.world["resource"])
    with writing(run.site.database) as connection:
        may = {"may_read_ssin": run.client_may}
        connection.execute(update(clients).where(clients.c.client_id != "letters").values(**may))


@pytest.fixture
def switch(site: Site, hanne: Acting) -> RelyingParty:
    """A client that exchanges what Hanne's application has."""
    return switching(site, hanne)


def test_nobody_is_told_too_much(
    hanne: Acting,
    api: ResourceServer,
    switch: RelyingParty,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Inside, so that a world that fails is shown without all that stands around it.
    @hypothesis_settings(max_examples=40, deadline=None, phases=PHASES)
    @given(world=worlds)
    def told(world: dict[str, Any]) -> None:
        act(Run(hanne, switch, api, world))
        logged = capsys.readouterr()
        for number in (SSIN, *(each.ssin for each in PEOPLE)):
            assert number not in logged.out + logged.err

    told()


def act(run: Run) -> None:
    """Hanne acts in one capacity, what the sources say changes perhaps, and all that can be done
    with her tokens is done."""
    world = run.world
    prepare(run)
    run.sources_say(world["before"])
    profiles = profiles_of(run.site, run.hanne.holder.person)
    assert {str(each.fact) for each in profiles if each.fact} == {
        str(fact) for fact in run.now if is_valid(fact)
    }
    # From the last one: those in which she acts for another come after her own.
    profile = profiles[-1 - world["acting"] % len(profiles)]
    wanted = profiles[-1 - world["switch"] % len(profiles)]
    asked = public_id(wanted.consent_id, run.switching.client.sector_identifier)
    scope = " ".join(["openid", "offline_access", *sorted(world["scopes"])])
    held = [run.tokens(profile, scope), run.tokens(profile, scope, resource=(API,))]
    for tokens in held:
        assert tokens
        run.use(tokens)
    if world["after"] is not None:
        run.sources_say(world["after"])
    for tokens in held:
        assert tokens
        run.use(tokens)
        token = tokens["access_token"]
        for answer in (
            refreshed(run.hanne, tokens["refresh_token"]),
            exchange(run.switching, token),
            exchange(run.switching, token, requested_subject=asked),
        ):
            if given_now := run.token_answer(answer.text, answer.json()):
                run.use(given_now)
