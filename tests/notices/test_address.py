"""Mail addresses as people type them (https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)."""

from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.errors import InvalidRequest
from authn.notices.mail_address import LONGEST_ADDRESS, mask_address, read_address, same_address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("hanne@example.org", "hanne@example.org"),
        ("  Hanne.VanDerMeulen+authn@Example.ORG ", "Hanne.VanDerMeulen+authn@example.org"),
        ("o'brien@sub.example.org", "o'brien@sub.example.org"),
        ("hanne@bücher.example", "hanne@xn--bcher-kva.example"),
        ("hanne@BÜCHER.example", "hanne@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_with_its_domain_in_ascii(typed: str, kept: str) -> None:
    assert read_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "hanne",
        "hanne@",
        "@example.org",
        "hanne@example",
        "hanne@localhost",
        "hanne@127.0.0.1",
        "hanne@[127.0.0.1]",
        "hanne@example.org.",
        "hanne@.example.org",
        "hanne@-example.org",
        "hanne@exam_ple.org",
        ".hanne@example.org",
        "hanne.@example.org",
        "han..ne@example.org",
        "han ne@example.org",
        '"han ne"@example.org',
        "hanne@karim@example.org",
        "hanne(comment)@example.org",
        "=?utf-8?q?hanne?=@example.org",
        "Hanne <hanne@example.org>",
        "hanne@example.org,karim@example.org",
        "hanne@example.org;karim@example.org",
        "hanne@example.org\r\nBcc: karim@example.org",
        "hanne\n@example.org",
        "hanne@example.org\n",
        "hanne\x00@example.org",
        "hänne@example.org",
        "hanne@exa\u200bmple\u2028.org",
        "a" * 65 + "@example.org",
        "hanne@" + "a" * 64 + ".org",
        "hanne@" + "a." * 125 + "org",
        "x" * 100_000,
    ],
)
def test_what_is_no_plain_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest):
        read_address(typed)


@given(st.text() | st.emails() | st.from_regex(r"[a-z\r\n@.:<> ]{0,40}@[a-z.\r\n]{0,40}"))
def test_whatever_is_typed_gives_a_header_of_one_line_or_a_refusal(typed: str) -> None:
    try:
        address = read_address(typed)
    except InvalidRequest:
        return
    assert len(address) <= LONGEST_ADDRESS
    assert address.isascii()
    assert address.isprintable()
    assert address.count("@") == 1
    assert not set(address) & set(' ,;:<>()[]"\\')
    assert Address(addr_spec=address).addr_spec == address
    assert read_address(address) == address


def test_a_masked_address_is_known_to_its_owner_alone() -> None:
    assert mask_address("hanne.vandermeulen@example.org") == "h•••@example.org"
    assert mask_address("h@example.org") == "h•••@example.org"


def test_capitals_make_no_other_address() -> None:
    assert same_address("Hanne@example.org", "hanne@EXAMPLE.org")
    assert not same_address("hanne@example.org", "hanne@example.com")
