"""What the national register tells of one human being."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Citizen:
    """An entry of the national register; its numbers are left out of `repr`.

    `birthdate` is `YYYY-MM-DD`, `YYYY-MM`, `YYYY` or None, as much as is known. `language` is a
    two-letter code. `previous_ssins` are the numbers that the present one replaced. A
    `cancelled` number was given out in error, and leads to nobody.
    """

    ssin: str = field(repr=False)
    given_name: str
    family_name: str
    birthdate: str | None
    language: str
    deceased: bool = False
    cancelled: bool = False
    previous_ssins: tuple[str, ...] = field(default=(), repr=False)
