"""The refusals of a proof of identity, and the sentences of their page."""

from dataclasses import dataclass

from authn.errors import N_, Expired, Forbidden, InvalidRequest, Refusal, Unavailable
from authn.web.outgoing import NoAnswer


@dataclass(frozen=True, slots=True)
class FailureTexts:
    """The title of a page about a failure, and what to do; what happened is the refusal's text."""

    title: str
    what_now: str


NOTHING_CHANGED = N_("Your account and your devices are safe. Nothing was changed.")
_AGAIN = N_("Try again. If it goes on, choose another way.")
TEXTS: dict[str, FailureTexts] = {
    "cancelled": FailureTexts(
        N_("You stopped before the end"), N_("Try again when you are ready.")
    ),
    "temporarily_unavailable": FailureTexts(
        N_("This is not possible right now"),
        N_("Try again in a few minutes, or use an activation code."),
    ),
    "untrusted_answer": FailureTexts(N_("We could not check the answer"), _AGAIN),
    "not_in_register": FailureTexts(
        N_("We do not find you in the national register"),
        N_("Ask your municipality or the help desk. They can see what is wrong."),
    ),
    "other_person": FailureTexts(
        N_("You proved to be somebody else"),
        N_("Use your own identity card or app, or sign out here first."),
    ),
    "level_too_low": FailureTexts(
        N_("We need stronger proof"),
        N_("Try again with your identity card, or another stronger way."),
    ),
    "not_fresh": FailureTexts(N_("We need to know that it is you now"), _AGAIN),
    "expired": FailureTexts(N_("You took a little long"), _AGAIN),
    "replayed": FailureTexts(
        N_("This answer was used already"), N_("Start again from the beginning.")
    ),
}
DEFAULT_TEXTS = FailureTexts(N_("Proving who you are did not work"), _AGAIN)


def refusal_from_error(error: Refusal | NoAnswer) -> Refusal:
    """The refusal that an error means; `Unavailable` for an upstream without an answer."""
    if isinstance(error, NoAnswer):
        words = N_("The other service could not be reached, or is not working now.")
        return Unavailable(words, detail=f"upstream: {error}", retry_after=30)
    return error


def refusal_from_answer(error: str) -> Refusal:
    """The refusal that an upstream's error code means (RFC 6749 §4.1.2.1, Core §3.1.2.6)."""
    if error == "access_denied":
        return Forbidden("cancelled", N_("You did not finish at the other service."))
    if error in ("temporarily_unavailable", "server_error"):
        return refusal_from_error(NoAnswer(error))
    known = error.isascii() and error.replace("_", "").isalpha() and len(error) < 60
    words = N_("The other service refused what we asked.")
    return InvalidRequest("refused_there", words, detail=error if known else "an unknown error")


def not_in_register_refusal(detail: str) -> Forbidden:
    """The refusal of a person who is not in the national register."""
    return Forbidden(
        "not_in_register",
        N_("Only people who are in the national register can have a device here."),
        detail=detail,
    )


def other_person_refusal() -> Forbidden:
    """The refusal of a proof of another person than the person who is signed in."""
    return Forbidden("other_person", N_("Somebody else is signed in on this screen."))


def replayed_refusal() -> Expired:
    """The refusal of an answer that was used before."""
    return Expired("replayed", N_("Each answer of the other service can be used once."))
