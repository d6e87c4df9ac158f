"""The sentences that an agent reads out to a citizen after an act: what happened, what comes next.

In the citizen's language, and in the agent's too where that is another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from authn.devices.devices import list_devices, list_devices_and_removed
from authn.devices.transitions import current_status
from authn.enrolment.returning import find_waiting_recovery
from authn.errors import N_
from authn.notices.contact_addresses import confirmed_addresses
from authn.notices.mail import format_moment
from authn.people.tables import Person
from authn.web.languages import choose_language
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class ActText:
    """The two sentences of an act, as message ids; `closes`: whether a way to sign in ended."""

    happened: str
    next: str
    closes: bool = False


ACT_TEXTS: Final[Mapping[str, ActText]] = {
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
# Acts with the sentences of another act.
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
    """The sentences after an act in one language, which is given by its code."""

    language: str
    sentences: list[str]


def texts_for_citizen(
    request: Request, person: Person, act: str, device_id: UUID | None
) -> list[ActTexts]:
    """The sentences for this person after an act, in their language and the agent's."""
    texts = ACT_TEXTS[SAME_AS.get(act, act)]
    others = [
        each.name
        for each in list_devices(request.connection, person.id)
        if current_status(each, request.now) == "active" and each.id != device_id
    ]
    messages = [texts.happened, texts.next]
    if texts.closes:
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
    every = list_devices_and_removed(request.connection, person.id)
    waiting = find_waiting_recovery(request, person.id)
    values = {
        "device": next((each.name for each in every if each.id == device_id), ""),
        "others": ", ".join(others),
        "opens": format_moment(waiting.opens_at, pages, language) if waiting else "",
    }
    return [pages.translate(each, language) % values for each in messages]
