"""Where the system's Chromium is; `python -m tests.chromium` installs a missing one where it may.

Why the system's: Playwright's own browser is a download from outside any package registry, which
many networks refuse. Why the headless shell first: it has the same engine and no windows, whose own
pages take more than half of what a person's profile costs.
"""

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# A headless Chromium without fonts draws boxes: screenshots and contrast would say nothing.
FONTS = "fonts-liberation"


def find() -> str | None:
    """The path of the Chromium that `CHROMIUM` names, else of the first at a usual place."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    found = (shutil.which(candidate) for candidate in (*NAMES, *MAC_APPLICATIONS))
    return next((path for path in found if path), None)


def what_to_type() -> str:
    """The line that brings Chromium on this kind of machine."""
    if sys.platform == "darwin":
        return "brew install --cask google-chrome"
    if shutil.which("apt-get"):
        return f"sudo apt-get install chromium {FONTS}"
    return "the package manager's line for `chromium`, or CHROMIUM=/path/to/it before `make test`"


def install() -> bool:
    """Whether Chromium was installed: on Debian, as root or where sudo asks for no password."""
    if not shutil.which("apt-get"):
        return False
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and (not shutil.which("sudo") or not _succeeds(["sudo", "-n", "true"])):
        return False
    print("Installing Chromium from the system's packages, for the browser tests.", flush=True)
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    # Not every Debian has the shell.
    return _succeeds([*apt_get, "update"]) and any(
        _succeeds([*apt_get, "install", "--no-install-recommends", package, FONTS])
        for package in (SHELL, "chromium")
    )


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def main() -> int:
    """0 when there is a Chromium afterwards; else 1, and the line to type is on standard error."""
    if "CHROMIUM" in os.environ and not find():
        print(f"CHROMIUM={os.environ['CHROMIUM']} is not a program.", file=sys.stderr)
        return 1
    if find() or (install() and find()):
        return 0
    print("The browser tests need Chromium. Type this, then try again:", file=sys.stderr)
    print(f"    {what_to_type()}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
