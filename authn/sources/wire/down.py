"""Why a source gave no answer, for those who asked it."""


class SourceDown(Exception):
    """The source gave no answer that can be used; what depends on it can't be checked now.

    Its text is for the log: what went wrong, never what was sent or came.
    """


class SourceTryAgain(SourceDown):
    """It may well answer in a moment; `after` is how many seconds it asked to be left alone."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class SourceUnreadable(SourceDown):
    """It answered, about this one, what nobody can read: it is not down for others."""


class SourceBusy(SourceDown):
    """So many ask at this moment that there was no turn; the source itself said nothing."""


class SourcePaused(SourceDown):
    """It failed again and again, and is not asked for a while."""
