"""Apache with mod_auth_openidc; `python -m tests.samples.apache` installs it on Debian, as root.

The one sample that needs a system package. Where it can't be had, its test says so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")
DEBIAN_PACKAGES = ("apache2", "libapache2-mod-auth-openidc")
NEEDED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "include", "env")

CONFIGURATION = """
ServerName localhost
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/errors
Listen 127.0.0.1:{port}
{modules}
LoadModule auth_openidc_module {folder_of_modules}/mod_auth_openidc.so
TypesConfig /etc/mime.types
DocumentRoot {folder}/pages
DirectoryIndex index.shtml
<Directory {folder}/pages>
  Options +Includes
  AddType text/html .shtml
  AddOutputFilter INCLUDES .shtml
</Directory>
Include {sample}
"""
# What an application behind it would do with the headers.
PAGE = '<h1>Hello, <!--#echo var="OIDC_CLAIM_name" --></h1>\n'


def is_here() -> bool:
    """Whether Apache and the module are installed."""
    return bool(program()) and (MODULES / "mod_auth_openidc.so").exists()


def program() -> str | None:
    """The path of Apache."""
    return shutil.which("apache2") or shutil.which("apache2", path="/usr/sbin")


@contextmanager
def running(
    sample: Path, folder: Path, port: int, environment: Mapping[str, str]
) -> Iterator[None]:
    """Apache serves one page behind the sample's configuration."""
    found = program()
    assert found is not None
    pages = folder / "pages"
    pages.mkdir()
    (pages / "index.shtml").write_text(PAGE, encoding="utf-8")
    loaded = [
        f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        for name in NEEDED
        if (MODULES / f"mod_{name}.so").exists()
    ]
    configuration = folder / "apache.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            modules="\n".join(loaded),
            folder_of_modules=MODULES,
            sample=sample,
        ),
        encoding="utf-8",
    )
    command = [found, "-f", str(configuration), "-DFOREGROUND"]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        try:
            yield
        finally:
            process.terminate()


def main() -> None:
    """Installs the packages where that is possible without asking anybody; else says nothing."""
    if is_here() or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("Installing Apache with mod_auth_openidc, for the test of its sample.", flush=True)
    apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    for arguments in (["update"], ["install", "--no-install-recommends", *DEBIAN_PACKAGES]):
        done = subprocess.run([*apt_get, *arguments], stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            print("It can't be had: the test of that sample is skipped.", file=sys.stderr)
            return


if __name__ == "__main__":
    main()
