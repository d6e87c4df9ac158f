"""What a change of a resource server would change, and which version of one it is."""

from authn.clients.resources import Resource
from authn.console.operator_client_views import ClientChange
from authn.secrets import token_hash
from authn.views.resource_shown import shown_resource


def version_of_resource(resource: Resource) -> str:
    """What is another one as soon as anything of it is: so that no change is lost."""
    return token_hash(repr(resource))[:32]


def resource_changes(before: Resource | None, after: Resource) -> list[ClientChange]:
    """What is another line than before; its scopes and their rules keep their order."""
    old = _lines(before) if before else {}
    new = _lines(after)
    return [
        ClientChange(name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys([*new, *old])
        if old.get(name, "") != new.get(name, "")
    ]


def _lines(resource: Resource) -> dict[str, str]:
    """By name what is shown; of a scope all its lines as one."""
    lines: dict[str, str] = {}
    last = ""
    for name, value in shown_resource(resource, ()):
        if name.startswith("  "):
            lines[last] += f"; {name.strip()}: {value}"
        elif name not in ("registered", "exchange"):
            last = name
            lines[name] = value
    return lines
