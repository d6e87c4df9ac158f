"""Settings of the support desk: sessions, reasons, limits, and waiting times of acts."""

from datetime import timedelta
from typing import Annotated, Any, Final

import orjson
from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode

from authn.settings.audit import AuditSettings
from authn.settings.clients import Names
from authn.settings.service import Language

Reasons = dict[
    Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{0,39}$")],
    Annotated[
        dict[Language, Annotated[str, StringConstraints(min_length=1, max_length=100)]],
        Field(min_length=1),
    ],
]
# The codes of the built-in reasons; their texts are in `staff.reasons`.
BUILT_IN_REASON_CODES: Final = frozenset(
    {
        "lost-device",
        "cannot-sign-in",
        "copied-key",
        "misuse",
        "came-to-desk",
        "wrong-data",
        "question",
        "check",
    }
)
_REASONS: TypeAdapter[Reasons] = TypeAdapter(Reasons)


def _read_reasons(value: Any) -> Reasons:
    """The texts by code in a JSON object; raises `ValueError` naming the member at fault."""
    try:
        return _REASONS.validate_python(orjson.loads(value) if isinstance(value, str) else value)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error})") from None
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"{where}: {problem['msg']}".removeprefix(": ")) from None


class DeskSettings(AuditSettings):
    """Settings of the support desk."""

    desk_idle: timedelta = Field(
        timedelta(minutes=15),
        description="How long the support desk stays open while nobody uses it.",
        gt=timedelta(0),
        le=timedelta(hours=8),
    )
    desk_lifetime: timedelta = Field(
        timedelta(hours=8),
        description="How long the support desk stays open at most; then it is opened with a device "
        "again.",
        gt=timedelta(0),
        le=timedelta(hours=24),
    )
    desk_reason_lifetime: timedelta = Field(
        timedelta(minutes=15),
        description="How long a reason holds that was given for looking at one person.",
        gt=timedelta(0),
        le=timedelta(hours=8),
    )
    desk_reasons: Annotated[Reasons, NoDecode, BeforeValidator(_read_reasons)] = Field(
        {},
        description="The reasons that an agent chooses from, by a short code, in the languages of "
        'your staff and citizens, who read them: a JSON object such as `{"lost-phone": {"en": '
        '"Lost phone", "nl": "Telefoon kwijt"}}`. Empty: those built in, in all four languages.',
    )
    desk_fraud_reasons: Names = Field(
        frozenset(),
        description="Which of these reasons, by their codes with spaces between, say that somebody "
        "else may use the account: what was blocked for one of them is unblocked by a supervisor "
        "with a second member of staff, and never by an agent alone. Empty: `copied-key` and "
        "`misuse`, so with a list of your own name those of it.",
    )
    desk_looks_warning: int = Field(
        30,
        description="At how many persons looked at in an hour the supervisors of an agent's desk "
        "are told; a search that finds nobody counts as well.",
        ge=1,
    )
    desk_looks_most: int = Field(
        60,
        description="How many persons an agent may look at in an hour; then no more.",
        ge=1,
    )

    desk_undo: timedelta = Field(
        timedelta(minutes=15),
        description="How long an agent can take back that they blocked the wrong device, and a "
        "registrar can print a spoiled letter anew without asking for the code again.",
        ge=timedelta(0),
        le=timedelta(hours=8),
    )
    desk_approval_lifetime: timedelta = Field(
        timedelta(minutes=30),
        description="How long an act waits for the approval of a second member of staff.",
        gt=timedelta(0),
        le=timedelta(hours=24),
    )
    desk_request_lifetime: timedelta = Field(
        timedelta(hours=24),
        description="How long what gives an application much, or somebody the role of operator or "
        "supervisor, waits for a second one who agrees.",
        gt=timedelta(0),
        le=timedelta(days=14),
    )
    desk_questions: Annotated[Reasons, NoDecode, BeforeValidator(_read_reasons)] = Field(
        {},
        description="What an agent asks a caller before an act, to be sure of whom they speak "
        "with: written as AUTHN_DESK_REASONS is. Whether each was answered well is on record, "
        "never the answer. Empty: no list is shown.",
    )

    desk_document_checks: Annotated[Reasons, NoDecode, BeforeValidator(_read_reasons)] = Field(
        {},
        description="What a registrar looks at in an identity document, each of which must be done "
        "before a code is issued: written as AUTHN_DESK_REASONS is. Empty: those built in.",
    )
    desk_code_wait: timedelta = Field(
        timedelta(hours=24),
        description="How long a code waits that a registrar asked for somebody who has or had a "
        "device, where no second member of staff agrees. Every address on file can cancel it "
        "meanwhile.",
        ge=timedelta(hours=1),
    )
    desk_address_age: timedelta = Field(
        timedelta(days=1),
        description="How long ago an address must have been confirmed before the second half of a "
        "code goes there, or it counts as one that can cancel a code. Until then a second letter "
        "does it.",
        ge=timedelta(0),
    )

    @field_validator("desk_fraud_reasons")
    @classmethod
    def _are_reasons(cls, value: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        known = info.data.get("desk_reasons") or BUILT_IN_REASON_CODES
        if not value <= {*known}:
            raise ValueError("names a code that is no reason of AUTHN_DESK_REASONS")
        return value

    @field_validator("desk_looks_most")
    @classmethod
    def _warned_before(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("desk_looks_warning", value):
            raise ValueError("is not less than AUTHN_DESK_LOOKS_WARNING")
        return value
