"""The polite no, in its few shapes; knows no HTTP.

A `Refusal` commits the transaction it leaves (design: burnt challenges, spent codes, counted
attempts and audit rows survive a "no"); every other exception rolls it back. `app.py` maps each
shape to a status, once.
"""


def N_(message: str) -> str:
    """Mark a message for translation where it is written; it is translated where it is shown."""
    return message


class Refusal(Exception):
    """The request was understood and is refused.

    `error` is the wire code, `description` a sentence that is safe to show (an English message id,
    translated when it is shown), `detail` is for the log alone.
    """

    def __init__(self, error: str, description: str, *, detail: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.detail = detail


class InvalidRequest(Refusal):
    """What was sent cannot be read: malformed, too large, repeated or missing."""


class Forbidden(Refusal):
    """Who asks may not do this, or comes from elsewhere."""


class NotFound(Refusal):
    """There is nothing here, or nothing that may be seen."""


class Expired(Refusal):
    """What was presented was valid once: too late, or already used."""


class Unavailable(Refusal):
    """Not now: the database is busy or gone; nothing was decided and trying again is right."""

    def __init__(
        self,
        description: str = N_("The service is busy. Please try again in a moment."),
        *,
        detail: str = "",
        retry_after: int = 2,
    ) -> None:
        super().__init__("temporarily_unavailable", description, detail=detail)
        self.retry_after = retry_after


class CommandError(Exception):
    """A command of the command line cannot be carried out; its text is one clear sentence."""
