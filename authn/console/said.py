"""What an agent tells the citizen after an act: what happened, and what happens next.

In the citizen's language, to be read out, and in the agent's, to understand it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from authn.devices.devices import devices_of, every_device_of
from authn.devices.transitions import state_of
from authn.enrolment.returning import waiting_return
from authn.errors import N_
from authn.notices.addresses import confirmed_addresses
from authn.notices.mail import moment_in_words
from authn.people.tables import Person
from authn.web.languages import choose_language
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class ActText:
    """The two sentences of an act, as message ids; `closes`: whether a way to sign in is gone."""

    happened: str
    next: str
    closes: bool = False


SAID: Final[Mapping[str, ActText]] = {
    "suspend": ActText(
        N_("“%(device)s” is blocked. Nobody can sign in with it; all that was open has ended."),
        N_("If you find it again, call us: we can unblock it."),
        closes=True,
    ),
    "unlink": ActText(
        N_("“%(device)s” is removed for good. All that was open on it has ended."),
        N_("If you find it again, you can add it anew, with a new key."),
        closes=True,
    ),
    "resume": ActText(
        N_("“%(device)s” is unblocked. You can sign in with it again."),
        N_("The applications on it ask you to sign in again."),
    ),
    "undo": ActText(
        N_("“%(device)s” works as before. We had blocked it by mistake, for a few minutes."),
        N_("Where you were signed out, please sign in again."),
    ),
    "block-all": ActText(
        N_("All your devices are blocked. Nobody can sign in with them; all has ended."),
        N_("Your account and your data are still there."),
        closes=True,
    ),
    "undo-all": ActText(
        N_("Your devices work as before. We had blocked them by mistake, for a few minutes."),
        N_("Where you were signed out, please sign in again."),
    ),
    "begin-return": ActText(
        N_("Your return has begun. You can get an activation code from %(opens)s."),
        N_("Come to a desk then, with your identity card. To cancel it, use the link in our mail."),
    ),
    "change-address": ActText(
        N_("Your mail addresses were changed, as you asked."),
        N_("If one was added: open the link in the mail that we sent there, to confirm it."),
    ),
    "merge": ActText(
        N_("Your two accounts are one from now on. The devices of both sign you in."),
        N_("Some applications ask you to sign in again. Look at “My devices” when you do."),
    ),
}
# Acts that are told as another one is.
SAME_AS: Final[Mapping[str, str]] = {"unlink-last": "unlink", "reinstate": "resume"}

OTHERS: Final = N_("You can still sign in with: %(others)s.")
NONE_LEFT: Final = N_(
    "You have no other device that works. To come back, come to a desk with your identity card, or "
    "prove who you are online."
)
BY_MAIL: Final = N_("We send you a mail about this. It also says what to do if this was not you.")
NO_MAIL: Final = N_("You gave us no mail address, so no mail tells you about this.")


@dataclass(frozen=True, slots=True)
class ActTexts:
    """The sentences in one language, by its code."""

    language: str
    sentences: list[str]


def what_to_say(
    request: Request, person: Person, act: str, device_id: UUID | None
) -> list[ActTexts]:
    """What to tell this person now, in their language, then in the agent's if that is another."""
    said = SAID[SAME_AS.get(act, act)]
    others = [
        each.name
        for each in devices_of(request.connection, person.id)
        if state_of(each, request.now) == "active" and each.id != device_id
    ]
    messages = [said.happened, said.next]
    if said.closes:
        messages.append(OTHERS if others else NONE_LEFT)
    reachable = confirmed_addresses(request.connection, request.secrets, person.id)
    messages.append(BY_MAIL if reachable else NO_MAIL)
    theirs = choose_language([person.language], request.settings.default_language)
    return [
        ActTexts(language, _sentences(request, person, messages, language, others, device_id))
        for language in dict.fromkeys((theirs, request.language))
    ]


def _sentences(
    request: Request,
    person: Person,
    messages: list[str],
    language: str,
    others: list[str],
    device_id: UUID | None,
) -> list[str]:
    pages = request.site.pages
    every = every_device_of(request.connection, person.id)
    waiting = waiting_return(request, person.id)
    values = {
        "device": next((each.name for each in every if each.id == device_id), ""),
        "others": ", ".join(others),
        "opens": moment_in_words(waiting.opens_at, pages, language) if waiting else "",
    }
    return [pages.translate(each, language) % values for each in messages]
