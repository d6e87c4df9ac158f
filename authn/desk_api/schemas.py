"""What the calls of the API answer, as JSON Schema 2020-12 (https://json-schema.org/draft/2020-12).

A member that may be null is there all the same: a tool finds it where it looks for it.
"""

from typing import Any, Final, get_args

from authn.devices.tables import HowAdded, KeyLevel, Kind, Status, SuspendedWhy
from authn.staff.roles import RULES

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
YES: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(values: Any) -> Schema:
    return {"type": "string", "enum": list(get_args(values) or values)}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(members: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_NAMED: Final[dict[str, Schema]] = {
    "id": ID,
    "given_name": TEXT,
    "family_name": TEXT,
    "birthdate": _or_null(TEXT | {"description": "YYYY-MM-DD, or as much of it as is known."}),
    "number": _or_null(TEXT | {"description": "The end of the national number."}),
}
_ACTS: Final = _list(
    _object({"act": _one_of(RULES), "waits": YES | {"description": "For a second one."}})
)
# Of one who became another, no more is told than who that is.
_OF_LIVING: Final[dict[str, Schema]] = {
    "language": TEXT,
    "colleague": YES,
    "blocked_until": _or_null(MOMENT),
    "return_opens_at": _or_null(MOMENT),
    "addresses": _list(
        _object({"id": ID, "address": TEXT | {"description": "Masked."}, "confirmed": YES})
    ),
    "acts": _ACTS,
}
_DEVICE: Final[dict[str, Schema]] = {
    "id": ID,
    "name": TEXT,
    "kind": _one_of(Kind),
    "model": _or_null(TEXT),
    "level": _one_of(KeyLevel),
    "status": _one_of(Status),
    "shared": YES | {"description": "Its key is on several devices."},
    "last_that_works": YES,
    "added_at": MOMENT,
    "added_how": _one_of(HowAdded),
    "last_used_at": MOMENT,
    "last_application": _or_null(TEXT),
    "browser": _or_null(TEXT),
    "suspended_at": _or_null(MOMENT),
    "suspended_why": _or_null(_one_of(SuspendedWhy)),
    "suspended_until": _or_null(MOMENT),
    "suspicions": _list(TEXT),
    "sessions": COUNT,
    "applications": _list(TEXT),
    "acts": _ACTS,
}
_APPROVAL: Final[dict[str, Schema]] = {
    "id": ID,
    "act": _one_of(RULES),
    "state": TEXT,
    "person_id": ID,
    "person": TEXT,
    "device": TEXT,
    "address": TEXT,
    "other_id": _or_null(ID),
    "checked": TEXT,
    "reason": TEXT,
    "explanation": TEXT,
    "ticket": TEXT,
    "asked_by": TEXT,
    "asked_at": MOMENT,
    "expires_at": MOMENT,
    "decided_by": TEXT,
    "remark": TEXT,
    "own": YES,
    "decides": YES,
}
_SESSION: Final[dict[str, Schema]] = {
    "device_id": ID,
    "device": TEXT,
    "browser": _or_null(TEXT),
    "since": MOMENT,
    "last_seen": MOMENT,
}
_ENTRY: Final[dict[str, Schema]] = {
    "at": MOMENT,
    **dict.fromkeys(("what", "application", "device", "by", "why", "reference"), TEXT),
    "times": COUNT,
}
_OUTCOME: Final[dict[str, Schema]] = {
    "act": TEXT,
    "person_id": ID,
    "device_id": _or_null(ID),
    "approval_id": _or_null(ID | {"description": "Nothing was done yet: this waits."}),
    "say": _list(_object({"language": TEXT, "sentences": _list(TEXT)})),
    "undo": _or_null(TEXT | {"description": "What /undo takes, until `undo_until`."}),
    "undo_until": _or_null(MOMENT),
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Found": _object({"people": _list(_object(_NAMED)), "too_many": YES, "citizen": YES}),
    "Person": _object(
        {
            **_NAMED,
            "status": _one_of(("living", "deceased", "merged")),
            "merged_into": _or_null(ID),
            **_OF_LIVING,
        },
        optional=tuple(_OF_LIVING),
    ),
    "Devices": _object({"devices": _list(_object(_DEVICE))}),
    "Sessions": _object({"sessions": _list(_object(_SESSION))}),
    "Activity": _object({"activity": _list(_object(_ENTRY))}),
    "Outcome": _object(_OUTCOME),
    "Approval": _object(_APPROVAL),
    "Approvals": _object({"approvals": _list(_ref("Approval"))}),
    "Decided": _object({"id": ID, "act": _one_of(RULES), "state": TEXT, "person_id": ID}),
    # RFC 9457 §3
    "Problem": _object(
        {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "instance": {"type": "string", "format": "uri"},
        }
    ),
}
