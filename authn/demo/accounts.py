"""Who is signed in at the demo application, and what it was told: in memory, while it runs.

A cookie holds 4 kB; the list of whom somebody may act for alone may be longer.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authn.secrets import new_token

MOST: Final = 1000
# What is no business of a page.
SECRETS: Final = ("access_token", "refresh_token", "id_token", "userinfo")


@dataclass(slots=True)
class DemoAccount:
    """One sign-in: the tokens, the claims, and what came of the last button that was pressed."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    userinfo: Mapping[str, Any]
    id_token_claims: Mapping[str, Any]
    token_answer: Mapping[str, Any]
    outcome: "DemoLoginOutcome | None" = None

    @classmethod
    def of_token(cls, token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> "DemoAccount":
        """What the provider answered: at its token endpoint, and at userinfo."""
        return cls(
            access_token=token["access_token"],
            id_token=token["id_token"],
            userinfo=userinfo,
            id_token_claims=dict(token["userinfo"]),
            token_answer={name: value for name, value in token.items() if name not in SECRETS},
        )


@dataclass(frozen=True, slots=True)
class DemoLoginOutcome:
    """What a button led to: which one it was, and what was answered, by whom."""

    button: str
    answers: Mapping[str, Mapping[str, Any]]
    refused: bool = False


class DemoAccounts:
    """By the word in a browser's cookie; the oldest goes first."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, DemoAccount] = OrderedDict()

    def add(self, account: DemoAccount) -> str:
        """The word under which the account is found."""
        word = new_token()
        self._accounts[word] = account
        while len(self._accounts) > MOST:
            self._accounts.popitem(last=False)
        return word

    def find(self, word: object) -> DemoAccount | None:
        """The account of this word; None once it is gone."""
        return self._accounts.get(word) if isinstance(word, str) else None

    def remove(self, word: object) -> DemoAccount | None:
        """The account of this word, which is gone by this."""
        return self._accounts.pop(word, None) if isinstance(word, str) else None
