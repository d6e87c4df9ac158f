"""The reasons for which staff look at a person: codes for the audit log, and their texts.

The operator's list (`desk_reasons`) takes the place of the built-in one. A code of an earlier list
that is in neither is shown as it is.
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
"""The built-in reasons which say that somebody else may use the account."""

_ORDER: Final = ("en", "fr", "nl", "de")


def reason_codes(settings: Settings) -> tuple[str, ...]:
    """The codes of the reasons that an agent chooses from, in the order of the page."""
    return tuple(settings.desk_reasons or REASONS)


def is_fraud(settings: Settings, code: str | None) -> bool:
    """Whether a device that was blocked for this reason is unblocked only by two members of staff.

    A built-in reason that speaks of fraud still counts after the operator made an own list.
    """
    if code in FRAUD and code not in reason_codes(settings):
        return True
    return code in (settings.desk_fraud_reasons or FRAUD)


def reason_text(
    settings: Settings, code: str, language: str, translate: Callable[[str], str]
) -> str:
    """The text of a reason in this language, or in the next one that the operator wrote.

    `translate` is for built-in reasons. An unknown code is its own text.
    """
    return text_of_code(settings.desk_reasons, REASONS, code, language, translate)


def text_of_code(
    own: Reasons,
    built_in: Mapping[str, str],
    code: str,
    language: str,
    translate: Callable[[str], str],
) -> str:
    """The text of a code, from the operator's `own` list or else from the `built_in` one."""
    if code in own:
        words = {str(each): word for each, word in own[code].items()}
        return next(words[each] for each in (language, *_ORDER) if each in words)
    return translate(built_in[code]) if code in built_in else code
