"""What a check of the audit log finds, in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """Something that is not as it was written: what, at which number of the chain, which row."""

    what: str
    sequence: int | None = None
    event_id: int | None = None

    def __str__(self) -> str:
        where = [
            f"number {self.sequence}" if self.sequence is not None else "",
            f"row {self.event_id}" if self.event_id is not None else "",
        ]
        return ", ".join(each for each in (self.what, *where) if each)
