"""The answers of the desk's API as JSON Schema 2020-12 (https://json-schema.org/draft/2020-12).

A member that may be null is always present.
"""

from typing import Any, Final, get_args

from authn.consents.desk_acts import DESK_ACT_DETAIL, MEMBERS, WAYS
from authn.devices.tables import HowAdded, KeyLevel, Kind, Status, SuspendedWhy
from authn.federation.foreign_identities import KEPT_CLAIMS
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


_NAMED_OTHERWISE: Final[dict[str, Schema]] = {
    "address": TEXT | {"description": "Its id, or of one to be added a mark."},
    "half": TEXT | {"description": "The id of the address, or `letter`."},
    "way": _one_of(WAYS),
}


def _desk_act(act: str, names: tuple[str, ...]) -> Schema:
    """The authorization detail `desk_act` of this act, which names most things by their id."""
    on = {name: _NAMED_OTHERWISE.get(name, ID) for name in names}
    locations = {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 1}
    kind: dict[str, Schema] = {"type": {"const": DESK_ACT_DETAIL}, "act": {"const": act}}
    return _object(kind | {"locations": locations} | on)


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
_ABOUT: Final[dict[str, Schema]] = {
    "id": ID,
    "act": _one_of(RULES),
    "state": TEXT,
    "asked_by": TEXT,
    "asked_at": MOMENT,
    "expires_at": MOMENT,
    "decided_by": TEXT,
    "remark": TEXT,
}
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
    "approvals": _list(_object(_ABOUT))
    | {"description": "What waits for a second one, or did in the last day."},
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
    "place": _or_null(TEXT),
    "suspended_at": _or_null(MOMENT),
    "suspended_why": _or_null(_one_of(SuspendedWhy)),
    "suspended_reason": _or_null(TEXT | {"description": "A code of the desk's reasons."}),
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

_IDENTITY: Final[dict[str, Schema]] = {"id": ID, "upstream": TEXT, "arrived_at": MOMENT}
_CLAIMS: Final = {
    "type": "object",
    "properties": dict.fromkeys(KEPT_CLAIMS, TEXT),
    "additionalProperties": False,
}
_DAY: Final = {"type": "string", "format": "date"}
_COUNTS: Final = {"type": "object", "additionalProperties": COUNT}
_DESK_ACTIVITY: Final[dict[str, Schema]] = {
    "day": _DAY,
    "days": _list(_object({"day": _DAY, "counts": _COUNTS})),
    "agents": _list(_object({"id": ID, "name": TEXT, "counts": _COUNTS})),
    "deeds": _list(
        _object(
            {
                "at": MOMENT,
                **dict.fromkeys(("agent", "group", "what"), TEXT),
                "person_id": _or_null(ID),
                **dict.fromkeys(("person", "why", "ticket", "note"), TEXT),
            }
        )
    ),
    "further": _or_null(TEXT | {"description": "For `before`: there were more that day."}),
    "open": _list(
        _object(
            {
                "id": ID,
                "act": _one_of(RULES),
                "person": TEXT,
                "asked_by": TEXT,
                "asked_at": MOMENT,
                "expires_at": MOMENT,
            }
        )
    ),
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
    "IdentityCheck": _object(
        {
            "code": ID,
            "person_id": ID,
            "until": MOMENT | {"description": "Until when a code can be asked for by it."},
        }
    ),
    "CodeWaits": _object(
        {
            "act": TEXT,
            "person_id": ID,
            "code": ID,
            "approval_id": _or_null(ID),
            "opens_at": _or_null(
                MOMENT | {"description": "From when the same call prints it, if nobody cancels it."}
            ),
        }
    ),
    "Match": _object({"act": TEXT, "person_id": ID, "identity": ID, "approval_id": _or_null(ID)}),
    "Identities": _object({"identities": _list(_object(_IDENTITY))}),
    "Identity": _object({**_IDENTITY, "claims": _CLAIMS}),
    "DeskActivity": _object(_DESK_ACTIVITY),
    "Decided": _object({"id": ID, "act": _one_of(RULES), "state": TEXT, "person_id": ID}),
    # RFC 9457 §3
    "Problem": _object(
        {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "instance": {"type": "string", "format": "uri"},
            "authorization_details": _list(_ref("DeskAct")),
        },
        optional=("authorization_details",),
    ),
    # RFC 9396 §2
    "DeskAct": {"oneOf": [_desk_act(act, names) for act, names in MEMBERS.items()]},
}
