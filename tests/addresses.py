"""Every address of ours that a template, a script or a redirect leads to, `*` for what varies."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parent.parent
_IN_TEMPLATE = re.compile(r'(?:href|action|data-follow)="([^"]*)"')
# What `device-act.js` calls, from a page that extends `device_act.html`.
_ACT = re.compile(r"\{% block path %\}(/.*?)\{% endblock %\}")
# What `desk-act.js` calls, from any page.
_CEREMONY = re.compile(r'data-path="(/[^"]*)"')
_IN_SCRIPT = re.compile(r"""['`]((?:/|\$\{path\})[^'`]*)['`]""")
_SCRIPT_PATH = re.compile(r"const path = `([^`]*)`")
_OF_DESK = ("desk_page", "desk_form", "desk_script", "desk_poll")  # `console.staff_endpoints`
_VARIES = re.compile(r"\{\{.*?\}\}|\$\{[^}]*\}|(?<!\$)\{[a-z_]+(?::[a-z]+)?\}")


def led_to() -> set[str]:
    """The addresses, without query and fragment."""
    found = {*_from_templates(), *_from_scripts(), *_from_python()}
    return {plain(address) for address in found if address.startswith("/")}


def plain(address: str) -> str:
    """`/devices/{id:uuid}/name`, `/devices/{{ device.id }}/name?x=y` → `/devices/*/name`."""
    return re.split(r"[?#]|\{%", _VARIES.sub("*", address))[0]


def _from_templates() -> Iterator[str]:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        yield from _IN_TEMPLATE.findall(text)
        acts = [*_ACT.findall(text), *_CEREMONY.findall(text)]
        yield from (f"{act}{call}" for act in acts for call in ("", "/options"))


def _from_scripts() -> Iterator[str]:
    for path in (ROOT / "static").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        base = _SCRIPT_PATH.search(text)
        for address in _IN_SCRIPT.findall(text):
            yield address.replace("${path}", base[1]) if base else address


def _from_python() -> Iterator[str]:
    for path in (ROOT / "authn").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        declared = {id(call.args[0]) for call in ast.walk(tree) if _declares_route(call)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in declared:
                    yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "*"
                    for part in node.values
                )


def _declares_route(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    function = node.func
    name = function.id if isinstance(function, ast.Name) else ""
    return name == "Route" or name.endswith("_route") or name in _OF_DESK
