"""Why a member of staff looks at a person: a code, on record, and the words that people read.

The operator's own list takes the place of the one built in. What was on record by an older list
keeps its words as well as it can: a code that nobody knows any more is shown as it is.
"""

from collections.abc import Callable, Mapping
from typing import Final

from authn.errors import N_
from authn.settings import Settings
from authn.settings.desk import Reasons

REASONS: Final[Mapping[str, str]] = {
    "lost-device": N_("A device was lost or stolen"),
    "cannot-sign-in": N_("Signing in does not work"),
    "copied-key": N_("A key may have been copied"),
    "misuse": N_("Somebody else may be using the account"),
    "came-to-desk": N_("You came to a desk"),
    "wrong-data": N_("Data or an address is wrong"),
    "question": N_("A question was asked"),
    "check": N_("A check or a complaint"),
}
FRAUD: Final = frozenset({"copied-key", "misuse"})
"""Which of them say that somebody else may use the account."""

_ORDER: Final = ("en", "fr", "nl", "de")


def reasons_of(settings: Settings) -> tuple[str, ...]:
    """The codes that an agent chooses from, in their order."""
    return tuple(settings.desk_reasons or REASONS)


def is_fraud(settings: Settings, code: str | None) -> bool:
    """Whether what was blocked for this reason is unblocked by two members of staff alone.

    What was blocked for one of ours before the operator had a list of their own stays so.
    """
    if code in FRAUD and code not in reasons_of(settings):
        return True
    return code in (settings.desk_fraud_reasons or FRAUD)


def reason_in_words(
    settings: Settings, code: str, language: str, translate: Callable[[str], str]
) -> str:
    """What the reason is called in this language; the operator's in another one if need be.

    `translate` is for those that are built in. A code that is unknown is its own word.
    """
    return own_words(settings.desk_reasons, REASONS, code, language, translate)


def own_words(
    own: Reasons,
    built_in: Mapping[str, str],
    code: str,
    language: str,
    translate: Callable[[str], str],
) -> str:
    """What a code of a list is called, where the operator's `own` list may stand for ours."""
    if code in own:
        words = {str(each): word for each, word in own[code].items()}
        return next(words[each] for each in (language, *_ORDER) if each in words)
    return translate(built_in[code]) if code in built_in else code
