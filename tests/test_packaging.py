"""The built wheel is the whole service: it runs where there is no source tree.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from authn import __version__
from authn.settings import PREFIX
from tests.browser import reserved_port
from tests.patience import SECONDS, until

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel in an environment of its own, and an empty folder to work in."""

    command: Path
    folder: Path

    def environment(self, port: str = "8000") -> dict[str, str]:
        """Nothing of the developer's own settings or import path."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith((PREFIX, "PYTHON"))
        }
        return kept | {
            "AUTHN_ISSUER": f"http://localhost:{port}",
            "AUTHN_PORT": port,
            "AUTHN_DATA_DIRECTORY": str(self.folder / "data"),
        }

    def run(self, *words: str, port: str = "8000") -> subprocess.CompletedProcess[str]:
        """The finished command."""
        return subprocess.run(
            [self.command, *words],
            cwd=self.folder,
            env=self.environment(port),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree without any network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    command += ["--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel alone in a fresh environment, whose dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site_packages = environment / "lib" / version / "site-packages"
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    work = folder / "work"
    work.mkdir()
    return Installed(environment / "bin" / "authn", work)


def test_every_file_that_the_service_reads_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    expected = {
        f"{'' if folder == 'authn' else 'authn/'}{path.relative_to(ROOT).as_posix()}"
        for folder in ("authn", "templates", "static")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"authn/db/migrations/env.py", "authn/locales/nl/LC_MESSAGES/messages.po"} <= expected
    assert expected - inside == set()


def test_nothing_else_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert folders == {"authn", f"authn-{__version__}.dist-info"}


def test_the_command_says_what_it_can_do(installed: Installed) -> None:
    result = installed.run("--help")
    assert result.returncode == 0, result.stderr
    assert "serve" in result.stdout


def test_an_error_is_one_sentence_and_exit_code_1(installed: Installed) -> None:
    result = installed.run("db", "upgrade", port="eighty")
    assert result.returncode == 1
    assert result.stderr.startswith("Setting AUTHN_")
    assert "port" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_installed_service_makes_its_database_and_serves_its_pages(
    installed: Installed,
) -> None:
    for words in (["secrets", "create"], ["db", "upgrade"]):
        result = installed.run(*words)
        assert result.returncode == 0, result.stderr
    with _serving(installed) as address:
        page = _get(f"{address}/")
        assert "<main" in page
        styles = re.findall(r'href="(/static/[^"]+\.css)"', page)
        assert styles
        assert "--" in _get(address + styles[0])


@contextmanager
def _serving(installed: Installed) -> Iterator[str]:
    with reserved_port() as port:
        process = subprocess.Popen(
            [installed.command, "serve"],
            cwd=installed.folder,
            env=installed.environment(str(port)),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _wait_until_up(process, f"http://localhost:{port}/health")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=SECONDS)


def _wait_until_up(process: subprocess.Popen[str], address: str) -> None:
    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1]
        try:
            _get(address)
        except httpx2.TransportError:
            return False
        return True

    until(answers, "an answer of the service")


def _get(address: str) -> str:
    return httpx2.get(address, timeout=SECONDS).raise_for_status().text
