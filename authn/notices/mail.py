"""The mail of a notice: plain text and HTML with the same content, in the person's language."""

from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID

from babel.dates import format_date, format_time

from authn.db.occasion import NO_REFERENCE
from authn.notices import words
from authn.notices.kinds import (
    STAFF_ALONE,
    ActivationLinkNotice,
    AddressConfirmationNotice,
    DeskCodeNotice,
    DeviceSuspendedNotice,
    EmergencyBlockNotice,
    EmergencyLinkNotice,
    Notice,
    OperatorCodeNotice,
    ProfilesEndedNotice,
    RoleChangedNotice,
)
from authn.notices.links import not_me_link
from authn.notices.notices import notice_of
from authn.notices.words import WORDS
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.languages import choose_language
from authn.web.pages import BRUSSELS, LOCALE, Pages


@dataclass(frozen=True, slots=True)
class MailLink:
    """Words, and where they lead."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class MailMessage:
    """Everything that both parts of a mail say, translated."""

    language: str
    subject: str
    greeting: str
    happened: list[str]
    facts: list[tuple[str, str]]
    safe: str
    todo: str
    action: MailLink | None
    not_me_question: str
    not_me: str
    not_me_link: MailLink | None
    your_devices: MailLink
    way_back: MailLink
    footer: list[str]


def write_mail(
    settings: Settings, secrets: Secrets, pages: Pages, row_id: UUID, payload: dict[str, Any]
) -> EmailMessage:
    """The mail that a row of the outbox tells of; the same at each try, with one Message-ID."""
    letter = write_letter(settings, secrets, pages, payload)
    sent_at = datetime.fromisoformat(payload["happened_at"])
    message = EmailMessage(policy=SMTP)
    # Address refuses what could begin another header line; EmailMessage would too.
    message["From"] = Address(settings.service_name, addr_spec=settings.sender)
    message["To"] = Address(addr_spec=payload["address"])
    message["Subject"] = letter.subject
    message["Date"] = sent_at
    message["Message-ID"] = f"<{row_id}@{settings.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by a machine
    message["X-Auto-Response-Suppress"] = "All"
    context = {"letter": letter}
    text = pages.render("notices/mail.txt", letter.language, context)
    html = pages.render("notices/mail.html", letter.language, context)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.language  # what sets the content takes away Content-*
    return message


def write_letter(
    settings: Settings, secrets: Secrets, pages: Pages, payload: dict[str, Any]
) -> MailMessage:
    """The words of the mail, in the person's language or the service's default one."""
    language = choose_language([payload["language"]], settings.default_language)
    notice = notice_of(payload)
    said = WORDS[type(notice)]
    values = {**_values(notice, pages, language), "service": settings.service_name}

    def words_of(message: str) -> str:
        return pages.translate(message, language) % values

    at_desk = _at_desk(notice)
    happened = words.AT_DESK.get(type(notice), said.happened) if at_desk else said.happened
    if isinstance(notice, RoleChangedNotice) and not notice.begun:
        happened = words.ROLE_ENDED
    todo = words.WHAT_TO_DO.get(getattr(notice, "why", ""), said.todo)
    happened_at = datetime.fromisoformat(payload["happened_at"])
    confirming = isinstance(notice, AddressConfirmationNotice)
    not_me = _not_me(settings, secrets, payload, notice, happened_at)
    return MailMessage(
        language=language,
        subject=words_of(said.subject),
        greeting=_greeting(pages, language, "" if confirming else payload["name"]),
        happened=[words_of(each) for each in (happened, *_more(notice))],
        facts=[
            *_facts(pages, language, payload, happened_at, at_desk=at_desk or _of_code(notice)),
            *_reference(pages, language, payload, notice),
        ],
        safe=words_of(said.safe),
        todo=words_of(words.TODO_AT_DESK.get(type(notice), todo) if at_desk else todo),
        action=_action(notice, words_of(said.action)),
        not_me_question=words_of(words.NOT_ME),
        not_me=words_of(said.not_me),
        not_me_link=MailLink(words_of(said.not_me_button), not_me) if not_me else None,
        your_devices=MailLink(words_of(words.YOUR_DEVICES), f"{settings.issuer}/devices"),
        way_back=MailLink(words_of(words.WAY_BACK), f"{settings.issuer}/lost"),
        footer=[
            words_of(words.WHY_THIS_LINK if confirming else words.WHY_THIS_MAIL),
            words_of(words.NEVER),
        ],
    )


def moment_in_words(moment: datetime, pages: Pages, language: str) -> str:
    """Date and time in Belgium."""
    values = {
        "date": format_date(moment.astimezone(BRUSSELS).date(), "long", LOCALE[language]),
        "time": format_time(moment, "short", BRUSSELS, LOCALE[language]),
    }
    return pages.translate(words.MOMENT, language) % values


def _values(notice: Notice, pages: Pages, language: str) -> dict[str, str]:
    """What the sentences of this notice are filled in with."""
    given = {
        "device": getattr(notice, "device_name", ""),
        "address": getattr(notice, "address", ""),
        "on": getattr(notice, "on", None),
        "until": getattr(notice, "until", None),
        "opens": getattr(notice, "opens_at", None),
        "target": getattr(notice, "target", ""),
        "person": getattr(notice, "person", ""),
        "desk": getattr(notice, "desk", ""),
    }
    values = {name: _in_words(value, pages, language) for name, value in given.items()}
    if isinstance(notice, RoleChangedNotice):
        values["role"] = pages.translate(words.ROLES.get(notice.role, notice.role), language)
    if isinstance(notice, ProfilesEndedNotice):
        capacities = [
            pages.translate(title, language) % {"name": name} for title, name in notice.capacities
        ]
        values["capacities"] = "; ".join(capacities)
    return values


def _in_words(value: object, pages: Pages, language: str) -> str:
    if isinstance(value, datetime):
        return moment_in_words(value, pages, language)
    if isinstance(value, date):
        return pages.date(value, language)
    return str(value or "")


def _more(notice: Notice) -> list[str]:
    """What is said after what happened: why, and until when."""
    if isinstance(notice, DeviceSuspendedNotice) and notice.why in words.WHY:
        return [words.WHY[notice.why]]
    if isinstance(notice, EmergencyBlockNotice) and notice.until:
        return [words.BLOCK_ENDS]
    return [words.BY_DESK] if _at_desk(notice) else []


def _at_desk(notice: Notice) -> bool:
    """Whether the help desk did it; what it blocked says so by its reason."""
    return "desk" in (getattr(notice, "by", ""), getattr(notice, "proof", ""))


def _greeting(pages: Pages, language: str, name: str) -> str:
    if not name:
        return pages.translate(words.HELLO_ANYBODY, language)
    return pages.translate(words.HELLO, language) % {"name": name}


def _of_code(notice: Notice) -> bool:
    """Whether a registrar or the operator asked for a code, or printed it."""
    return isinstance(notice, DeskCodeNotice | OperatorCodeNotice | ActivationLinkNotice)


def _facts(
    pages: Pages, language: str, payload: dict[str, Any], happened_at: datetime, *, at_desk: bool
) -> list[tuple[str, str]]:
    """When, and with which browser: but not that of somebody at the desk, which says nothing."""
    when = moment_in_words(happened_at, pages, language)
    facts = [(pages.translate(words.WHEN, language), when)]
    if at_desk:
        return facts
    browser, system = payload["browser"], payload["system"]
    if browser and system:
        both = pages.translate(words.BROWSER, language) % {"browser": browser, "system": system}
        return [*facts, (pages.translate(words.WITH, language), both)]
    if browser or system:
        facts.append((pages.translate(words.WITH, language), browser or system))
    return facts


def _reference(
    pages: Pages, language: str, payload: dict[str, Any], notice: Notice
) -> list[tuple[str, str]]:
    """The number of the request by which the desk finds it; not to an address that is nobody's yet.

    What the worker tells of by itself has none, nor has a row that is older than this line.
    """
    reference = payload.get("reference", NO_REFERENCE)
    if reference == NO_REFERENCE or isinstance(notice, AddressConfirmationNotice):
        return []
    return [(pages.translate(words.REFERENCE, language), reference)]


def _action(notice: Notice, said: str) -> MailLink | None:
    if isinstance(notice, ActivationLinkNotice | AddressConfirmationNotice | EmergencyLinkNotice):
        return MailLink(said, notice.link)
    return None


def _not_me(
    settings: Settings,
    secrets: Secrets,
    payload: dict[str, Any],
    notice: Notice,
    happened_at: datetime,
) -> str | None:
    """Not for an address that nobody confirmed: whoever reads there may be anybody. Nor where
    nothing happened to the reader's account."""
    if payload["person_id"] is None or isinstance(
        notice, (AddressConfirmationNotice, *STAFF_ALONE)
    ):
        return None
    return not_me_link(settings, secrets, UUID(payload["person_id"]), notice, happened_at)
