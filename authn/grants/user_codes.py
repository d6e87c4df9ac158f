"""User codes: short codes that a person reads on one screen and types on another.

RFC 8628 §6.1 (https://www.rfc-editor.org/rfc/rfc8628#section-6.1): consonants alone, so that no
word comes of them and none is taken for another; eight of them are 34 bits. §5.1: against trying
them out, who types wrong ones is counted by person, or by network where nobody is signed in.

Why by network and not by browser: a browser forgets its cookies when it likes. Whoever shares a
network with somebody that tries is not shut out by it: they sign in, and then type.
"""

import re
import secrets as random
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, delete, literal, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from authn.grants.tables import wrong_user_codes
from authn.secrets import Secrets, derived_token, token_hash

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
MOST_WRONG_CODES: Final = 10
WRONG_CODES_KEPT: Final = timedelta(minutes=10)

_USER_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_BETWEEN = re.compile(r"[^0-9A-Za-z]")
_GIVE_BACK = (
    update(wrong_user_codes)
    .where(wrong_user_codes.c.who == bindparam("whose"), wrong_user_codes.c.tries > 0)
    .values(tries=wrong_user_codes.c.tries - 1)
)
_FORGET = delete(wrong_user_codes).where(wrong_user_codes.c.expires_at < bindparam("now"))


def new_user_code() -> str:
    """Eight letters of the alphabet, by chance."""
    return "".join(random.choice(ALPHABET) for _ in range(LENGTH))


def read_user_code(typed: str) -> str | None:
    """The user code in what was typed, whatever its case and what stands between its letters.

    None for text that can be no code.
    """
    code = _BETWEEN.sub("", typed).upper()
    return code if _USER_CODE.fullmatch(code) else None


def format_user_code(user_code: str) -> str:
    """The user code as people see it, in two groups."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def user_code_hash(secrets: Secrets, user_code: str) -> str:
    """The keyed hash of a user code; a plain hash of so short a code could be reversed."""
    return token_hash(derived_token(secrets, "user-code", user_code))


def spend_try(connection: Connection, who: str, now: datetime) -> bool:
    """Counts one try of a person or network; False if they have no tries left.

    Counted before it is looked at: however many are typed at once, no more than ten are compared.
    False writes nothing.
    """
    row = {"who": token_hash(who), "tries": 1, "expires_at": now + WRONG_CODES_KEPT, "now": now}
    statement = _insert_or_count(connection.dialect.name)
    return connection.execute(statement, row).first() is not None


def give_back_try(connection: Connection, who: str) -> None:
    """Takes back one counted try, after a right code."""
    connection.execute(_GIVE_BACK, {"whose": token_hash(who)})


def forget_wrong_user_codes(connection: Connection, now: datetime) -> int:
    """How many counts of tries were deleted because they have expired."""
    return connection.execute(_FORGET, {"now": now}).rowcount


@cache
def _insert_or_count(dialect: str) -> Executable:
    """`INSERT … ON CONFLICT DO UPDATE … WHERE` there is a try left, in the engine's dialect."""
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    counted = wrong_user_codes.c
    over = counted.expires_at <= bindparam("now", type_=counted.expires_at.type)
    statement: Executable = (
        insert(wrong_user_codes)
        .values({name: bindparam(name) for name in ("who", "tries", "expires_at")})
        .on_conflict_do_update(
            index_elements=[counted.who],
            set_={
                "tries": case((over, literal(1)), else_=counted.tries + 1),
                "expires_at": case((over, bindparam("expires_at")), else_=counted.expires_at),
            },
            where=or_(over, counted.tries < MOST_WRONG_CODES),
        )
        .returning(counted.tries)
    )
    return statement
