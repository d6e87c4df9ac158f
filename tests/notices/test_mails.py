"""The mails: every kind in every language, both parts alike, and nothing in them but one link."""

import re
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest

from authn.notices import kinds
from authn.notices.kinds import KINDS, Notice
from authn.notices.mail import write_mail
from authn.notices.not_me_links import LIFETIME, read_not_me_link
from authn.notices.notices import read_notice
from authn.notices.texts import TEXTS, WHAT_TO_DO, WHY
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.languages import LANGUAGES
from authn.web.pages import Pages, load_pages

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEYS = Secrets(b"m" * 32, b"n" * 32, b"t" * 32, b"a" * 32)
DEVICE, RETURN, PERSON, ROW = (uuid4() for _ in range(4))
LINK = "https://login.example.org/somewhere#SecretOfALink"
SETTINGS = Settings(issuer="https://login.example.org", service_name="MijnSleutels & co")

EXAMPLES: list[Notice] = [
    kinds.DeviceAddedNotice(DEVICE, "Firefox <b>on</b> Windows"),
    kinds.DeviceUnlinkedNotice(DEVICE, "Oude telefoon"),
    kinds.DeviceUnlinkedNotice(DEVICE, "Oude telefoon", "desk"),
    kinds.DeviceSuspendedNotice(DEVICE, "Laptop", "holder"),
    kinds.DeviceSuspendedNotice(DEVICE, "Laptop", "desk"),
    kinds.DeviceSuspendedNotice(DEVICE, "Laptop", "a reason that nobody knows"),
    kinds.OtherDevicesSuspendedNotice(DEVICE, "Laptop"),
    kinds.DeviceResumedNotice(DEVICE, "Laptop"),
    kinds.DeviceCopiedNotice(DEVICE, "YubiKey 5 NFC"),
    kinds.DeviceDormantSoonNotice(DEVICE, "Tablet", date(2026, 4, 1)),
    kinds.EmergencyBlockNotice("mail", NOW + timedelta(hours=24)),
    kinds.EmergencyBlockNotice("upstream", None),
    kinds.AccountRecoveryBegunNotice(RETURN, NOW + timedelta(hours=24)),
    kinds.AccountRecoveryBegunNotice(RETURN, NOW + timedelta(hours=24), "desk"),
    kinds.AccountRecoveryCancelledNotice(),
    kinds.AddressAddedNotice("h•••@example.org"),
    kinds.AddressConfirmedNotice("h•••@example.org"),
    kinds.AddressRemovedNotice("h•••@example.org"),
    kinds.AddressConfirmationNotice(LINK, NOW + timedelta(hours=24)),
    kinds.EmergencyLinkNotice(LINK),
    kinds.DeskCodeNotice(RETURN, NOW + timedelta(hours=24)),
    kinds.OperatorCodeNotice(RETURN),
    kinds.IdentityMatchedNotice(DEVICE),
    kinds.IdentityPartedNotice(),
    kinds.ActivationLinkNotice(LINK, NOW + timedelta(days=14)),
    kinds.PersonsMergedNotice(),
    kinds.UnusualRequestsNotice("hospital <b>100%</b>"),
    kinds.UnusualApprovalsNotice("hospital <b>100%</b>", "Jan <b>Peeters</b> 100%"),
    kinds.RoleChangedNotice("Jan <b>Peeters</b> 100%", "supervisor", "Ghent", begun=True),
    kinds.RoleChangedNotice("Jan Peeters", "operator", "Ghent", begun=False),
    kinds.ProfilesEndedNotice(
        (("Physician", ""), ("For %(name)s (mandate)", "Jan <b>Peeters</b> 100%"))
    ),
]


@pytest.fixture(scope="module")
def pages() -> Pages:
    return load_pages(SETTINGS.service_name)


def payload_of(notice: Notice, language: str, **changes: Any) -> dict[str, Any]:
    plain = {
        field.name: str(value)
        if isinstance(value := getattr(notice, field.name), UUID)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for field in fields(notice)
    }
    return {
        "address": "hanne@example.org",
        "language": language,
        "name": "Hanne",
        "person_id": str(PERSON),
        "happened_at": NOW.isoformat(),
        "browser": "Firefox",
        "system": "Windows",
        "notice": kinds.NAMES[type(notice)],
        "fields": plain,
        **changes,
    }


def written(pages: Pages, notice: Notice, language: str, **changes: Any) -> EmailMessage:
    """The mail, as it comes out of the wire at the other side."""
    payload = payload_of(notice, language, **changes)
    message = write_mail(SETTINGS, KEYS, pages, ROW, payload)
    arrived = message_from_bytes(message.as_bytes(), policy=default)
    assert isinstance(arrived, EmailMessage)
    return arrived


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content


class Reader(HTMLParser):
    """What an HTML part says, leads to and loads."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def words(text: str) -> list[str]:
    return re.sub(r"https?://\S+", "", text).split()


every_mail = pytest.mark.parametrize(
    ("notice", "language"),
    [
        pytest.param(notice, language, id=f"{kinds.NAMES[type(notice)]}-{number}-{language}")
        for number, notice in enumerate(EXAMPLES)
        for language in LANGUAGES
    ],
)


def test_every_kind_has_an_example_words_and_a_name() -> None:
    assert {type(example) for example in EXAMPLES} == set(KINDS.values()) == set(TEXTS)
    defined = {each.__name__ for each in Notice.__subclasses__()}
    assert defined == {kind.__name__ for kind in KINDS.values()}


@every_mail
def test_a_mail_is_in_its_language_with_two_parts_that_say_the_same(
    pages: Pages, notice: Notice, language: str
) -> None:
    message = written(pages, notice, language)
    assert message.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["Content-Language"] == language
    text, reader = part(message, "plain"), read(part(message, "html"))
    assert reader.tags[0] == ("html", {"lang": language})
    # The subject is the heading of the one and the header of the other.
    said = words(" ".join(reader.said))
    told = words(text.replace(":\n", "\n")) + words(message["Subject"])
    assert {w.rstrip(":") for w in said} - {"--"} == {w.rstrip(":") for w in told} - {"--"}
    assert sorted(reader.links) == sorted(re.findall(r"https://\S+", text))
    english = written(pages, notice, "en")
    if language != "en":
        assert message["Subject"] != english["Subject"], "translated"
        assert len(set(text.splitlines()) & set(part(english, "plain").splitlines())) < 6


@every_mail
def test_a_mail_holds_no_number_no_code_and_no_secret_but_its_links(
    pages: Pages, notice: Notice, language: str
) -> None:
    message = written(pages, notice, language)
    for kind in ("plain", "html"):
        body = part(message, kind)
        allowed = {"/devices", "/lost"}
        for link in re.findall(r"https://[^\s\"]+", body):
            address, _, secret = link.partition("#")
            if secret:
                assert address.endswith(("/not-me", "/somewhere")), "in the fragment"
            else:
                assert address.removeprefix(SETTINGS.issuer) in allowed
        without = re.sub(r"https://[^\s\"]+", "", body)
        # Dates and times have at most four digits together; a number, a code, an id more.
        without = re.sub(r"#[0-9a-f]{6}\b|\d+px", "", without)
        assert re.findall(r"\d{5,}|\d\d\.\d\d\.\d\d-", without) == []
        for secret_of_ours in (str(DEVICE), str(RETURN), str(PERSON), "hanne@example.org"):
            assert secret_of_ours not in body
    assert "?" not in str(message["Subject"]).replace("? ", "")


@every_mail
def test_every_mail_to_a_confirmed_address_has_this_was_not_me(
    pages: Pages, notice: Notice, language: str
) -> None:
    text = part(written(pages, notice, language), "plain")
    tokens = re.findall(r"/not-me#(\S+)", text)
    if isinstance(notice, kinds.AddressConfirmationNotice):
        assert tokens == [], "whoever reads there may be anybody"
        return
    if isinstance(notice, kinds.STAFF_ALONE):
        assert tokens == [], "nothing happened to their own account"
        return
    (token,) = tokens
    said = read_not_me_link(KEYS, token, NOW + timedelta(days=29))
    assert said.person_id == PERSON
    assert said.notice == kinds.NAMES[type(notice)]
    assert said.expires_at == NOW + LIFETIME
    targets = {
        kinds.DeviceAddedNotice: DEVICE,
        kinds.AccountRecoveryBegunNotice: RETURN,
        kinds.DeskCodeNotice: RETURN,
        kinds.OperatorCodeNotice: RETURN,
        kinds.IdentityMatchedNotice: DEVICE,
    }
    assert said.target == targets.get(type(notice))


@every_mail
def test_html_loads_nothing_and_has_no_script(pages: Pages, notice: Notice, language: str) -> None:
    reader = read(part(written(pages, notice, language), "html"))
    assert {tag for tag, _ in reader.tags} <= {
        *("html", "head", "meta", "title", "body", "main", "h1", "h2", "p", "strong", "br", "a")
    }
    for _, attributes in reader.tags:
        assert "src" not in attributes
        assert "url(" not in (attributes.get("style") or "")
        assert not any(name.startswith("on") for name in attributes)
    assert sum(tag == "h1" for tag, _ in reader.tags) == 1
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in reader.tags


@every_mail
def test_what_was_written_can_be_read_back(pages: Pages, notice: Notice, language: str) -> None:
    assert read_notice(payload_of(notice, language)) == notice


def test_when_and_with_what_are_said_in_belgian_time(pages: Pages) -> None:
    notice = kinds.DeviceAddedNotice(DEVICE, "Laptop")
    text = part(written(pages, notice, "nl"), "plain")
    assert "Wanneer: 2 maart 2026 om 10:30, Belgische tijd" in text
    assert "Met: Firefox op Windows" in text
    unknown = part(written(pages, notice, "nl", browser="", system=""), "plain")
    assert "Met:" not in unknown
    half = part(written(pages, notice, "nl", browser="", system="iPhone"), "plain")
    assert "Met: iPhone" in half


def test_a_device_name_is_text_in_html_and_untouched_in_plain(pages: Pages) -> None:
    message = written(pages, kinds.DeviceAddedNotice(DEVICE, "<b>&'%(x)s 100%"), "en")
    assert "“<b>&'%(x)s 100%”" in part(message, "plain")
    assert "&lt;b&gt;&amp;&#39;%(x)s 100%" in part(message, "html")


def test_no_header_can_be_added_through_what_a_mail_names(pages: Pages) -> None:
    evil = "x\r\nBcc: karim@example.org\r\n\r\nhello"
    message = written(pages, kinds.DeviceAddedNotice(DEVICE, evil), "en", name=evil)
    assert message["Bcc"] is None
    assert message["To"] == "hanne@example.org"
    with pytest.raises((ValueError, IndexError)):
        written(pages, EXAMPLES[0], "en", address="a@example.org\r\nBcc: karim@example.org")


def test_headers_say_who_it_is_from_and_that_a_machine_wrote_it(pages: Pages) -> None:
    message = written(pages, EXAMPLES[0], "en")
    assert message["From"] == "MijnSleutels & co <no-reply@login.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{ROW}@login.example.org>"
    assert message["Date"].datetime == NOW


def test_each_try_writes_the_same_mail(pages: Pages) -> None:
    one, other = (written(pages, EXAMPLES[0], "fr") for _ in range(2))
    assert part(one, "plain") == part(other, "plain")
    assert one["Message-ID"] == other["Message-ID"]


def test_a_person_with_another_language_is_told_in_the_services(pages: Pages) -> None:
    assert written(pages, EXAMPLES[0], "it")["Content-Language"] == SETTINGS.default_language


def test_what_the_help_desk_did_says_so(pages: Pages) -> None:
    removed = kinds.DeviceUnlinkedNotice(DEVICE, "Oude telefoon", "desk")
    assert "The help desk did this" in part(written(pages, removed, "en"), "plain")
    by_holder = kinds.DeviceUnlinkedNotice(DEVICE, "Oude telefoon", "holder")
    assert "help desk" not in part(written(pages, by_holder, "en"), "plain")
    begun = kinds.AccountRecoveryBegunNotice(RETURN, NOW, "desk")
    assert "They proved to be you" not in part(written(pages, begun, "en"), "plain")


def test_a_row_written_before_its_kind_had_a_field_more_is_still_told() -> None:
    fields = {"device_id": str(DEVICE), "device_name": "Laptop"}
    assert read_notice(
        {"notice": "device-unlinked", "fields": fields}
    ) == kinds.DeviceUnlinkedNotice(DEVICE, "Laptop")


def test_reasons_are_those_that_devices_have() -> None:
    assert set(WHAT_TO_DO) <= set(WHY)


def test_no_line_of_the_source_is_too_long_for_a_server(pages: Pages) -> None:
    """RFC 5321 §4.5.3.1.6: 1000 octets; quoted-printable keeps to 76."""
    payload = payload_of(kinds.EmergencyLinkNotice(LINK + "x" * 2000), "fr")
    raw = write_mail(SETTINGS, KEYS, pages, ROW, payload).as_bytes()
    assert max(len(line) for line in raw.splitlines()) <= 998
