"""The rules of the house (CONTRIBUTING.md): what is written here once holds everywhere."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.app import ROUTES
from authn.audit.catalogue import event_classes
from authn.audit.events.event import Event
from authn.clients.resource_servers.desk_api import PATH as DESK_API
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.openapi import build_openapi
from authn.settings import Settings
from tests import addresses, commands
from tools import messages, settings_page

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
# A migration is one statement a table, read once.
MODULES = [path for path in (ROOT / "authn").rglob("*.py") if path.parent.name != "versions"]
EVENTS = event_classes()
DECISIONS = ROOT / "docs" / "decisions.md"
# "decisions 2.9", also "Decisions 2.9 (why), 3.3 and 5".
CITED_DECISIONS = re.compile(
    r"\bdecisions (\d+(?:\.\d+)?(?:(?: \([^)]*\))?(?:,| and) \d+(?:\.\d+)?)*)\b", re.IGNORECASE
)
CITED_ELSEWHERE = re.compile(r"\b(?:protocol|design|domain|lessons?) \d|\bshared[/]", re.IGNORECASE)
LONGEST_MODULE = 350
LONGEST_FUNCTION = 40
# Routes that no page, script or discovery document leads to, and why that is right.
UNLISTED = {
    "/.well-known/oauth-authorization-server": "where clients that know OAuth alone begin",
    "/api/desk/v1/openapi.json": "who makes a tool of the desk reads it (docs/desk-api/README.md)",
    "/grants/*": "each grant is under the grant_management_endpoint of discovery",
    "/health": "load balancers and containers ask it",
    "/identity/*/jwks": "an upstream is told to read our keys there (docs/upstream.md)",
}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _sources() -> Iterator[Path]:
    """Every file that people write, but for the licence and the locks."""
    for folder in ("authn", "templates", "static", "tests", "tools", "docs", "bench", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not {"__pycache__", "node_modules"} & set(path.parts):
                yield path
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix != ".lock")


# Settings, events, commands


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.rstrip().endswith(".")


def test_the_page_of_settings_is_up_to_date() -> None:
    assert _read(settings_page.PAGE) == settings_page.page(), "run `make docs`"


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_described(event: type[Event]) -> None:
    # A dataclass without a docstring gets its signature as one.
    assert event.__doc__
    assert not event.__doc__.startswith(f"{event.__name__}(")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_exists(document: Path) -> None:
    named = re.findall(
        r"(?:-m authn|run --rm service|exec service authn) ([a-z -]+)", _read(document)
    )
    assert [words for words in named if not commands.exists(words.split())] == []


def test_every_file_that_the_page_on_security_names_exists() -> None:
    named = re.findall(r"`([a-z0-9_/]+(?:\.py|/))`", _read(ROOT / "docs" / "security.md"))
    homes = [ROOT / "authn", ROOT / "tests", ROOT]
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []


def test_every_decision_that_is_cited_is_written_down() -> None:
    written = set(re.findall(r"^(?:\*\*|## )(\d+(?:\.\d+)?)\b", _read(DECISIONS), re.MULTILINE))
    cited = {
        number: path.relative_to(ROOT).as_posix()
        for path, text in _texts()
        for numbers in CITED_DECISIONS.findall(text)
        for number in re.findall(r"\d+(?:\.\d+)?", numbers)
    }
    assert cited
    assert {number: path for number, path in cited.items() if number not in written} == {}


def test_every_test_that_a_decision_names_exists() -> None:
    paragraphs = re.findall(r"^\*\*\d.*?(?=\n\n|\Z)", _read(DECISIONS), re.MULTILINE | re.DOTALL)
    named = [re.findall(r"`(tests/[\w/]+\.py)`", paragraph) for paragraph in paragraphs]
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []


def test_no_page_is_cited_that_is_not_here() -> None:
    assert [path for path, text in _texts() if CITED_ELSEWHERE.search(text)] == []


def _texts() -> Iterator[tuple[Path, str]]:
    """What people read of each file: words of a sentence that goes over several lines as one."""
    for path in _sources():
        if path.suffix in {".py", ".js", ".css", ".html", ".md", ".toml", ".yml"}:
            yield path, re.sub(r"\s+(?:[#*]+\s+)?", " ", _read(path))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_the_documents_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`|\$ )make ((?:[a-z-]+ ?)+)", _read(document), re.MULTILINE)
    assert {target for words in named for target in words.split()} <= targets


# Languages


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_no_translation_is_missing(language: str) -> None:
    assert messages.missing(language, messages.extract()) == []


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_a_translation_fills_in_the_same_values(language: str) -> None:
    for message in messages.read_catalogue(language):
        for source, translation in _pairs(message.id, message.string):
            assert _placeholders(source) == _placeholders(translation), source


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_a_catalogue_holds_no_sentence_that_is_gone(language: str) -> None:
    source = messages.extract()
    gone = [
        message.id
        for message in messages.read_catalogue(language)
        if message.id and source.get(message.id, message.context) is None
    ]
    assert gone == [], "run `make messages`"


def test_no_sentence_shouts() -> None:
    shouted = [message.id for message in messages.extract() if "!" in str(message.id)]
    assert shouted == []


def _pairs(source: object, translation: object) -> Iterator[tuple[str, str]]:
    if isinstance(source, str):
        yield source, str(translation or source)
    elif isinstance(source, tuple | list) and isinstance(translation, tuple | list):
        yield from ((source[-1], each) for each in translation if each)


def _placeholders(sentence: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)[sd]", sentence))


# Routes and pages


def test_every_route_is_linked_discovered_or_excused(client: TestClient) -> None:
    discovery = client.get("/.well-known/openid-configuration").json()
    issuer = discovery["issuer"]
    discovered = {str(value).removeprefix(issuer) for value in discovery.values()}
    described = build_openapi(issuer, OPERATIONS)["paths"]
    discovered |= {addresses.plain(DESK_API + path) for path in described}
    reached = discovered | addresses.led_to()
    routes = {addresses.plain(route.path) for route in ROUTES if isinstance(route, Route)}
    assert routes - reached == UNLISTED.keys()


MAIL = ROOT / "templates" / "notices" / "mail.html"  # what shows it loads no style sheet


@pytest.mark.parametrize(
    "template",
    sorted(set((ROOT / "templates").rglob("*.html")) - {MAIL}),
    ids=lambda path: path.relative_to(ROOT / "templates").as_posix(),
)
def test_no_template_holds_script_or_style(template: Path) -> None:
    text = _read(template)
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", text) == []
    assert re.findall(r"\s(style|on[a-z]+)=", text) == []
    assert "<style" not in text


# The tree


def test_imports_run_downwards_only() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_no_module_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(_read(path).splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_a_class_name_stands_once() -> None:
    """A reader who searches for a class finds one."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(_read(path))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


# A participle, a preposition or an adverb alone tells a newcomer nothing.
SAYS_NOTHING = re.compile(
    r"[a-z]+ed|given|known|seen|told|said|shown|heard|found|chosen|held|here|lacking|beside|today"
    r"|(of|about|at|by|in|inside|without)_\w+"
)
NAMES_THAT_ONLY_LOOK_SO = {"at_hash"}  # OpenID Connect Core §3.1.3.6


def test_a_public_function_says_what_it_does() -> None:
    vague = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in MODULES
        for node in ast.parse(_read(path)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and SAYS_NOTHING.fullmatch(node.name)
        and node.name not in NAMES_THAT_ONLY_LOOK_SO
    }
    assert vague == set()


def test_no_function_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{function.name}": length
        for path in MODULES
        for function in ast.walk(ast.parse(_read(path)))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := _length(function)) > LONGEST_FUNCTION
    }
    assert long == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, without its signature and docstring."""
    body = function.body
    is_docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    start = body[1] if is_docstring and len(body) > 1 else body[0]
    return (function.end_lineno or start.lineno) - start.lineno + 1


def test_nothing_is_left_open() -> None:
    left_open = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|NotImplemented" + r"Error)\b")
    suffixes = {".py", ".js", ".css", ".html", ".md", ".toml", ".yml", ".csv", ".po", ""}
    found = [
        path for path in _sources() if path.suffix in suffixes and left_open.search(_read(path))
    ]
    assert found == []


def test_no_path_of_a_machine_is_written_down() -> None:
    own = str(ROOT).encode()
    assert [path for path in _sources() if own in path.read_bytes()] == []


# Tests that can't fail without a fault

# Those who play a server that is slow on purpose, and what takes a pause to be one.
SLOW_ON_PURPOSE = ("patience.py", "test_outages.py", "test_outgoing.py")
TESTS = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
RIGHT_WAY = {
    "sleep": "wait for what can be seen: tests.patience.until",
    "monotonic": "a busy machine is no fault: tests.patience has clocks that know it",
    "perf_counter": "a busy machine is no fault: tests.patience has clocks that know it",
    "wait_for_timeout": "wait for what can be seen: expect, or tests.patience.until",
    "wait_for_function": "our Content-Security-Policy stops it: expect, or tests.patience.until",
}
# So few letters stand by chance in a token, once in a thousand runs.
BY_CHANCE = re.compile(r"[A-Za-z0-9_-]{1,4}")
NETWORK_RESTS = "network" + "idle"
WORTH_A_LOOK = re.compile(r"sleep|monotonic|perf_counter|wait_for_|deadline|['\"] not in ")
TEXTS = ("text", "html", "page", "dump", "written")


def test_no_test_waits_for_a_time_or_relies_on_chance() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {words}"
        for path in TESTS
        for line, words in _found_in(path)
    ]
    assert found == []


def _found_in(path: Path) -> Iterator[tuple[int, str]]:
    text = _read(path)
    for node in ast.walk(ast.parse(text)) if WORTH_A_LOOK.search(text) else ():
        if isinstance(node, ast.Call):
            yield from ((node.lineno, words) for words in _relies_on_time(node, path.name))
        elif isinstance(node, ast.Compare) and _relies_on_chance(node):
            yield node.lineno, "so few letters stand in a random token too"


def _relies_on_time(call: ast.Call, file: str) -> Iterator[str]:
    called = call.func
    if isinstance(called, ast.Attribute):
        of_asyncio = isinstance(called.value, ast.Name) and called.value.id == "asyncio"
        if called.attr in RIGHT_WAY and file not in SLOW_ON_PURPOSE and not of_asyncio:
            yield RIGHT_WAY[called.attr]
    elif isinstance(called, ast.Name) and called.id in RIGHT_WAY:
        yield RIGHT_WAY[called.id]
    for named in call.keywords:
        if named.arg == "deadline" and not _is(named.value, None):
            yield "an example has no time limit: deadline=None"
    if any(_is(given, NETWORK_RESTS) for given in call.args):
        yield "a network that rests says nothing of a page: expect, or tests.patience.until"


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _relies_on_chance(compared: ast.Compare) -> bool:
    sought, text = compared.left, compared.comparators[0]
    name = {ast.Attribute: "attr", ast.Name: "id"}.get(type(text), "")
    return (
        isinstance(compared.ops[0], ast.NotIn)
        and isinstance(sought, ast.Constant)
        and bool(BY_CHANCE.fullmatch(str(sought.value)))
        and getattr(text, name, "") in TEXTS
    )


# Locks


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "tests/journeys/openid_client/package-lock.json",
    ],
)
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"https?://|--(?:extra-)?index|--find-links", _read(ROOT / lock)) == []


def test_development_has_exactly_the_versions_of_the_service() -> None:
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()


def test_the_locks_keep_to_the_ranges() -> None:
    project = tomllib.loads(_read(ROOT / "pyproject.toml"))["project"]
    ranges = [*project["dependencies"], *project["optional-dependencies"]["development"]]
    pins = _pins("requirements-dev.lock")
    for text in ranges:
        requirement = Requirement(text)
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{text}: run `make lock`"


def test_the_service_imports_nothing_but_its_own_dependencies() -> None:
    project = tomllib.loads(_read(ROOT / "pyproject.toml"))["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    distributions = packages_distributions()
    undeclared = {
        package
        for package in _imported_packages() - sys.stdlib_module_names - {"authn"}
        if not declared & {canonicalize_name(name) for name in distributions.get(package, [])}
    }
    assert undeclared == set()


def _imported_packages() -> set[str]:
    nodes = [node for path in MODULES for node in ast.walk(ast.parse(_read(path)))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def _pins(lock: str) -> dict[str, str]:
    return dict(
        re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", _read(ROOT / lock), re.MULTILINE)
    )
