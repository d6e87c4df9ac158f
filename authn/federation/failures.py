"""What a person reads when proving who they are failed: what happened, what is safe, what now.

By the code of the refusal.
"""

from dataclasses import dataclass

from authn.errors import N_, Expired, Forbidden, InvalidRequest, Refusal, Unavailable
from authn.web.outgoing import NoAnswer


@dataclass(frozen=True, slots=True)
class FailureTexts:
    """Title and what to do now; what happened is the refusal's own sentence."""

    title: str
    what_now: str


NOTHING_CHANGED = N_("Your account and your devices are safe. Nothing was changed.")
_AGAIN = N_("Try again. If it goes on, choose another way.")
WORDS: dict[str, FailureTexts] = {
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
OTHERWISE = FailureTexts(N_("Proving who you are did not work"), _AGAIN)


def refusal_of(error: Refusal | NoAnswer) -> Refusal:
    """The refusal that a silent or broken upstream means."""
    if isinstance(error, NoAnswer):
        words = N_("The other service could not be reached, or is not working now.")
        return Unavailable(words, detail=f"upstream: {error}", retry_after=30)
    return error


def refusal_in_answer(error: str) -> Refusal:
    """The refusal that an upstream's own error means (RFC 6749 §4.1.2.1, Core §3.1.2.6)."""
    if error == "access_denied":
        return Forbidden("cancelled", N_("You did not finish at the other service."))
    if error in ("temporarily_unavailable", "server_error"):
        return refusal_of(NoAnswer(error))
    known = error.isascii() and error.replace("_", "").isalpha() and len(error) < 60
    words = N_("The other service refused what we asked.")
    return InvalidRequest("refused_there", words, detail=error if known else "an unknown error")


def not_in_register(detail: str) -> Forbidden:
    """The refusal of somebody who may have no device here, whoever they are."""
    return Forbidden(
        "not_in_register",
        N_("Only people who are in the national register can have a device here."),
        detail=detail,
    )


def other_person() -> Forbidden:
    """The refusal of a proof of another person than the one who is signed in."""
    return Forbidden("other_person", N_("Somebody else is signed in on this screen."))


def replayed() -> Expired:
    """The refusal of an answer that came before."""
    return Expired("replayed", N_("Each answer of the other service can be used once."))
