"""Writes the mail of a notice: plain text and HTML with equal content, in the person's language."""

from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID

from babel.dates import format_date, format_time

from authn.db.occasion import NO_REFERENCE
from authn.notices import texts
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
from authn.notices.not_me_links import not_me_link
from authn.notices.notices import read_notice
from authn.notices.texts import TEXTS
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.languages import choose_language
from authn.web.pages import BRUSSELS, LOCALE, Pages


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link in a mail: its words and address."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class MailMessage:
    """The translated texts of a mail, for both its parts."""

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
    """The mail of a row of the outbox; equal at each try, with one Message-ID."""
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
    """The texts of a mail, in the person's language or the service's default language."""
    language = choose_language([payload["language"]], settings.default_language)
    notice = read_notice(payload)
    sentences = TEXTS[type(notice)]
    values = {**_values(notice, pages, language), "service": settings.service_name}

    def translate(message: str) -> str:
        return pages.translate(message, language) % values

    at_desk = _is_by_desk(notice)
    happened = (
        texts.AT_DESK.get(type(notice), sentences.happened) if at_desk else sentences.happened
    )
    if isinstance(notice, RoleChangedNotice) and not notice.begun:
        happened = texts.ROLE_ENDED
    todo = texts.WHAT_TO_DO.get(getattr(notice, "why", ""), sentences.todo)
    happened_at = datetime.fromisoformat(payload["happened_at"])
    confirming = isinstance(notice, AddressConfirmationNotice)
    not_me = _not_me(settings, secrets, payload, notice, happened_at)
    return MailMessage(
        language=language,
        subject=translate(sentences.subject),
        greeting=_greeting(pages, language, "" if confirming else payload["name"]),
        happened=[translate(each) for each in (happened, *_more(notice))],
        facts=_facts(pages, language, payload, notice, happened_at),
        safe=translate(sentences.safe),
        todo=translate(texts.TODO_AT_DESK.get(type(notice), todo) if at_desk else todo),
        action=_action(notice, translate(sentences.action)),
        not_me_question=translate(texts.NOT_ME),
        not_me=translate(sentences.not_me),
        not_me_link=MailLink(translate(sentences.not_me_button), not_me) if not_me else None,
        your_devices=MailLink(translate(texts.YOUR_DEVICES), f"{settings.issuer}/devices"),
        way_back=MailLink(translate(texts.WAY_BACK), f"{settings.issuer}/lost"),
        footer=[
            translate(texts.WHY_THIS_LINK if confirming else texts.WHY_THIS_MAIL),
            translate(texts.NEVER),
        ],
    )


def format_moment(moment: datetime, pages: Pages, language: str) -> str:
    """A moment as date and time in Belgium, in a language."""
    values = {
        "date": format_date(moment.astimezone(BRUSSELS).date(), "long", LOCALE[language]),
        "time": format_time(moment, "short", BRUSSELS, LOCALE[language]),
    }
    return pages.translate(texts.MOMENT, language) % values


def _values(notice: Notice, pages: Pages, language: str) -> dict[str, str]:
    """The values that the sentences of a notice are filled in with."""
    raw = {
        "device": getattr(notice, "device_name", ""),
        "address": getattr(notice, "address", ""),
        "on": getattr(notice, "on", None),
        "until": getattr(notice, "until", None),
        "opens": getattr(notice, "opens_at", None),
        "target": getattr(notice, "target", ""),
        "person": getattr(notice, "person", ""),
        "desk": getattr(notice, "desk", ""),
    }
    values = {name: _in_words(value, pages, language) for name, value in raw.items()}
    if isinstance(notice, RoleChangedNotice):
        values["role"] = pages.translate(texts.ROLES.get(notice.role, notice.role), language)
    if isinstance(notice, ProfilesEndedNotice):
        capacities = [
            pages.translate(title, language) % {"name": name} for title, name in notice.capacities
        ]
        values["capacities"] = "; ".join(capacities)
    return values


def _in_words(value: object, pages: Pages, language: str) -> str:
    if isinstance(value, datetime):
        return format_moment(value, pages, language)
    if isinstance(value, date):
        return pages.date(value, language)
    return str(value or "")


def _more(notice: Notice) -> list[str]:
    """The sentences after what happened: why, and until when."""
    if isinstance(notice, DeviceSuspendedNotice) and notice.why in texts.WHY:
        return [texts.WHY[notice.why]]
    if isinstance(notice, EmergencyBlockNotice) and notice.until:
        return [texts.BLOCK_ENDS]
    return [texts.BY_DESK] if _is_by_desk(notice) else []


def _is_by_desk(notice: Notice) -> bool:
    """Whether the help desk did what a notice tells of; a block by the desk has its own reason."""
    return "desk" in (getattr(notice, "by", ""), getattr(notice, "proof", ""))


def _greeting(pages: Pages, language: str, name: str) -> str:
    if not name:
        return pages.translate(texts.HELLO_ANYBODY, language)
    return pages.translate(texts.HELLO, language) % {"name": name}


def _is_about_code(notice: Notice) -> bool:
    """Whether a notice is about an activation code of a registrar or an operator."""
    return isinstance(notice, DeskCodeNotice | OperatorCodeNotice | ActivationLinkNotice)


def _facts(
    pages: Pages, language: str, payload: dict[str, Any], notice: Notice, happened_at: datetime
) -> list[tuple[str, str]]:
    """When an act happened, with which browser, and the reference of its request."""
    when = (pages.translate(texts.WHEN, language), format_moment(happened_at, pages, language))
    by_holder = not (_is_by_desk(notice) or _is_about_code(notice))
    return [
        when,
        *(_browser(pages, language, payload) if by_holder else ()),
        *_reference(pages, language, payload, notice),
    ]


def _browser(pages: Pages, language: str, payload: dict[str, Any]) -> list[tuple[str, str]]:
    """The browser and the system that the holder used, as far as known."""
    browser, system = payload["browser"], payload["system"]
    if browser and system:
        both = pages.translate(texts.BROWSER, language) % {"browser": browser, "system": system}
        return [(pages.translate(texts.WITH, language), both)]
    if browser or system:
        return [(pages.translate(texts.WITH, language), browser or system)]
    return []


def _reference(
    pages: Pages, language: str, payload: dict[str, Any], notice: Notice
) -> list[tuple[str, str]]:
    """The reference of the request, by which the desk finds the event.

    Not for an address that nobody confirmed. Notices of a worker have none, nor have old rows.
    """
    reference = payload.get("reference", NO_REFERENCE)
    if reference == NO_REFERENCE or isinstance(notice, AddressConfirmationNotice):
        return []
    return [(pages.translate(texts.REFERENCE, language), reference)]


def _action(notice: Notice, words: str) -> MailLink | None:
    if isinstance(notice, ActivationLinkNotice | AddressConfirmationNotice | EmergencyLinkNotice):
        return MailLink(words, notice.link)
    return None


def _not_me(
    settings: Settings,
    secrets: Secrets,
    payload: dict[str, Any],
    notice: Notice,
    happened_at: datetime,
) -> str | None:
    """The link "this was not me"; None where nothing happened to the reader's account.

    None for an address that nobody confirmed, too: whoever reads there may be anybody.
    """
    if payload["person_id"] is None or isinstance(
        notice, (AddressConfirmationNotice, *STAFF_ALONE)
    ):
        return None
    return not_me_link(settings, secrets, UUID(payload["person_id"]), notice, happened_at)
