"""Where the socket of a home's own Postgres is: in a private folder, at a path short enough for a socket."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from shared.adapters.postgres.server_account import EmbeddedPostgresError

PORT = 5432
"""Names the socket's file; nothing listens on a network."""

_SOCKET_PATH_MAX = 107  # bytes of a sockaddr_un before its closing zero


def socket_folder(folder: Path) -> Path:
    """A private folder whose path leaves room for the socket's name: in the temporary folder, if not in the data folder."""
    name = f"recovery-postgres-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for place in (folder / "socket", Path(tempfile.gettempdir()) / name, Path("/tmp") / name):
        # Clients take what a comma parts for several hosts.
        if len(os.fsencode(place / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_MAX and "," not in str(place):
            break
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    # Anyone may have made it beforehand in the temporary folder.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), folder.stat().st_uid):
        raise EmbeddedPostgresError(f"{place}: belongs to somebody else; the database's socket cannot be there")
    place.chmod(0o700)
    return place
