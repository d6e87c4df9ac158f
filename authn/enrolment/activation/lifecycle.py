"""Activation codes: issued for one person, typed with their national number, used once.

Decisions 2.11: a code is found by its hash; wrong national numbers count against that code alone;
the code is burnt in the transaction that stores the credential, not before. A code of the desk has
two halves that reach the person in two ways; the second half is worth nothing without the first.

Why: one sentence answers every wrong pair, so that the holder of a code learns nothing about a
number, and nobody who knows numbers learns anything about codes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from authn.audit.events.people import ActivationCodeIssued, ActivationRefused
from authn.audit.log import record
from authn.db.occasion import NO_REFERENCE
from authn.enrolment.activation.codes import (
    ActivationCode,
    activation_codes,
    display_code,
    new_code,
    read_code,
)
from authn.errors import N_, Forbidden
from authn.people.persons import find_person, find_person_by_ssin, lock_person
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.secrets import Secrets, token_hash
from authn.settings import Settings

MOST_WRONG_TRIES = 5

_CODE = (
    activation_codes.c.id,
    activation_codes.c.person_id,
    activation_codes.c.expires_at,
    activation_codes.c.second_hash.is_not(None),
)


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A new activation code as it is shown once, and its second half, "" without."""

    id: UUID
    code: str = field(repr=False)
    second_code: str = field(repr=False)
    expires_at: datetime


def issue_activation_code(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person: Person,
    now: datetime,
    reference: str = NO_REFERENCE,
) -> str:
    """A new code for a person, in its displayed form; it is kept as a hash and shown once.

    An unused earlier code is withdrawn: a person has one valid code at most. Raises `Forbidden` for
    a deceased person.
    """
    return issue_whole_code(connection, secrets, settings, person, now, reference).code


def issue_whole_code(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person: Person,
    now: datetime,
    reference: str,
) -> IssuedCode:
    """A new code as by `issue_activation_code`, with the id by which it can be withdrawn."""
    return _issue(connection, secrets, settings, person, now, reference, None)


def issue_code_in_halves(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person: Person,
    now: datetime,
    reference: str,
) -> IssuedCode:
    """A new code and its second half, to reach the person in two ways.

    As `issue_activation_code` otherwise.
    """
    return _issue(connection, secrets, settings, person, now, reference, new_code())


def withdraw_codes_of_person(connection: Connection, person_id: UUID, now: datetime) -> None:
    """All unused codes of a person are withdrawn, with their second halves."""
    connection.execute(
        update(activation_codes)
        .where(activation_codes.c.person_id == person_id, _unspent())
        .values(withdrawn_at=now)
    )


def withdraw_code(connection: Connection, code_id: UUID, now: datetime) -> None:
    """A code is withdrawn, if unused; codes that were issued later stay."""
    connection.execute(
        update(activation_codes)
        .where(activation_codes.c.id == code_id, _unspent())
        .values(withdrawn_at=now)
    )


def find_code_by_second_half(connection: Connection, text: str, now: datetime) -> ActivationCode:
    """The usable code with a second half that was typed; nothing is burnt or written.

    Every other text raises one `Forbidden`: 80 random bits are not found by trying.
    """
    second_code = read_code(text)
    found = (
        second_code
        and connection.execute(
            select(*_CODE).where(
                activation_codes.c.second_hash == token_hash(second_code), _usable(now)
            )
        ).first()
    )
    if not found:
        raise Forbidden(
            "second_half_refused",
            N_("This link or second code is not valid, or not any more. Ask at the desk."),
        )
    return ActivationCode(*found)


def _issue(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person: Person,
    now: datetime,
    reference: str,
    second_code: str | None,
) -> IssuedCode:
    locked = lock_person(connection, person.id)  # two codes issued at once: the later one counts
    if locked is None or locked.deceased:
        raise Forbidden(
            "person_deceased",
            N_("According to the national register this person is deceased: no code was issued."),
        )
    withdraw_codes_of_person(connection, person.id, now)
    code, code_id, expires_at = new_code(), uuid4(), now + settings.activation_lifetime
    connection.execute(
        insert(activation_codes).values(
            id=code_id,
            person_id=person.id,
            code_hash=token_hash(code),
            second_hash=token_hash(second_code) if second_code else None,
            issued_at=now,
            expires_at=expires_at,
            wrong_tries=0,
        )
    )
    record(connection, secrets, ActivationCodeIssued(person_id=person.id), now, reference)
    second = display_code(second_code) if second_code else ""
    return IssuedCode(code_id, display_code(code), second, expires_at)


def check_activation_code(
    connection: Connection,
    secrets: Secrets,
    code_text: str,
    ssin_text: str,
    now: datetime,
    reference: str,
) -> ActivationCode:
    """The usable code that was typed with its person's national number; it is not burnt yet.

    Every other pair raises one `Forbidden`. A wrong number for a usable code is counted; a code
    that was never issued writes nothing.
    """
    code = read_code(code_text)
    if code is None:
        raise _refusal("the code is malformed")
    # A try is counted before the number is compared, and given back when it is right: however many
    # numbers are tried at the same time, no more than five are compared.
    tried = connection.execute(
        update(activation_codes)
        .where(activation_codes.c.code_hash == token_hash(code), _usable(now))
        .values(wrong_tries=activation_codes.c.wrong_tries + 1)
        .returning(*_CODE)
    ).first()
    if tried is None:
        raise _unusable(connection, secrets, code, now, reference)
    found = ActivationCode(*tried)
    reason = _mismatch(connection, secrets, found, ssin_text, now)
    if reason:
        event = ActivationRefused(person_id=found.person_id, reason=reason)
        record(connection, secrets, event, now, reference)
        raise _refusal(reason)
    connection.execute(
        update(activation_codes)
        .where(activation_codes.c.id == found.id)
        .values(wrong_tries=activation_codes.c.wrong_tries - 1)
    )
    return found


def burn_activation_code(connection: Connection, code_id: UUID, now: datetime) -> ActivationCode:
    """The code is used by this transaction alone, whoever else tries at the same time.

    Raises the neutral `Forbidden` for a code that is used, withdrawn, expired or tried too often.
    """
    burnt = connection.execute(
        update(activation_codes)
        .where(activation_codes.c.id == code_id, _usable(now))
        .values(used_at=now)
        .returning(*_CODE)
    ).first()
    if burnt is None:
        raise _refusal("the code is no longer usable")
    code = ActivationCode(*burnt)
    person = find_person(connection, code.person_id)
    if person is None or person.deceased:
        raise _refusal("the person is deceased")
    return code


def _mismatch(
    connection: Connection,
    secrets: Secrets,
    code: ActivationCode,
    ssin_text: str,
    now: datetime,
) -> str | None:
    """Why a number does not belong to a code, for operators; None when it does."""
    try:
        ssin = parse_ssin(ssin_text, today_in_brussels(now))
    except InvalidSsin:
        return "the national number is not valid"
    person = find_person_by_ssin(connection, secrets, ssin)
    if person is None or person.id != code.person_id:
        return "the national number is not this person's"
    return "the person is deceased" if person.deceased else None


def _unspent() -> ColumnElement[bool]:
    return and_(activation_codes.c.used_at.is_(None), activation_codes.c.withdrawn_at.is_(None))


def _usable(now: datetime) -> ColumnElement[bool]:
    return and_(
        _unspent(),
        activation_codes.c.expires_at > now,
        activation_codes.c.wrong_tries < MOST_WRONG_TRIES,
    )


def _unusable(
    connection: Connection, secrets: Secrets, code: str, now: datetime, reference: str
) -> Forbidden:
    """The refusal of a code that can't be used; recorded when the code was issued once."""
    known = connection.execute(
        select(activation_codes).where(activation_codes.c.code_hash == token_hash(code))
    ).first()
    if known is None:
        return _refusal("no such code")
    if known.used_at:
        reason = "the code was used"
    elif known.withdrawn_at:
        reason = "the code was withdrawn"
    elif known.expires_at <= now:
        reason = "the code has expired"
    else:
        reason = "too many wrong tries"
    event = ActivationRefused(person_id=known.person_id, reason=reason)
    record(connection, secrets, event, now, reference)
    return _refusal(reason)


def _refusal(detail: str) -> Forbidden:
    """One answer for every wrong pair; the reason goes to the log alone."""
    return Forbidden(
        "activation_refused",
        N_(
            "This code and this national number do not go together, or the code is no longer "
            "valid. Check both, or ask for a new code."
        ),
        detail=detail,
    )
