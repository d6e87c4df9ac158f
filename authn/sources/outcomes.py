"""How the questions of all people went, as the whole service knows it: for its operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from authn.sources.questions import QuestionName
from authn.sources.tables import source_answers


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """When a question was last answered, about whomever; and for how many people asking fails."""

    question: QuestionName
    answered_at: datetime | None
    failing: int


_OUTCOMES: Final = select(
    source_answers.c.question,
    func.max(source_answers.c.answered_at),
    func.count(source_answers.c.failed_at),
).group_by(source_answers.c.question)


def outcomes(connection: Connection) -> dict[QuestionName, SourceOutcome]:
    """By question, for each that was ever asked."""
    return {row[0]: SourceOutcome(*row) for row in connection.execute(_OUTCOMES)}
